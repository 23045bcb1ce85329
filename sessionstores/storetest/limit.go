package storetest

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var limitClauses = []clause{
	limiter("InsertLimited stores what Insert does", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		r := record()
		r.Version = 41
		assert.Empty(t, limited(t, l, "key", "", r, 1))
		assert.EqualValues(t, 1, r.Version)
		assertRecord(t, r, find(t, s, "key"))
		spoil(r)
		assertData(t, record().Data, find(t, s, "key").Data)
	}),
	limiter("InsertLimited that is refused changes nothing", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		insert(t, s, "old", record())
		insert(t, s, "other", record())
		want := insert(t, s, "key", of("session", "sam"))
		bad := record()
		bad.Data = data("bad", "{")
		for key, r := range map[string]*app.SessionRecord{"key": record(), "new": bad} {
			ended, err := l.InsertLimited(t.Context(), key, "old", r, 1)
			require.Error(t, err)
			assert.Empty(t, ended)
		}
		assertRecord(t, want, find(t, s, "key"))
		assertKept(t, s, "old", "other")
		assertGone(t, s, "new")
	}),
	limiter("InsertLimited to 1 ends every other session and returns it", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		a, b := insert(t, s, "a", record()), insert(t, s, "b", created(-time.Hour))
		a.Data = data("saved", "1")
		require.NoError(t, s.Update(t.Context(), "a", a))
		ended := limited(t, l, "new", "", record(), 1)
		require.Equal(t, []string{"a", "b"}, keysOf(ended))
		assertRecord(t, a, &ended[0].SessionRecord)
		assertRecord(t, b, &ended[1].SessionRecord)
		assertGone(t, s, "a")
		assertGone(t, s, "b")
		assertKept(t, s, "new")
		assert.Equal(t, []string{"new"}, keysOf(limited(t, l, "newer", "", record(), 1)))
	}),
	limiter("InsertLimited ends those that were created first", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		for key, age := range map[string]time.Duration{"c": 3, "a": 1, "e": 5, "b": 2, "d": 4} {
			r := created(-age * time.Second)
			r.Seen, r.LoggedIn = start.Add(age*time.Minute), start.Add(age*time.Minute) // the other way round
			insert(t, s, key, r)
		}
		assert.Empty(t, limited(t, l, "1", "", created(0), 6))
		assert.Equal(t, []string{"e"}, keysOf(limited(t, l, "2", "", created(time.Second), 6)))
		assert.Equal(t, []string{"b", "c", "d"}, keysOf(limited(t, l, "3", "", created(2*time.Second), 4)), "a limit that was higher before")
		assertKept(t, s, "a", "1", "2", "3")
	}),
	limiter("InsertLimited ends what is over first and does not return it", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		now := start.Add(time.Hour)
		for key, of := range map[string]struct{ age, idle, until time.Duration }{
			"idle": {1, 0, time.Hour}, "absolute": {2, time.Hour, 0}, "long ago": {0, -time.Hour, -time.Minute}, // the last created, and over
			"live": {4, time.Microsecond, time.Hour}, "alive": {3, time.Hour, time.Microsecond},
		} {
			r := created(-of.age * time.Second)
			r.IdleUntil, r.Until = now.Add(of.idle), now.Add(of.until)
			insert(t, s, key, r)
		}
		r := created(time.Hour)
		r.IdleUntil = r.Until
		assert.Empty(t, limited(t, l, "new", "", r, 3))
		assertKept(t, s, "live", "alive", "new")
		assertGone(t, s, "idle")
		assertGone(t, s, "absolute")
		assertGone(t, s, "long ago")
		assert.Equal(t, []string{"live"}, keysOf(limited(t, l, "newer", "", created(time.Hour), 3)))
	}),
	limiter("InsertLimited leaves other kinds and subjects", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		insertMany(t, s)
		assert.Equal(t, []string{"1"}, keysOf(limited(t, l, "new", "", record(), 1)))
		assertKept(t, s, "2", "3", "4", "5", "6", "new")
		for _, text := range hostile {
			insert(t, s, "key of "+text, of("session", text))
		}
		for _, text := range hostile {
			assert.Equal(t, []string{"key of " + text}, keysOf(limited(t, l, "new key of "+text, "", of("session", text), 1)))
		}
		assertKept(t, s, "2", "3", "4", "5", "6", "new")
	}),
	limiter("InsertLimited counts and returns no old", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		insert(t, s, "visitor", of("session", ""))
		insert(t, s, "a", created(-time.Minute))
		insert(t, s, "b", created(-time.Second))
		assert.Empty(t, limited(t, l, "c", "visitor", record(), 3))
		assertGone(t, s, "visitor")
		assert.Empty(t, limited(t, l, "d", "b", record(), 3), "a session that is replaced makes room")
		assertGone(t, s, "b")
		assertKept(t, s, "a", "c", "d")
		assert.Equal(t, []string{"a"}, keysOf(limited(t, l, "e", "gone", record(), 3)))
	}),
	limiter("InsertLimited always keeps the new session", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		insert(t, s, "a", created(time.Second))
		insert(t, s, "b", created(2*time.Second))
		assert.Equal(t, []string{"a"}, keysOf(limited(t, l, "late", "", created(-time.Hour), 2)), "of a node whose clock is slow")
		r := created(0)
		r.IdleUntil, r.Until = start, start
		assert.Equal(t, []string{"b", "late"}, keysOf(limited(t, l, "over", "", r, 1)))
		assertKept(t, s, "over")
	}),
	limiter("InsertLimited of many created at one time leaves limit", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		left := []string{"new"}
		for i := range 7 {
			insert(t, s, "key"+strconv.Itoa(i), record())
			left = append(left, "key"+strconv.Itoa(i))
		}
		ended := keysOf(limited(t, l, "new", "", record(), 3))
		assert.Len(t, ended, 5)
		assertKept(t, s, slices.DeleteFunc(left, func(key string) bool { return slices.Contains(ended, key) })...)
	}),
	limiter("InsertLimited of nobody's session ends none", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		insert(t, s, "old", of("session", ""))
		insert(t, s, "a", of("session", ""))
		assert.Empty(t, limited(t, l, "b", "old", of("session", ""), 1))
		assertGone(t, s, "old")
		assertKept(t, s, "a", "b")
	}),
	limiter("50 InsertLimited at once leave the limit and return each other once", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		var mu sync.Mutex
		seen := map[string]int{}
		together(60, func(i int) {
			r := created(time.Duration(i%7) * time.Second) // many are created at one time
			if i >= 50 {
				r.Subject = "sam"
			}
			ended, err := l.InsertLimited(t.Context(), "key"+strconv.Itoa(i), "", r, 5)
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			for _, one := range ended {
				assert.Equal(t, r.Subject, one.Subject)
				seen[one.Key]++
			}
		})
		left := map[string]int{}
		for i := range 60 {
			key := "key" + strconv.Itoa(i)
			r, err := s.Find(t.Context(), key)
			require.NoError(t, err)
			if r != nil {
				left[r.Subject]++
				seen[key]++
			}
		}
		assert.Equal(t, map[string]int{"frodo": 5, "sam": 5}, left)
		require.Len(t, seen, 60)
		for key, times := range seen {
			assert.Equal(t, 1, times, "%s is either there or was returned once", key)
		}
	}),
	limiter("InsertLimited and DeleteSessions at once count each session once", func(t *testing.T, s app.SessionStore, l app.SessionLimiter) {
		lister, ok := s.(app.SessionLister)
		if !ok {
			return // the contract leaves it out
		}
		var mu sync.Mutex
		total := 0
		together(24, func(i int) {
			n, err := 0, error(nil)
			if i%6 == 0 {
				n, err = lister.DeleteSessions(t.Context(), "session", "frodo", "")
			} else {
				var ended []app.StoredSession
				ended, err = l.InsertLimited(t.Context(), "key"+strconv.Itoa(i), "", record(), 3)
				n = len(ended)
			}
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			total += n
		})
		left := mustList(t, lister, "session", "frodo")
		assert.LessOrEqual(t, len(left), 3)
		assert.Equal(t, 20, total+len(left))
	}),
}

