package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"
)

var (
	// ErrMailQueueFull is what [MailQueue.Send] returns if too many mails wait.
	ErrMailQueueFull = errors.New("accounts: too many mails wait to be sent")

	// ErrMailQueueEnded is what [MailQueue.Send] returns when [MailQueue.Run] is ending.
	ErrMailQueueEnded = errors.New("accounts: mails are not sent any more")
)

// MailQueueOptions are the options of [NewMailQueue].
type MailQueueOptions struct {
	// Size is how many mails may wait, those to be tried again among them; 0: 1000.
	Size int

	// Pauses are waited before each further try; nil: 10 seconds, 1 minute, 10 minutes.
	Pauses []time.Duration

	// Drain is how long [MailQueue.Run] may go on sending what waits when its context has
	// ended; 0: 10 seconds.
	Drain time.Duration

	// Logger gets mails that could not be sent, without their text; nil: slog.Default().
	Logger *slog.Logger
}

// A MailQueue is a Mailer that takes mails at once and sends them in the background, one
// after the other, so that the time of an answer does not tell whether there was a mail to
// send. Mails are kept in memory only: those that wait in a process that is killed are
// lost, and people ask again. It is safe for concurrent use.
type MailQueue struct {
	mailer Mailer
	o      MailQueueOptions

	wake chan struct{} // something waits that did not

	mu             sync.Mutex
	waiting        []waitingMail // by due
	running, ended bool
}

type waitingMail struct {
	mail  Mail
	tries int
	due   time.Time
}

var _ Mailer = (*MailQueue)(nil)

// NewMailQueue returns a queue in front of a Mailer. Nothing is sent until [MailQueue.Run]
// runs. It panics without a Mailer and for negative options.
func NewMailQueue(m Mailer, o MailQueueOptions) *MailQueue {
	if m == nil {
		panic("accounts: NewMailQueue needs a Mailer")
	}
	o.Size = cmp.Or(o.Size, 1000)
	o.Drain = cmp.Or(o.Drain, 10*time.Second)
	if o.Pauses == nil {
		o.Pauses = []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute}
	}
	if o.Size < 0 || o.Drain < 0 || len(o.Pauses) > 0 && slices.Min(o.Pauses) < 0 {
		panic("accounts: NewMailQueue: Size, Pauses and Drain cannot be negative")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &MailQueue{mailer: m, o: o, wake: make(chan struct{}, 1)}
}

// Send puts a mail into the queue and never waits. It returns ErrMailQueueFull,
// ErrMailQueueEnded or what [Mail.Check] says; ctx is not looked at.
func (q *MailQueue) Send(_ context.Context, m Mail) error {
	if err := m.Check(); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.ended:
		return ErrMailQueueEnded
	case len(q.waiting) >= q.o.Size:
		return ErrMailQueueFull
	}
	q.put(waitingMail{mail: m, due: time.Now()})
	return nil
}

// put keeps the order of the times; q.mu is held.
func (q *MailQueue) put(w waitingMail) {
	i, _ := slices.BinarySearchFunc(q.waiting, w.due, func(other waitingMail, due time.Time) int {
		if other.due.After(due) {
			return 1
		}
		return -1
	})
	q.waiting = slices.Insert(q.waiting, i, w)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// String keeps what waits out of logs.
func (q *MailQueue) String() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return fmt.Sprintf("queue of %d mails", len(q.waiting))
}

// Format is String for every verb.
func (q *MailQueue) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, q.String()) }
