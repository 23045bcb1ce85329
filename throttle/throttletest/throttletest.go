// Package throttletest says what a [throttle.Counter] must do, as a suite of tests that every implementation runs.
//
//	func TestRedis(t *testing.T) {
//		throttletest.Run(t, func(t *testing.T) func() throttle.Counter {
//			client := connect(t) // to an empty database
//			return func() throttle.Counter { return throttle.NewRedis(client) }
//		})
//	}
package throttletest

import (
	"context"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/throttle"
)

var start = time.Date(2031, time.March, 4, 5, 6, 7, 123456000, time.UTC)

const window = 15 * time.Minute

// Run runs the suite. For each test, empty prepares storage without counts; what it returns gives counters over that storage, as
// several processes would have them (or the same one again, if there is no storage to share).
func Run(t *testing.T, empty func(t *testing.T) func() throttle.Counter) {
	for _, c := range clauses {
		t.Run(c.name, func(t *testing.T) {
			open := empty(t)
			c.test(&suite{T: t, c: open(), other: open()})
		})
	}
}

var clauses = []struct {
	name string
	test func(*suite)
}{
	{"counts up within a window", (*suite).countsUp},
	{"starts anew at the end of a window to the microsecond", (*suite).startsAnew},
	{"starts anew for each of many keys", (*suite).startsAnewForAll},
	{"starts anew again and again", (*suite).startsAnewAgain},
	{"keeps the end of a window that has begun", (*suite).keepsTheEnd},
	{"takes back but never below zero", (*suite).takesBack},
	{"takes back nothing from another window", (*suite).takesBackFromItsWindow},
	{"takes back each of 200 at once", (*suite).takesBackAtOnce},
	{"reads without counting", (*suite).reads},
	{"resets one key", (*suite).resets},
	{"tells keys apart by every byte", (*suite).tellsKeysApart},
	{"counts any text", (*suite).countsAnyText},
	{"counts by the caller's clock in any year", (*suite).countsInAnyYear},
	{"ignores the time zone and what is below a microsecond", (*suite).ignoresZone},
	{"gives each of 200 at once a number of its own", (*suite).countsAtOnce},
	{"starts one window for 200 at once", (*suite).startsAnewAtOnce},
	{"counts together with others over the same storage", (*suite).countsTogether},
	{"fails and counts nothing when the context is over", (*suite).failsCancelled},
	{"refuses arguments without sense", (*suite).refuses},
}

type suite struct {
	*testing.T
	c, other throttle.Counter
}

// add counts after the start of all by later, and returns the count.
func (s *suite) add(key string, n int64, later time.Duration) throttle.Count {
	s.Helper()
	count, err := s.c.Add(s.Context(), key, n, start.Add(later), window)
	require.NoError(s, err)
	return count
}

func (s *suite) countsUp() {
	for n := range int64(5) {
		assert.Equal(s, throttle.Count{N: n + 1, Until: start.Add(window)}, s.add("frodo", 1, time.Duration(n)*time.Minute))
	}
	assert.Equal(s, throttle.Count{N: 1_000_005, Until: start.Add(window)}, s.add("frodo", 1_000_000, 0))
}

func (s *suite) startsAnew() {
	s.add("frodo", 3, 0)
	assert.Equal(s, throttle.Count{N: 4, Until: start.Add(window)}, s.add("frodo", 1, window-time.Microsecond))
	assert.Equal(s, throttle.Count{N: 1, Until: start.Add(2 * window)}, s.add("frodo", 1, window))
}

func (s *suite) startsAnewForAll() {
	for i := range 30 {
		s.add(strconv.Itoa(i), 2, 0)
	}
	for i := range 30 {
		assert.EqualValues(s, 1, s.add(strconv.Itoa(29-i), 1, window).N)
	}
}

func (s *suite) startsAnewAgain() {
	for i := range 5 {
		begin := time.Duration(i) * 100 * time.Hour
		s.add("frodo", 7, begin)
		assert.Equal(s, throttle.Count{N: 8, Until: start.Add(begin + window)}, s.add("frodo", 1, begin+time.Second))
	}
}

func (s *suite) keepsTheEnd() {
	s.add("frodo", 1, 0)
	for _, length := range []time.Duration{time.Second, time.Hour} {
		count, err := s.c.Add(s.Context(), "frodo", 1, start.Add(time.Minute), length)
		require.NoError(s, err)
		assert.Equal(s, start.Add(window), count.Until)
	}
	assert.Equal(s, throttle.Count{N: 4, Until: start.Add(window)}, s.add("frodo", 1, -time.Hour), "a clock that is behind")
}

