package strategytest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/kahu-go/kahu/strategies/strategytest"
)

// A recorder is a test that keeps what it fails with.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

// failuresOf is what one check of the suite fails with.
func failuresOf(t *testing.T, check string, open func(testing.TB) strategytest.Suite) string {
	t.Helper()
	r := &recorder{TB: t}
	var done sync.WaitGroup
	done.Go(func() { strategytest.RunCheck(r, check, open) }) // in a goroutine that Fatal can end
	done.Wait()
	return strings.Join(r.failures, "\n")
}
