package accounts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
)

// A mailbox notes what it is sent and when, and fails as fail says.
type mailbox struct {
	fail func(ctx context.Context, m accounts.Mail) error

	mu  sync.Mutex
	got []string
}

func (b *mailbox) Send(ctx context.Context, m accounts.Mail) error {
	b.mu.Lock()
	b.got = append(b.got, time.Now().Format("04:05 ")+m.Subject)
	b.mu.Unlock()
	if b.fail == nil {
		return nil
	}
	return b.fail(ctx, m)
}

func (b *mailbox) tries() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.got
}

// A running queue is one that runs until stop is called, which returns what Run did.
type running struct {
	*accounts.MailQueue
	log  bytes.Buffer
	stop func() error
}

func runQueue(t *testing.T, m accounts.Mailer, o accounts.MailQueueOptions) *running {
	t.Helper()
	r := &running{}
	o.Logger = slog.New(slog.NewTextHandler(&r.log, nil))
	r.MailQueue = accounts.NewMailQueue(m, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = func() error { cancel(); return <-done }
	return r
}

func (r *running) put(t *testing.T, subject string) {
	t.Helper()
	require.NoError(t, r.Send(t.Context(), accounts.Mail{To: "frodo@shire.example", Subject: subject, Text: "s3cret"}))
}

// In the bubbles of synctest a goroutine that is left fails the test.

func TestAQueueSendsWhatItIsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &mailbox{}
		q := runQueue(t, box, accounts.MailQueueOptions{})
		for i := range 3 {
			q.put(t, strconv.Itoa(i))
		}
		synctest.Wait()
		assert.Equal(t, []string{"00:00 0", "00:00 1", "00:00 2"}, box.tries())
		require.NoError(t, q.stop())
		require.ErrorIs(t, q.Send(t.Context(), letter), accounts.ErrMailQueueEnded)
		assert.Empty(t, q.log.String())
	})
}

// Whoever measures an answer learns nothing: the Mailer below never returns.
func TestSendNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &mailbox{fail: func(ctx context.Context, _ accounts.Mail) error { <-ctx.Done(); return ctx.Err() }}
		q := runQueue(t, box, accounts.MailQueueOptions{Size: 2, Pauses: []time.Duration{}})
		began := time.Now()
		q.put(t, "in hand")
		synctest.Wait()
		q.put(t, "first")
		q.put(t, "second")
		require.ErrorIs(t, q.Send(t.Context(), letter), accounts.ErrMailQueueFull)
		assert.Zero(t, time.Since(began))
		time.Sleep(3 * time.Minute) // of the bubble: each is given up after one
		synctest.Wait()
		assert.Equal(t, []string{"00:00 in hand", "01:00 first", "02:00 second"}, box.tries())
		require.NoError(t, q.stop())
	})
}

func TestAMailIsTriedAgainAfterPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := map[string]int{"soon": 1, "never": 99, "panic": 1, "refused": 99, "address": 99}
		box := &mailbox{fail: func(_ context.Context, m accounts.Mail) error {
			if left[m.Subject]--; left[m.Subject] < 0 {
				return nil
			}
			switch m.Subject {
			case "panic":
				panic("s3cret")
			case "refused":
				return fmt.Errorf("%w: 550", accounts.ErrMailRefused)
			case "address":
				return accounts.ErrAddress
			}
			return errors.New("not now")
		}}
		q := runQueue(t, box, accounts.MailQueueOptions{Pauses: []time.Duration{10 * time.Second, time.Minute}})
		for _, subject := range []string{"soon", "never", "panic", "refused", "address"} {
			q.put(t, subject)
		}
		time.Sleep(5 * time.Second)
		q.put(t, "later, and not held up")
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, []string{"00:00 soon", "00:00 never", "00:00 panic", "00:00 refused", "00:00 address", "00:05 later, and not held up",
			"00:10 soon", "00:10 never", "00:10 panic", "01:10 never"}, box.tries())
		require.NoError(t, q.stop())
		log := q.log.String()
		assert.Contains(t, log, `level=ERROR msg="a mail was not sent" subject=never tries=3 error="not now"`)
		assert.Contains(t, log, `subject=refused tries=1`)
		assert.Contains(t, log, `subject=address tries=1`)
		assert.Equal(t, 3, bytes.Count([]byte(log), []byte("\n")))
		assert.NotContains(t, log, "s3cret")
		assert.NotContains(t, log, "frodo")
	})
}

func TestWhatWaitsIsSentAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		box := &mailbox{fail: func(_ context.Context, m accounts.Mail) error {
			if down || m.Subject == "lost" {
				return errors.New("not now")
			}
			return nil
		}}
		q := runQueue(t, box, accounts.MailQueueOptions{})
		q.put(t, "kept")
		q.put(t, "lost")
		synctest.Wait()
		down = false
		require.EqualError(t, q.stop(), "accounts: 1 mails were not sent")
		assert.Equal(t, []string{"00:00 kept", "00:00 lost", "00:00 kept", "00:00 lost"}, box.tries())
		assert.Contains(t, q.log.String(), "subject=lost")
	})
}

func TestTheEndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &mailbox{fail: func(ctx context.Context, _ accounts.Mail) error { <-ctx.Done(); return ctx.Err() }}
		q := runQueue(t, box, accounts.MailQueueOptions{Drain: 7 * time.Second})
		for i := range 100 {
			q.put(t, strconv.Itoa(i))
		}
		synctest.Wait()
		began := time.Now()
		require.EqualError(t, q.stop(), "accounts: 100 mails were not sent")
		assert.Equal(t, 7*time.Second, time.Since(began))
		assert.Equal(t, []string{"00:00 0"}, box.tries(), "the one in hand had its time")
	})
}

func TestAMailInHandIsNotCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &mailbox{fail: func(ctx context.Context, _ accounts.Mail) error {
			select {
			case <-time.After(5 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		q := runQueue(t, box, accounts.MailQueueOptions{})
		q.put(t, "slow")
		synctest.Wait()
		require.NoError(t, q.stop())
	})
}

func TestManySendersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &mailbox{}
		q := runQueue(t, box, accounts.MailQueueOptions{})
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				assert.NoError(t, q.Send(t.Context(), accounts.Mail{To: "frodo@shire.example", Subject: strconv.Itoa(i)}))
			})
		}
		wg.Wait()
		require.NoError(t, q.stop())
		assert.Len(t, box.tries(), 50)
	})
}

func TestQueuesThatAreWrongPanic(t *testing.T) {
	const negative = "accounts: NewMailQueue: Size, Pauses and Drain cannot be negative"
	for _, o := range []accounts.MailQueueOptions{{Size: -1}, {Drain: -1}, {Pauses: []time.Duration{1, -1}}} {
		assert.PanicsWithValue(t, negative, func() { accounts.NewMailQueue(&mailbox{}, o) })
	}
	assert.PanicsWithValue(t, "accounts: NewMailQueue needs a Mailer", func() { accounts.NewMailQueue(nil, accounts.MailQueueOptions{}) })
	synctest.Test(t, func(t *testing.T) {
		q := runQueue(t, &mailbox{}, accounts.MailQueueOptions{})
		synctest.Wait()
		assert.PanicsWithValue(t, "accounts: MailQueue.Run was called twice", func() { _ = q.Run(t.Context()) })
		require.NoError(t, q.stop())
	})
}
