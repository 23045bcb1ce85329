package storetest

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

type denylistClause struct {
	name string
	test func(t *testing.T, l tokenstores.Denylist)
}

// RunDenylist tests what open returns against the contract of [tokenstores.Denylist], and
// of [tokenstores.DenylistJoiner] if it is one. open is called once a clause and returns a
// list that is empty; what it opens it closes by t.Cleanup. Run it under the race detector
// too.
func RunDenylist(t *testing.T, open func(t *testing.T) tokenstores.Denylist) {
	t.Helper()
	for _, group := range [][]denylistClause{denyClauses, denialPruneClauses, denialHostileClauses, denialConcurrencyClauses} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
		}
	}
}

func denial(key, mark string, until time.Time) tokenstores.Denial {
	return tokenstores.Denial{Key: key, Mark: mark, Until: until}
}

func deny(t testing.TB, l tokenstores.Denylist, d ...tokenstores.Denial) {
	t.Helper()
	require.NoError(t, l.Deny(t.Context(), d...))
}

// marks wants one for each key, and no user.
func marks(t testing.TB, l tokenstores.Denylist, keys ...string) []string {
	t.Helper()
	found, err := l.Find(t.Context(), "frodo", keys...)
	require.NoError(t, err)
	require.NotNil(t, found)
	assert.Len(t, found.Marks, len(keys))
	assert.Nil(t, found.User)
	assert.False(t, found.Joined, "a list that was given no users joins none")
	return found.Marks
}

func pruneDenials(t testing.TB, l tokenstores.Denylist, now time.Time, limit int) int {
	t.Helper()
	n, err := l.Prune(t.Context(), now, limit)
	require.NoError(t, err)
	return n
}

var denyClauses = []denylistClause{
	{"an empty list denies nothing", func(t *testing.T, l tokenstores.Denylist) {
		assert.Equal(t, []string{"", ""}, marks(t, l, "a", "b"))
		assert.Empty(t, marks(t, l))
		deny(t, l)
		assert.Zero(t, pruneDenials(t, l, until, 10))
	}},
	{"Find returns the mark of each key in their order, and nothing for the others", func(t *testing.T, l tokenstores.Denylist) {
		deny(t, l, denial("a", "1", until), denial("b", "two", until))
		deny(t, l, denial("c", "3", until))
		assert.Equal(t, []string{"1", "two", "3"}, marks(t, l, "a", "b", "c"))
		assert.Equal(t, []string{"3", "", "1", "two", "1", "", "3", "3"}, marks(t, l, "c", "x", "a", "b", "a", "y", "c", "c"))
		assert.Equal(t, []string{"two"}, marks(t, l, "b"))
	}},
	{"Find of more than eight keys is refused", func(t *testing.T, l tokenstores.Denylist) {
		deny(t, l, denial("a", "1", until))
		found, err := l.Find(t.Context(), "", "a", "a", "a", "a", "a", "a", "a", "a", "a")
		require.Error(t, err)
		assert.Nil(t, found)
	}},
	{"Find returns what is over", func(t *testing.T, l tokenstores.Denylist) {
		deny(t, l, denial("a", "1", time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)))
		assert.Equal(t, []string{"1"}, marks(t, l, "a"))
	}},
	{"Deny replaces a mark and keeps the later time", func(t *testing.T, l tokenstores.Denylist) {
		for key, times := range map[string][2]time.Time{
			"later": {until, until.Add(time.Microsecond)}, "same": {until, until}, "sooner": {until.Add(time.Microsecond), until},
		} {
			deny(t, l, denial(key, "first", times[0]))
			deny(t, l, denial(key, "second", times[1]))
			assert.Equal(t, []string{"second"}, marks(t, l, key))
		}
		assert.Equal(t, 1, pruneDenials(t, l, until, 10))
		assert.Equal(t, []string{"second", "", "second"}, marks(t, l, "later", "same", "sooner"))
		assert.Equal(t, 2, pruneDenials(t, l, until.Add(time.Microsecond), 10))
	}},
	{"of several denials of one key the last mark and the latest time count", func(t *testing.T, l tokenstores.Denylist) {
		deny(t, l, denial("a", "1", until), denial("b", "1", until), denial("a", "2", until.Add(time.Hour)), denial("a", "3", until.Add(time.Minute)))
		assert.Equal(t, []string{"3", "1"}, marks(t, l, "a", "b"))
		assert.Equal(t, 1, pruneDenials(t, l, until.Add(time.Minute), 10))
		assert.Equal(t, []string{"3", ""}, marks(t, l, "a", "b"))
	}},
	{"Deny of the same once more is no error", func(t *testing.T, l tokenstores.Denylist) {
		for range 2 {
			deny(t, l, denial("a", "1", until), denial("b", "2", until))
		}
		assert.Equal(t, []string{"1", "2"}, marks(t, l, "a", "b"))
		assert.Equal(t, 2, pruneDenials(t, l, until, 10))
	}},
	{"Deny does not change what it was given", func(t *testing.T, l tokenstores.Denylist) {
		given := []tokenstores.Denial{denial("b", "1", until.Add(789)), denial("a", "1", until), denial("b", "2", until)}
		deny(t, l, given...)
		assert.Equal(t, []tokenstores.Denial{denial("b", "1", until.Add(789)), denial("a", "1", until), denial("b", "2", until)}, given)
	}},
	{"Deny takes many at once", func(t *testing.T, l tokenstores.Denylist) {
		var list []tokenstores.Denial
		for i := range 500 {
			list = append(list, denial("key "+strconv.Itoa(i), "mark "+strconv.Itoa(i), until))
		}
		deny(t, l, list...)
		assert.Equal(t, []string{"mark 0", "mark 7", "mark 499"}, marks(t, l, "key 0", "key 7", "key 499"))
	}},
	{"users that cannot be joined are not", func(t *testing.T, l tokenstores.Denylist) {
		j, ok := l.(tokenstores.DenylistJoiner)
		if !ok {
			return // the contract leaves it out
		}
		deny(t, l, denial("a", "1", until))
		for _, users := range []any{nil, struct{}{}, "users"} {
			assert.Equal(t, []string{"1"}, marks(t, j.JoinUsers(users), "a"))
		}
	}},
}

