package storetest

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

var listClauses = []clause{
	{"List returns whole tokens, the last used or made first", func(t *testing.T, s tokenstores.Store) {
		b, c, a, made, unused, B := token("b"), token("c"), token("a"), bare("made"), bare("unused"), token("B")
		c.LastUsed = c.LastUsed.Add(time.Minute)
		made.Created = b.LastUsed.Add(time.Second)
		want := []*tokenstores.Token{c, made, B, a, b, unused}
		for _, one := range []*tokenstores.Token{b, c, a, made, unused, B} {
			insert(t, s, one)
		}
		got, err := s.List(t.Context(), "api", "frodo")
		require.NoError(t, err)
		require.Len(t, got, len(want))
		for i := range want {
			assertToken(t, want[i], &got[i])
		}
	}},
	{"List follows touches, rotations and deletes", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("a"))
		insert(t, s, token("b"))
		require.NoError(t, s.Touch(t.Context(), "api", "b", "hash of b", start.Add(time.Hour), ""))
		assert.Equal(t, []string{"b", "a"}, list(t, s, "api", "frodo"))
		require.NoError(t, rotate(t, s, "a", "c"))
		assert.Equal(t, []string{"b", "a", "c"}, list(t, s, "api", "frodo"))
		remove(t, s, "api", "b", "")
		assert.Equal(t, []string{"a", "c"}, list(t, s, "api", "frodo"))
	}},
	{"List tells types and subjects apart", func(t *testing.T, s tokenstores.Store) {
		insertMany(t, s)
		assertMany(t, s)
		for _, subject := range append([]string{"", "fr%", "*", "FRODO"}, unstorable...) {
			assert.Empty(t, list(t, s, "api", subject))
			assert.Empty(t, list(t, s, subject, "frodo"))
		}
	}},
	{"List returns tokens that are over too", func(t *testing.T, s tokenstores.Store) {
		over := token("one")
		over.Expires, over.IdleLimit = start, time.Microsecond
		insert(t, s, over)
		assert.Equal(t, []string{"one"}, list(t, s, "api", "frodo"))
	}},
}

// over is a second after the use of the suite's tokens.
var over = start.Add(time.Minute + time.Second)

var pruneClauses = []clause{
	{"Prune removes what is over at or before now, as Live says", func(t *testing.T, s tokenstores.Store) {
		n := 0
		for _, expires := range []time.Duration{0, -time.Hour, -time.Microsecond, time.Microsecond, time.Hour} {
			for _, idle := range []time.Duration{0, time.Microsecond, time.Second - time.Microsecond, time.Second, time.Second + time.Microsecond, 61 * time.Second, 62 * time.Second} {
				for _, used := range []time.Duration{-time.Hour, 0, time.Minute, time.Minute + time.Second} {
					one := bare(strconv.Itoa(n))
					n++
					if expires != 0 {
						one.Expires = over.Add(expires + time.Microsecond)
					}
					if one.IdleLimit = idle; used != 0 {
						one.LastUsed = start.Add(used)
					}
					insert(t, s, one)
				}
			}
		}
		alive := map[string]bool{}
		tokens, err := s.List(t.Context(), "api", "frodo")
		require.NoError(t, err)
		require.Len(t, tokens, n)
		for _, one := range tokens {
			alive[one.ID] = one.Live(over)
		}
		_, err = s.Prune(t.Context(), over, 1000)
		require.NoError(t, err)
		for id, live := range alive {
			found, err := s.Find(t.Context(), "api", id)
			require.NoError(t, err)
			assert.Equal(t, live, found != nil, "token %s", id)
		}
	}},
	{"Prune removes at most limit and counts", func(t *testing.T, s tokenstores.Store) {
		for i := range 5 {
			insert(t, s, of("type"+strconv.Itoa(i%2), "frodo", strconv.Itoa(i)))
		}
		insert(t, s, bare("ever"))
		for _, step := range [][2]int{{0, 0}, {-1, 0}, {2, 2}, {2, 2}, {2, 1}, {2, 0}} {
			n, err := s.Prune(t.Context(), start.AddDate(1, 0, 0), step[0])
			require.NoError(t, err)
			assert.Equal(t, step[1], n, "limit %d", step[0])
		}
		find(t, s, "api", "ever")
	}},
	{"Prune follows touches and rotations", func(t *testing.T, s tokenstores.Store) {
		for _, id := range []string{"a", "b"} {
			insert(t, s, token(id))
		}
		require.NoError(t, s.Touch(t.Context(), "api", "a", "hash of a", start.Add(time.Hour), ""))
		c := bare("c")
		insert(t, s, c)
		next := bare("d")
		next.Created = start.Add(time.Minute)
		require.NoError(t, s.Rotate(t.Context(), "api", "c", c.Hash, until, next))
		n, err := s.Prune(t.Context(), start.Add(12*time.Hour+time.Minute), 10)
		require.NoError(t, err)
		assert.Equal(t, 2, n, "the one that was not touched and the one that was rotated")
		assert.Equal(t, []string{"a", "d"}, list(t, s, "api", "frodo"))
	}},
	{"prunes at once count each token once", func(t *testing.T, s tokenstores.Store) {
		for i := range 20 {
			insert(t, s, token(strconv.Itoa(i)))
		}
		var sum atomic.Int64
		together(4, func(int) {
			n, err := s.Prune(t.Context(), start.AddDate(1, 0, 0), 10)
			assert.NoError(t, err)
			sum.Add(int64(n))
		})
		n, err := s.Prune(t.Context(), start.AddDate(1, 0, 0), 100)
		require.NoError(t, err)
		assert.EqualValues(t, 20, sum.Load()+int64(n))
	}},
}
