package throttle_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/throttle"
)

func TestMemoryIsBounded(t *testing.T) {
	m := throttle.NewMemory()
	m.Bound(100)
	for i := range 1000 {
		add(t, m, strconv.Itoa(i), start)
	}
	assert.Equal(t, 100, m.Len())
	assert.True(t, m.Consistent())
}

// Keys without number do not make a guessed account's count forgotten, nor that of anybody with more than one failure.
func TestMemoryFullOfAttackersKeysKeepsTheHotOnes(t *testing.T) {
	m := throttle.NewMemory()
	m.Bound(100)
	for range 10 {
		add(t, m, "login account frodo", start)
	}
	add(t, m, "login account sam", start)
	add(t, m, "login account sam", start)
	for i := range 10_000 {
		add(t, m, "login address "+strconv.Itoa(i), start.Add(time.Duration(i)))
	}
	assert.EqualValues(t, 11, add(t, m, "login account frodo", start))
	assert.EqualValues(t, 3, add(t, m, "login account sam", start))
}

func TestMemoryPushesOutTheLowestCountThatEndsFirst(t *testing.T) {
	m := throttle.NewMemory()
	m.Bound(3)
	add(t, m, "late", start.Add(time.Minute))
	add(t, m, "early", start)
	add(t, m, "hot", start.Add(-time.Minute))
	add(t, m, "hot", start)
	add(t, m, "new", start)
	assert.EqualValues(t, 3, add(t, m, "hot", start))
	assert.EqualValues(t, 2, add(t, m, "late", start))
	assert.EqualValues(t, 1, add(t, m, "early", start), "it made room for the new one")
}

func TestMemoryForgetsWindowsThatHaveEnded(t *testing.T) {
	m := throttle.NewMemory()
	m.Bound(100)
	for i := range 50 {
		add(t, m, strconv.Itoa(i), start)
		add(t, m, strconv.Itoa(i), start)
	}
	for range 25 {
		add(t, m, "frodo", start.Add(window))
	}
	assert.Equal(t, 1, m.Len())
	assert.True(t, m.Consistent())
	require.NoError(t, m.Reset(t.Context(), "frodo"))
	assert.Zero(t, m.Len())
}

// The model is a map without bound; the counter must agree with it whatever comes, as long as nothing is pushed out.
func TestMemoryAgreesWithAPlainMap(t *testing.T) {
	type entry struct {
		n     int64
		until time.Time
	}
	random, m, model := rand.New(rand.NewPCG(1, 2)), throttle.NewMemory(), map[string]entry{}
	for now := start; now.Before(start.Add(3 * time.Hour)); now = now.Add(time.Duration(random.IntN(int(5 * time.Second)))).Truncate(time.Microsecond) {
		key, n := strconv.Itoa(random.IntN(40)), random.Int64N(4)
		if random.IntN(10) == 0 {
			require.NoError(t, m.Reset(t.Context(), key))
			delete(model, key)
			continue
		}
		length := time.Duration(1+random.IntN(10)) * time.Minute
		e := model[key]
		if random.IntN(5) == 0 {
			if e.n > 0 {
				e.n = max(0, e.n-n)
				model[key] = e
			}
			require.NoError(t, m.TakeBack(t.Context(), key, n, e.until))
			continue
		}
		if !e.until.After(now) {
			e = entry{until: now.Add(length)}
		}
		e.n += n
		model[key] = e
		got, err := m.Add(t.Context(), key, n, now, length)
		require.NoError(t, err)
		require.Equal(t, throttle.Count{N: e.n, Until: e.until}, got)
		require.True(t, m.Consistent())
	}
}