func (s *suite) takesBack() {
	s.add("frodo", 3, 0)
	s.takeBack("frodo", 1, window)
	assert.EqualValues(s, 2, s.add("frodo", 0, 0).N)
	s.takeBack("frodo", 0, window)
	assert.EqualValues(s, 2, s.add("frodo", 0, 0).N)
	s.takeBack("frodo", 5, window)
	assert.EqualValues(s, 0, s.add("frodo", 0, 0).N)
	assert.Equal(s, throttle.Count{N: 1, Until: start.Add(window)}, s.add("frodo", 1, time.Second), "nothing is owed")
	s.takeBack("sam", 1, window)
	assert.Equal(s, throttle.Count{N: 1, Until: start.Add(window + time.Second)}, s.add("sam", 1, time.Second), "nothing was there, no window began")
	assert.EqualValues(s, 1, s.add("frodo", 0, 0).N, "one key's alone")
}

// takesBackFromItsWindow: an attempt of the last window that is given up in this one must not pay for another here.
func (s *suite) takesBackFromItsWindow() {
	s.add("frodo", 3, 0)
	s.add("frodo", 2, window)
	s.takeBack("frodo", 1, window)
	s.takeBack("frodo", 1, 2*window+time.Microsecond)
	s.takeBack("frodo", 1, 2*window-time.Microsecond)
	assert.EqualValues(s, 2, s.add("frodo", 0, window).N)
	s.takeBack("frodo", 1, 2*window+999*time.Nanosecond)
	assert.EqualValues(s, 1, s.add("frodo", 0, window).N, "its own, whatever is below a microsecond")

	require.NoError(s, s.c.Reset(s.Context(), "frodo"))
	s.add("frodo", 2, window+time.Second)
	s.takeBack("frodo", 1, 2*window)
	assert.EqualValues(s, 2, s.add("frodo", 0, window+time.Second).N, "a window before the reset")

	s.takeBack("frodo", 1, 2*window+time.Second)
	assert.Equal(s, throttle.Count{N: 1, Until: start.Add(3*window + time.Second)}, s.add("frodo", 1, 2*window+time.Second))
}

func (s *suite) takesBackAtOnce() {
	s.add("frodo", 250, 0)
	var all sync.WaitGroup
	for i := range 200 {
		c := []throttle.Counter{s.c, s.other}[i%2]
		all.Go(func() { assert.NoError(s, c.TakeBack(s.Context(), "frodo", 1, start.Add(window))) })
	}
	all.Wait()
	assert.EqualValues(s, 50, s.add("frodo", 0, 0).N)
}

// takeBack takes back from the window that ends after the start of all by later.
func (s *suite) takeBack(key string, n int64, later time.Duration) {
	s.Helper()
	require.NoError(s, s.c.TakeBack(s.Context(), key, n, start.Add(later)))
}

func (s *suite) reads() {
	s.add("frodo", 2, 0)
	assert.EqualValues(s, 2, s.add("frodo", 0, 0).N)
	assert.EqualValues(s, 0, s.add("sam", 0, 0).N)
}

func (s *suite) resets() {
	s.add("frodo", 9, 0)
	s.add("sam", 4, 0)
	require.NoError(s, s.c.Reset(s.Context(), "frodo"))
	require.NoError(s, s.c.Reset(s.Context(), "frodo"), "what is not there")
	assert.Equal(s, throttle.Count{N: 1, Until: start.Add(window + time.Minute)}, s.add("frodo", 1, time.Minute))
	assert.EqualValues(s, 5, s.add("sam", 1, 0).N)
}

func (s *suite) tellsKeysApart() {
	for _, key := range []string{"", " ", "frodo", "Frodo", "frodo ", "frodo\x00", "fródo", "fro\u0301do", "frodo\xff", "frodo\ufffd", "fr*", "fr%", "fr?d_"} {
		assert.EqualValues(s, 1, s.add(key, 1, 0).N, "%q", key)
	}
}

func (s *suite) countsAnyText() {
	for _, key := range []string{"", "\x00", "\xff\xfe", `\' OR 1=1) --`, "'; DROP TABLE throttle_counts; --", "?", "$1", "{a}", strings.Repeat("指輪", 1<<16)} {
		s.add(key, 1, 0)
		assert.EqualValues(s, 2, s.add(key, 1, 0).N, "%.20q", key)
		require.NoError(s, s.c.Reset(s.Context(), key))
		assert.EqualValues(s, 1, s.add(key, 1, 0).N, "%.20q", key)
	}
}

