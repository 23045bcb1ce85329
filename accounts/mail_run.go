package accounts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// mailLimit bounds one try, so that a server that does not answer holds up nobody for long.
const mailLimit = time.Minute

// Run sends mails until ctx ends. Then no more are taken, each that waits is tried once more
// for as long as Drain allows, and Run returns: nil, or an error that says how many were
// lost. No goroutine is left. It panics if it is called twice.
//
//	go func() { done <- queue.Run(ctx) }()
func (q *MailQueue) Run(ctx context.Context) error {
	q.start()
	sending, release := outlast(ctx, q.o.Drain)
	defer release()
	for ctx.Err() == nil {
		w, pause, due := q.next(time.Now())
		if due {
			q.try(sending, w)
			continue
		}
		q.wait(ctx, pause)
	}
	return q.drain(sending)
}

func (q *MailQueue) start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running {
		panic("accounts: MailQueue.Run was called twice")
	}
	q.running = true
}

// outlast returns a context that ends so much later than ctx.
func outlast(ctx context.Context, d time.Duration) (context.Context, func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() {
		cancel()
		if !stop() {
			<-done
		}
	}
}

// next takes the first mail if it is due, or says when it will be; -1: there is none.
func (q *MailQueue) next(now time.Time) (w waitingMail, pause time.Duration, due bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return w, -1, false
	}
	if pause = q.waiting[0].due.Sub(now); pause > 0 {
		return w, pause, false
	}
	w, q.waiting = q.waiting[0], q.waiting[1:]
	return w, 0, true
}

func (q *MailQueue) wait(ctx context.Context, pause time.Duration) {
	var due <-chan time.Time
	if pause >= 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-q.wake:
	case <-due:
	}
}

// try sends a mail, or puts it back to be tried again.
func (q *MailQueue) try(ctx context.Context, w waitingMail) {
	err := q.send(ctx, w.mail)
	if err == nil {
		return
	}
	if w.tries >= len(q.o.Pauses) || errors.Is(err, ErrMailRefused) || errors.Is(err, ErrAddress) {
		q.lose(ctx, w, err)
		return
	}
	w.due = time.Now().Add(q.o.Pauses[w.tries])
	w.tries++
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(w)
}

// send turns a panic of the Mailer into an error: there is no request to answer 500.
func (q *MailQueue) send(ctx context.Context, m Mail) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("accounts: the Mailer panicked with a %T", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, mailLimit)
	defer cancel()
	return q.mailer.Send(ctx, m)
}

// lose tells the log. Whose mail it was is in nobody's interest there: the subject will do.
func (q *MailQueue) lose(ctx context.Context, w waitingMail, err error) {
	q.o.Logger.LogAttrs(ctx, slog.LevelError, "a mail was not sent",
		slog.String("subject", w.mail.Subject), slog.Int("tries", w.tries+1), slog.Any("error", err))
}

func (q *MailQueue) drain(ctx context.Context) error {
	q.mu.Lock()
	rest := q.waiting
	q.waiting, q.ended = nil, true
	q.mu.Unlock()
	lost := 0
	for _, w := range rest {
		err := ctx.Err()
		if err == nil {
			err = q.send(ctx, w.mail)
		}
		if err != nil {
			q.lose(ctx, w, err)
			lost++
		}
	}
	if lost > 0 {
		return fmt.Errorf("accounts: %d mails were not sent", lost)
	}
	return nil
}