var denialPruneClauses = []denylistClause{
	{"Prune removes what is over at or before now and nothing else", func(t *testing.T, l tokenstores.Denylist) {
		deny(t, l, denial("before", "1", until.Add(-time.Microsecond)), denial("at", "1", until), denial("after", "1", until.Add(time.Microsecond)),
			denial("elsewhere", "1", until.In(time.FixedZone("Shire", 13*60*60)).Add(time.Hour)))
		assert.Zero(t, pruneDenials(t, l, until.Add(-2*time.Microsecond), 10))
		assert.Equal(t, 2, pruneDenials(t, l, until, 10))
		assert.Equal(t, []string{"", "", "1", "1"}, marks(t, l, "before", "at", "after", "elsewhere"))
	}},
	{"Prune removes at most limit and counts", func(t *testing.T, l tokenstores.Denylist) {
		for i := range 5 {
			deny(t, l, denial(strconv.Itoa(i), "1", until))
		}
		deny(t, l, denial("later", "1", until.Add(time.Hour)))
		for _, step := range [][2]int{{0, 0}, {-1, 0}, {2, 2}, {2, 2}, {2, 1}, {2, 0}} {
			assert.Equal(t, step[1], pruneDenials(t, l, until, step[0]), "limit %d", step[0])
		}
		assert.Equal(t, []string{"1"}, marks(t, l, "later"))
	}},
	{"what was pruned can be denied again", func(t *testing.T, l tokenstores.Denylist) {
		deny(t, l, denial("a", "1", until.Add(time.Hour)))
		assert.Equal(t, 1, pruneDenials(t, l, until.Add(time.Hour), 10))
		deny(t, l, denial("a", "2", until))
		assert.Equal(t, []string{"2"}, marks(t, l, "a"))
		assert.Equal(t, 1, pruneDenials(t, l, until, 10), "and its time is the new one")
	}},
}