func (s *suite) countsInAnyYear() {
	for _, year := range []int{1970, 2001, 2099, 2300, 3019, 8999} {
		now := time.Date(year, 3, 25, 0, 0, 0, 123457000, time.UTC)
		for _, want := range []int64{1, 2} {
			count, err := s.c.Add(s.Context(), "frodo", 1, now, time.Second)
			require.NoError(s, err)
			assert.Equal(s, throttle.Count{N: want, Until: now.Add(time.Second)}, count)
		}
		count, err := s.c.Add(s.Context(), "frodo", 1, now.Add(time.Second-time.Microsecond), time.Second)
		require.NoError(s, err)
		assert.EqualValues(s, 3, count.N)
	}
}

func (s *suite) ignoresZone() {
	zone := time.FixedZone("Hobbiton", 3600)
	count, err := s.c.Add(s.Context(), "frodo", 1, start.Add(999*time.Nanosecond).In(zone), window)
	require.NoError(s, err)
	assert.Equal(s, throttle.Count{N: 1, Until: start.Add(window)}, count)
	count, err = s.c.Add(s.Context(), "frodo", 1, start.Add(window).In(zone), window)
	require.NoError(s, err)
	assert.EqualValues(s, 1, count.N)
}

func (s *suite) countsAtOnce() {
	assert.Equal(s, oneToN(200), s.addAtOnce(0))
}

func (s *suite) startsAnewAtOnce() {
	s.add("frodo", 50, 0)
	assert.Equal(s, oneToN(200), s.addAtOnce(window))
}

// addAtOnce counts 200 times from as many goroutines over two counters, and says how often each count was returned.
func (s *suite) addAtOnce(later time.Duration) map[int64]int {
	seen, at := map[int64]int{}, sync.Mutex{}
	var all sync.WaitGroup
	for i := range 200 {
		c := []throttle.Counter{s.c, s.other}[i%2]
		all.Go(func() {
			count, err := c.Add(s.Context(), "frodo", 1, start.Add(later), window)
			at.Lock()
			defer at.Unlock()
			if assert.NoError(s, err) {
				seen[count.N]++
			}
		})
	}
	all.Wait()
	return seen
}

func oneToN(n int64) map[int64]int {
	once := map[int64]int{}
	for i := range n {
		once[i+1] = 1
	}
	return once
}

func (s *suite) countsTogether() {
	s.add("frodo", 1, 0)
	count, err := s.other.Add(s.Context(), "frodo", 1, start, window)
	require.NoError(s, err)
	assert.EqualValues(s, 2, count.N)
	require.NoError(s, s.other.Reset(s.Context(), "frodo"))
	assert.EqualValues(s, 1, s.add("frodo", 1, 0).N)
}

func (s *suite) failsCancelled() {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	s.add("frodo", 1, 0)
	count, err := s.c.Add(ctx, "frodo", 1, start, window)
	assert.ErrorIs(s, err, context.Canceled)
	assert.Zero(s, count)
	assert.ErrorIs(s, s.c.Reset(ctx, "frodo"), context.Canceled)
	assert.ErrorIs(s, s.c.TakeBack(ctx, "frodo", 1, start.Add(window)), context.Canceled)
	assert.EqualValues(s, 2, s.add("frodo", 1, 0).N)
}

func (s *suite) refuses() {
	for name, a := range map[string]struct {
		n      int64
		now    time.Time
		window time.Duration
	}{
		"no window":           {1, start, 0},
		"a negative window":   {1, start, -window},
		"a window too short":  {1, start, 999 * time.Nanosecond},
		"a window for ever":   {1, start, math.MaxInt64},
		"the zero time":       {1, time.Time{}, window},
		"before 1970":         {1, time.Unix(-1, 0), window},
		"a time far from now": {1, time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), window},
		"a time that wraps":   {1, time.Unix(math.MaxInt64, 0), window},
		"n too large":         {1_000_001, start, window},
		"a negative n":        {-1, start, window},
		"n at its end":        {math.MinInt64, start, window},
	} {
		_, err := s.c.Add(s.Context(), "frodo", a.n, a.now, a.window)
		assert.ErrorContains(s, err, "throttle: ", name)
	}
	assert.EqualValues(s, 1, s.add("frodo", 1, 0).N, "nothing was counted")
	for _, n := range []int64{-1, 1_000_001, math.MinInt64, math.MaxInt64} {
		assert.ErrorContains(s, s.c.TakeBack(s.Context(), "frodo", n, start.Add(window)), "throttle: ", "%d", n)
	}
	assert.EqualValues(s, 1, s.add("frodo", 0, 0).N, "nothing was taken back")
}
