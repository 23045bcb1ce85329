package storetest

import (
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

// renewal gives the token with this id another hash and state.
func renewal(id, version string, used time.Time) tokenstores.Renewal {
	return tokenstores.Renewal{Hash: "hash of " + id + version, State: "state " + version, Used: used, Address: "192.0.2.1"}
}

// renew replaces the hash that [token] or [bare] gave.
func renew(t *testing.T, s tokenstores.Store, id, version string) error {
	return s.Renew(t.Context(), "api", id, "hash of "+id, renewal(id, version, start.Add(time.Hour)))
}

// deletions are the ways to end a token of frodo.
var deletions = []func(t *testing.T, s tokenstores.Store, id string) error{
	func(t *testing.T, s tokenstores.Store, id string) error {
		deleted, err := s.Delete(t.Context(), "api", id, "frodo")
		assert.True(t, deleted)
		return err
	},
	func(t *testing.T, s tokenstores.Store, _ string) error {
		n, err := s.DeleteAll(t.Context(), "api", "frodo", "")
		assert.Equal(t, 1, n)
		return err
	},
	func(t *testing.T, s tokenstores.Store, _ string) error {
		n, err := s.DeleteType(t.Context(), "api")
		assert.Equal(t, 1, n)
		return err
	},
}

var renewClauses = []clause{
	{"Renew writes hash, state and use, and keeps everything else", func(t *testing.T, s tokenstores.Store) {
		for _, want := range []*tokenstores.Token{token("one"), bare("two")} {
			insert(t, s, want)
			other := insert(t, s, of("remember", "frodo", want.ID))
			require.NoError(t, renew(t, s, want.ID, "b"))
			want.Hash, want.State, want.LastUsed, want.Address = "hash of "+want.ID+"b", "state b", start.Add(time.Hour), "192.0.2.1"
			assertToken(t, want, find(t, s, "api", want.ID))
			assertToken(t, other, find(t, s, "remember", want.ID))
		}
		assert.Equal(t, []string{"one", "two"}, list(t, s, "api", "frodo"), "no row more, no row less")
	}},
	{"Renew goes on with the hash that it wrote, and takes a state away", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		require.NoError(t, renew(t, s, "one", "b"))
		last := renewal("one", "c", start.Add(2*time.Hour))
		last.State, last.Address = "", ""
		require.NoError(t, s.Renew(t.Context(), "api", "one", "hash of oneb", last))
		got := find(t, s, "api", "one")
		assert.Equal(t, []string{"hash of onec", "", ""}, []string{got.Hash, got.State, got.Address})
	}},
	{"Renew never moves the last use back, nor its address", func(t *testing.T, s tokenstores.Store) {
		for i, back := range []time.Duration{-time.Hour, -time.Microsecond, 0, time.Nanosecond, time.Microsecond, 30 * time.Second} {
			want := insert(t, s, token(strconv.Itoa(i)))
			r := renewal(want.ID, "b", want.LastUsed.Add(-back))
			require.NoError(t, s.Renew(t.Context(), "api", want.ID, want.Hash, r))
			if want.Hash, want.State = r.Hash, r.State; back <= 0 {
				want.LastUsed, want.Address = r.Used, r.Address
			}
			assertToken(t, want, find(t, s, "api", want.ID))
		}
	}},
	{"Renew moves the end that an idle limit sets, never the expiry", func(t *testing.T, s tokenstores.Store) {
		one := token("one")
		one.IdleLimit, one.Expires = 2*time.Hour, start.Add(150*time.Minute)
		insert(t, s, one)
		require.NoError(t, renew(t, s, "one", "b"))
		got := find(t, s, "api", "one")
		assert.True(t, got.Live(one.LastUsed.Add(one.IdleLimit)), "it was used meanwhile")
		assert.False(t, got.Live(one.Expires))
		n, err := s.Prune(t.Context(), one.LastUsed.Add(one.IdleLimit), 10)
		require.NoError(t, err)
		assert.Zero(t, n)
		require.ErrorIs(t, s.Renew(t.Context(), "api", "one", "hash of oneb", renewal("one", "c", one.Expires)), tokenstores.ErrTokenGone)
		n, err = s.Prune(t.Context(), one.Expires, 10)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	}},
	{"Renew of a token that has another hash by now is ErrTokenRotated and changes nothing", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		require.NoError(t, renew(t, s, "one", "b"))
		want := find(t, s, "api", "one")
		for _, hash := range []string{"hash of one", "another", "HASH OF ONEB", "hash of oneb ", "%", "*", "' OR 1=1 --", "state b"} {
			require.ErrorIs(t, s.Renew(t.Context(), "api", "one", hash, renewal("one", "c", end)), tokenstores.ErrTokenRotated, hash)
		}
		assertToken(t, want, find(t, s, "api", "one"))
	}},
	{"Renew once more is no error and changes nothing", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		require.NoError(t, renew(t, s, "one", "b"))
		want := find(t, s, "api", "one")
		require.NoError(t, renew(t, s, "one", "b"))
		assertToken(t, want, find(t, s, "api", "one"))
		other := renewal("one", "b", start.Add(time.Hour))
		other.State = "another"
		require.ErrorIs(t, s.Renew(t.Context(), "api", "one", "hash of one", other), tokenstores.ErrTokenRotated, "that is no repetition")
		require.NoError(t, s.Renew(t.Context(), "api", "one", "hash of oneb", renewal("one", "c", start.Add(2*time.Hour))))
		require.ErrorIs(t, renew(t, s, "one", "b"), tokenstores.ErrTokenRotated, "somebody went on since")
	}},
	{"Renew of a token that was rotated is ErrTokenRotated and changes nothing", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		require.NoError(t, rotate(t, s, "one", "two"))
		want := find(t, s, "api", "one")
		for _, used := range []time.Time{start, until, until.Add(time.Hour)} {
			require.ErrorIs(t, s.Renew(t.Context(), "api", "one", "hash of one", renewal("one", "b", used)), tokenstores.ErrTokenRotated)
		}
		assertToken(t, want, find(t, s, "api", "one"))
		require.NoError(t, renew(t, s, "two", "b"))
	}},
	{"a token that was renewed is rotated and touched by its new hash alone", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		require.NoError(t, renew(t, s, "one", "b"))
		require.ErrorIs(t, rotate(t, s, "one", "two"), tokenstores.ErrTokenGone)
		require.NoError(t, s.Touch(t.Context(), "api", "one", "hash of one", start.Add(2*time.Hour), ""))
		assertTime(t, start.Add(time.Hour), find(t, s, "api", "one").LastUsed, "LastUsed")
		require.NoError(t, s.Rotate(t.Context(), "api", "one", "hash of oneb", until.Add(time.Hour), token("two")))
	}},
	{"Renew of a token that is not live is ErrTokenGone and changes nothing", func(t *testing.T, s tokenstores.Store) {
		for id, limits := range ended {
			over := bare(id)
			limits(over)
			insert(t, s, over)
			for _, after := range []time.Duration{0, 999 * time.Nanosecond, time.Microsecond, time.Hour} {
				require.ErrorIs(t, s.Renew(t.Context(), "api", id, over.Hash, renewal(id, "b", end.Add(after))), tokenstores.ErrTokenGone, id)
			}
			assertToken(t, over, find(t, s, "api", id))
			require.NoError(t, s.Renew(t.Context(), "api", id, over.Hash, renewal(id, "b", end.Add(-time.Microsecond))), "%s, a moment before", id)
		}
	}},
	{"Renew of a missing token is ErrTokenGone and brings nothing back", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		insert(t, s, of("remember", "frodo", "two"))
		require.NoError(t, renew(t, s, "one", "b"))
		assert.True(t, remove(t, s, "api", "one", "frodo"))
		for _, hash := range []string{"hash of one", "hash of oneb"} {
			require.ErrorIs(t, s.Renew(t.Context(), "api", "one", hash, renewal("one", "c", end)), tokenstores.ErrTokenGone)
		}
		require.ErrorIs(t, renew(t, s, "one", "b"), tokenstores.ErrTokenGone, "nor does the same once more")
		for _, text := range append([]string{"", "two", "never"}, unstorable...) {
			for _, who := range [][2]string{{"api", text}, {text, "one"}} {
				require.ErrorIs(t, s.Renew(t.Context(), who[0], who[1], "hash of two", renewal("two", "b", end)), tokenstores.ErrTokenGone)
			}
		}
		assert.Empty(t, list(t, s, "api", "frodo"))
	}},
	{"Renew for a hash that no token can have is ErrTokenGone and changes nothing", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		for _, hash := range append([]string{""}, unstorable...) {
			require.ErrorIs(t, s.Renew(t.Context(), "api", "one", hash, renewal("one", "b", end)), tokenstores.ErrTokenGone)
		}
		assertToken(t, want, find(t, s, "api", "one"))
	}},
	{"Renew refuses what cannot be stored and changes nothing", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		refuse := func(what string, spoil func(*tokenstores.Renewal)) {
			r := renewal("one", "b", end)
			spoil(&r)
			err := s.Renew(t.Context(), "api", "one", want.Hash, r)
			assertSilent(t, err)
			require.NotErrorIs(t, err, tokenstores.ErrTokenGone, what)
			require.NotErrorIs(t, err, tokenstores.ErrTokenRotated, what)
		}
		refuse("the hash it has", func(r *tokenstores.Renewal) { r.Hash = want.Hash })
		refuse("no time", func(r *tokenstores.Renewal) { r.Used = time.Time{} })
		refuse("a time out of range", func(r *tokenstores.Renewal) { r.Used = time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC) })
		refuse("a state that is too long", func(r *tokenstores.Renewal) { r.State = strings.Repeat("a", 1<<12+1) })
		for _, text := range append([]string{""}, unstorable...) {
			refuse("a hash", func(r *tokenstores.Renewal) { r.Hash = text })
			if text != "" && len(text) != 256 {
				refuse("a state", func(r *tokenstores.Renewal) { r.State = text })
			}
		}
		assertToken(t, want, find(t, s, "api", "one"))
	}},
	{"Renew takes a state as long as the limit and an address of any bytes", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		r := renewal("one", "b", end)
		r.Hash, r.State, r.Address = strings.Repeat("h", 255), strings.Repeat("é", 1<<11), "\x00\xff"+strings.Repeat("é", 1<<12)
		require.NoError(t, s.Renew(t.Context(), "api", "one", "hash of one", r))
		got := find(t, s, "api", "one")
		assert.Equal(t, []string{r.Hash, r.State}, []string{got.Hash, got.State})
		assertStorable(t, got.Address)
	}},
	{"of 50 renewals at once one succeeds, round after round", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		for round := range 20 {
			var won atomic.Int32
			var version atomic.Value
			together(50, func(i int) {
				r := renewal("one", " "+strconv.Itoa(round)+"."+strconv.Itoa(i), start.Add(time.Hour))
				switch err := s.Renew(t.Context(), "api", "one", want.Hash, r); {
				case err == nil:
					won.Add(1)
					version.Store(r)
				default:
					assert.ErrorIs(t, err, tokenstores.ErrTokenRotated)
				}
			})
			require.EqualValues(t, 1, won.Load())
			r := version.Load().(tokenstores.Renewal)
			want.Hash, want.State, want.LastUsed, want.Address = r.Hash, r.State, r.Used, r.Address
			assertToken(t, want, find(t, s, "api", "one"))
		}
	}},
	{"of a renewal and a rotation at once one succeeds", func(t *testing.T, s tokenstores.Store) {
		for round := range 50 {
			id := "id" + strconv.Itoa(round)
			insert(t, s, token(id))
			var renewed, rotated error
			together(2, func(i int) {
				if i == 0 {
					renewed = renew(t, s, id, "b")
					return
				}
				rotated = rotate(t, s, id, "next of "+id)
			})
			if renewed == nil {
				require.ErrorIs(t, rotated, tokenstores.ErrTokenGone)
				assert.Empty(t, find(t, s, "api", id).Successor)
				continue
			}
			require.NoError(t, rotated)
			require.ErrorIs(t, renewed, tokenstores.ErrTokenRotated)
			assert.Equal(t, "hash of "+id, find(t, s, "api", id).Hash)
		}
	}},
	{"100 rounds of renewals against Delete, DeleteAll and DeleteType bring nothing back", func(t *testing.T, s tokenstores.Store) {
		for round := range 100 {
			id := "id" + strconv.Itoa(round)
			insert(t, s, token(id))
			together(4, func(i int) {
				var err error
				switch i {
				case 0, 1:
					if err = renew(t, s, id, strconv.Itoa(i)); err != nil {
						assert.True(t, errors.Is(err, tokenstores.ErrTokenGone) || errors.Is(err, tokenstores.ErrTokenRotated), "%v", err)
					}
					return
				case 2:
					err = s.Touch(t.Context(), "api", id, "hash of "+id, start.Add(2*time.Hour), "")
				default:
					err = deletions[round%len(deletions)](t, s, id)
				}
				assert.NoError(t, err)
				if i == 3 {
					found, err := s.Find(t.Context(), "api", id)
					assert.NoError(t, err)
					assert.Nil(t, found, "when the deletion returns")
				}
			})
			assertGone(t, s, "api", id)
			require.Empty(t, list(t, s, "api", "frodo"))
		}
	}},
}