var denialHostileClauses = []denylistClause{
	{"keys are told apart exactly", func(t *testing.T, l tokenstores.Denylist) {
		keys := append([]string{"id", "ID", "Id", "id ", " id", "i%", "i_", "i?", "[id]", "ключ", "КЛЮЧ", "é", "e\u0301", "1:id", ":"}, hostile...)
		for i, key := range keys {
			assert.Equal(t, []string{""}, marks(t, l, key), "%q is not there yet", key)
			deny(t, l, denial(key, strconv.Itoa(i)+" "+key, until))
		}
		for i, key := range keys {
			assert.Equal(t, []string{strconv.Itoa(i) + " " + key}, marks(t, l, key))
		}
	}},
	{"keys and marks are as long as the limit", func(t *testing.T, l tokenstores.Denylist) {
		key, mark := strings.Repeat("k", 255), strings.Repeat("é", 127)
		deny(t, l, denial(key, mark, until))
		assert.Equal(t, []string{mark, ""}, marks(t, l, key, key[1:]))
	}},
	{"Deny refuses what cannot be kept and writes nothing", func(t *testing.T, l tokenstores.Denylist) {
		refused := []tokenstores.Denial{denial("a", "1", time.Time{}), denial("a", "1", time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC))}
		for _, text := range append([]string{""}, unstorable...) {
			refused = append(refused, denial(text, "1", until), denial("a", text, until))
		}
		for _, one := range refused {
			err := l.Deny(t.Context(), denial("mellon", "mellon", until), one)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "mellon")
		}
		assert.Equal(t, []string{"", ""}, marks(t, l, "a", "mellon"))
	}},
	{"Find of text that is no key is nothing and no error", func(t *testing.T, l tokenstores.Denylist) {
		deny(t, l, denial("a", "1", until))
		for _, text := range append([]string{""}, unstorable...) {
			assert.Equal(t, []string{""}, marks(t, l, text))
			assert.Equal(t, []string{"", "1", ""}, marks(t, l, text, "a", text))
			found, err := l.Find(t.Context(), text, "a")
			require.NoError(t, err)
			assert.Equal(t, []string{"1"}, found.Marks, "whosoever asks")
		}
	}},
	{"under a cancelled context everything is an error and nothing is written", func(t *testing.T, l tokenstores.Denylist) {
		deny(t, l, denial("a", "1", until))
		ctx := cancelled(t)
		for _, key := range []string{"a", "unknown", "", "a\x00"} {
			found, err := l.Find(ctx, "frodo", key)
			require.Error(t, err)
			assert.Nil(t, found)
		}
		_, err := l.Find(ctx, "frodo")
		require.Error(t, err)
		require.Error(t, l.Deny(ctx, denial("a", "2", until), denial("b", "2", until)))
		require.Error(t, l.Deny(ctx))
		_, err = l.Prune(ctx, until, 10)
		require.Error(t, err)
		assert.Equal(t, []string{"1", ""}, marks(t, l, "a", "b"))
	}},
}

var denialConcurrencyClauses = []denylistClause{
	{"20 who deny the same keys in different orders all succeed", func(t *testing.T, l tokenstores.Denylist) {
		keys := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
		for range 10 {
			together(20, func(i int) {
				list := make([]tokenstores.Denial, len(keys))
				for k := range keys {
					list[k] = denial(keys[(k*(2*(i%4)+1)+i)%len(keys)], "by "+strconv.Itoa(i), until.Add(time.Duration(i)*time.Second))
				}
				assert.NoError(t, l.Deny(t.Context(), list...))
			})
			found := marks(t, l, keys...)
			for _, mark := range found {
				assert.Equal(t, found[0], mark, "each wrote all of them in one step")
			}
		}
		assert.Zero(t, pruneDenials(t, l, until.Add(18*time.Second), 100), "the latest time stays, whoever came last")
		assert.Equal(t, len(keys), pruneDenials(t, l, until.Add(19*time.Second), 100))
	}},
	{"what was denied is found from then on, while others deny and prune", func(t *testing.T, l tokenstores.Denylist) {
		together(10, func(i int) {
			for round := range 20 {
				key := strconv.Itoa(i) + "." + strconv.Itoa(round)
				assert.NoError(t, l.Deny(t.Context(), denial(key, "1", until.Add(time.Hour)), denial("shared", "1", until.Add(time.Hour)), denial("old "+key, "1", start)))
				_, err := l.Prune(t.Context(), until, 3)
				assert.NoError(t, err)
				found, err := l.Find(t.Context(), "", key, "shared")
				if assert.NoError(t, err) {
					assert.Equal(t, []string{"1", "1"}, found.Marks)
				}
			}
		})
	}},
	{"prunes at once count each entry once", func(t *testing.T, l tokenstores.Denylist) {
		for i := range 20 {
			deny(t, l, denial(strconv.Itoa(i), "1", until))
		}
		var sum atomic.Int64
		together(4, func(int) {
			n, err := l.Prune(t.Context(), until, 10)
			assert.NoError(t, err)
			sum.Add(int64(n))
		})
		assert.EqualValues(t, 20, sum.Load()+int64(pruneDenials(t, l, until, 100)))
	}},
}
