// Package prune repeats a job, such as the removal of expired rows, at irregular intervals.
package prune

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Loop calls sweep again and again until ctx ends, and only then returns. Each pause, the first call's too, is 50 to 150 % of interval, so that
// processes started together do not sweep together; it begins when the sweep before has ended. Errors are sweep's to
// report. It panics if interval is not positive.
func Loop(ctx context.Context, interval time.Duration, sweep func(context.Context)) {
	if interval <= 0 {
		panic(fmt.Sprintf("prune: the interval must be positive, not %v", interval))
	}
	for {
		timer := time.NewTimer(interval/2 + rand.N(interval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		sweep(ctx)
	}
}
