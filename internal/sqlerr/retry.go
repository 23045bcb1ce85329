package sqlerr

import (
	"context"
	"math/rand/v2"
	"time"
)

// pauses before the second and the third try, on average. Two nodes that disturbed each other do not come back together: see [jitter].
var pauses = []time.Duration{20 * time.Millisecond, 100 * time.Millisecond}

type once struct{}

// Once returns a context with which [Retry] does everything once: inside a transaction, which has failed when one of its statements has.
func Once(ctx context.Context) context.Context { return context.WithValue(ctx, once{}, true) }

// Retry does the work, and does it again at most twice while its error is [Retryable], after a short pause. It returns the last error, also if ctx
// ends during a pause: that error says more than the context's. The work must be idempotent, or one transaction whose commit is.
func Retry(ctx context.Context, work func(context.Context) error) error {
	err := work(ctx)
	if ctx.Value(once{}) != nil {
		return err
	}
	return again(ctx, err, Retryable, work)
}

// Redo does the work, and does it again as [Retry] does, but only while it was [RolledBack]: it need not be idempotent.
func Redo(ctx context.Context, work func(context.Context) error) error {
	return again(ctx, work(ctx), RolledBack, work)
}

func again(ctx context.Context, err error, worth func(error) bool, work func(context.Context) error) error {
	for _, pause := range pauses {
		if !worth(err) || !wait(ctx, jitter(pause)) {
			return err
		}
		err = work(ctx)
	}
	return err
}

// jitter is 50 to 150 % of d.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// wait tells whether the time has passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
