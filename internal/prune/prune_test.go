package prune_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/internal/prune"
)

func TestSweepsComeAtIrregularIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		last, pauses := time.Now(), []time.Duration{}
		prune.Loop(ctx, time.Minute, func(context.Context) {
			pauses = append(pauses, time.Since(last))
			time.Sleep(time.Hour) // a long sweep does not make the next ones pile up
			last = time.Now()
			if len(pauses) == 100 {
				cancel()
			}
		})
		distinct := map[time.Duration]bool{}
		for _, pause := range pauses {
			assert.GreaterOrEqual(t, pause, 30*time.Second)
			assert.LessOrEqual(t, pause, 90*time.Second)
			distinct[pause] = true
		}
		assert.Greater(t, len(distinct), 50, "the pauses differ")
	})
}

func TestTheLoopReturnsWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		swept, ended := 0, false
		go func() {
			prune.Loop(ctx, time.Minute, func(context.Context) { swept++ })
			ended = true
		}()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		before := swept
		assert.NotZero(t, before)
		cancel()
		synctest.Wait()
		assert.True(t, ended, "at once, not after the pause")
		assert.Equal(t, before, swept)
	})
}

func TestAnIntervalThatIsNotPositivePanics(t *testing.T) {
	for _, interval := range []time.Duration{0, -time.Second} {
		assert.PanicsWithValue(t, "prune: the interval must be positive, not "+interval.String(), func() {
			prune.Loop(t.Context(), interval, func(context.Context) {})
		})
	}
}