// limiter makes a clause for stores that bound the sessions of a user.
func limiter(name string, test func(t *testing.T, s app.SessionStore, l app.SessionLimiter)) clause {
	return clause{name, func(t *testing.T, s app.SessionStore) {
		l, ok := s.(app.SessionLimiter)
		if !ok {
			return // the contract leaves it out
		}
		test(t, s, l)
	}}
}

// created returns a session of frodo that began so long after the others.
func created(after time.Duration) *app.SessionRecord {
	r := record()
	r.Created = start.Add(after)
	return r
}

// limited returns what was ended by key.
func limited(t *testing.T, l app.SessionLimiter, key, old string, r *app.SessionRecord, limit int) []app.StoredSession {
	t.Helper()
	ended, err := l.InsertLimited(t.Context(), key, old, r, limit)
	require.NoError(t, err)
	slices.SortFunc(ended, func(a, b app.StoredSession) int { return strings.Compare(a.Key, b.Key) })
	return ended
}

func keysOf(list []app.StoredSession) (keys []string) {
	for _, one := range list {
		keys = append(keys, one.Key)
	}
	return keys
}

func assertKept(t *testing.T, s app.SessionStore, keys ...string) {
	t.Helper()
	for _, key := range keys {
		r, err := s.Find(t.Context(), key)
		require.NoError(t, err)
		assert.NotNil(t, r, "the session under %q is there", key)
	}
}
