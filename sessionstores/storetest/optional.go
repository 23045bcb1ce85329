package storetest

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var listClauses = []clause{
	lister("ListSessions returns whole records, the last used first", func(t *testing.T, s app.SessionStore, l app.SessionLister) {
		early, late, same := record(), record(), record()
		late.Seen = late.Seen.Add(time.Minute)
		early.Data = data("only", "1")
		insert(t, s, "b", early)
		insert(t, s, "c", late)
		insert(t, s, "a", same)
		require.Equal(t, []string{"c", "a", "b"}, mustList(t, l, "session", "frodo"))
		list, err := l.ListSessions(t.Context(), "session", "frodo")
		require.NoError(t, err)
		for i, want := range []*app.SessionRecord{late, same, early} {
			assertRecord(t, want, &list[i].SessionRecord)
			assert.Nil(t, list[i].User)
		}
	}),
	lister("ListSessions follows updates, touches and deletes", func(t *testing.T, s app.SessionStore, l app.SessionLister) {
		a, b := insert(t, s, "a", record()), insert(t, s, "b", record())
		require.NoError(t, s.Touch(t.Context(), "b", b.Seen.Add(time.Minute), b.IdleUntil))
		assert.Equal(t, []string{"b", "a"}, mustList(t, l, "session", "frodo"))
		a.Seen = a.Seen.Add(time.Hour)
		require.NoError(t, s.Update(t.Context(), "a", a))
		assert.Equal(t, []string{"a", "b"}, mustList(t, l, "session", "frodo"))
		require.NoError(t, s.Insert(t.Context(), "c", "a", record()))
		assert.Equal(t, []string{"b", "c"}, mustList(t, l, "session", "frodo"))
		require.NoError(t, s.Delete(t.Context(), "b"))
		assert.Equal(t, []string{"c"}, mustList(t, l, "session", "frodo"))
	}),
	lister("ListSessions tells kinds and subjects apart", func(t *testing.T, s app.SessionStore, l app.SessionLister) {
		insertMany(t, s)
		assert.Equal(t, []string{"1"}, mustList(t, l, "session", "frodo"))
		assert.Equal(t, []string{"2"}, mustList(t, l, "admin", "frodo"))
		assert.Equal(t, []string{"3"}, mustList(t, l, "session", "Frodo"))
		assert.Empty(t, mustList(t, l, "session", "fr%"))
		assert.Empty(t, mustList(t, l, "session", ""), "nobody has no sessions to list")
	}),
	lister("ListSessions returns expired sessions too", func(t *testing.T, s app.SessionStore, l app.SessionLister) {
		r := record()
		r.IdleUntil, r.Until = r.Seen, r.Seen
		insert(t, s, "key", r)
		assert.Equal(t, []string{"key"}, mustList(t, l, "session", "frodo"))
	}),
	lister("DeleteSessions removes all but one and counts them", func(t *testing.T, s app.SessionStore, l app.SessionLister) {
		for _, key := range []string{"a", "b", "c"} {
			insert(t, s, key, record())
		}
		n, err := l.DeleteSessions(t.Context(), "session", "frodo", "b")
		require.NoError(t, err)
		assert.Equal(t, 2, n)
		assertGone(t, s, "a")
		assertGone(t, s, "c")
		assert.Equal(t, []string{"b"}, mustList(t, l, "session", "frodo"))
		n, err = l.DeleteSessions(t.Context(), "session", "frodo", "")
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assertGone(t, s, "b")
	}),
	lister("DeleteSessions leaves other kinds and subjects", func(t *testing.T, s app.SessionStore, l app.SessionLister) {
		insertMany(t, s)
		for _, who := range [][2]string{{"session", "frodo"}, {"session", ""}, {"session", "%"}, {"", "frodo"}} {
			_, err := l.DeleteSessions(t.Context(), who[0], who[1], "")
			require.NoError(t, err)
		}
		assertGone(t, s, "1")
		for _, key := range []string{"2", "3", "4", "5", "6"} {
			find(t, s, key)
		}
	}),
	lister("DeleteSessions keeps no session of another for its key", func(t *testing.T, s app.SessionStore, l app.SessionLister) {
		insertMany(t, s)
		n, err := l.DeleteSessions(t.Context(), "session", "frodo", "2")
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		find(t, s, "2")
	}),
}

// insertMany stores sessions whose kinds and subjects are easily confused.
func insertMany(t *testing.T, s app.SessionStore) {
	t.Helper()
	for key, r := range map[string]*app.SessionRecord{
		"1": of("session", "frodo"), "2": of("admin", "frodo"), "3": of("session", "Frodo"),
		"4": of("session", ""), "5": of("sessionf", "rodo"), "6": of("session", "frodo "),
	} {
		insert(t, s, key, r)
	}
}

// lister makes a clause for stores that list.
func lister(name string, test func(t *testing.T, s app.SessionStore, l app.SessionLister)) clause {
	return clause{name, func(t *testing.T, s app.SessionStore) {
		l, ok := s.(app.SessionLister)
		if !ok {
			return // the contract leaves it out
		}
		test(t, s, l)
	}}
}

var pruneClauses = []clause{
	pruner("PruneSessions removes what expired at or before now", func(t *testing.T, s app.SessionStore, p app.SessionPruner) {
		now := start.Add(time.Hour)
		for key, ends := range map[string][2]time.Duration{
			"idle": {0, time.Hour}, "absolute": {time.Hour, 0}, "both": {-time.Second, -time.Second},
			"live": {time.Microsecond, time.Hour}, "alive": {time.Hour, time.Microsecond},
		} {
			r := record()
			r.IdleUntil, r.Until = now.Add(ends[0]), now.Add(ends[1])
			insert(t, s, key, r)
		}
		n, err := p.PruneSessions(t.Context(), now, 100)
		require.NoError(t, err)
		assert.Equal(t, 3, n)
		for _, key := range []string{"idle", "absolute", "both"} {
			assertGone(t, s, key)
		}
		find(t, s, "live")
		find(t, s, "alive")
	}),
	pruner("PruneSessions removes at most limit", func(t *testing.T, s app.SessionStore, p app.SessionPruner) {
		for i := range 5 {
			insert(t, s, strconv.Itoa(i), record())
		}
		for _, step := range [][2]int{{0, 0}, {-1, 0}, {2, 2}, {2, 2}, {2, 1}, {2, 0}} {
			n, err := p.PruneSessions(t.Context(), start.AddDate(1, 0, 0), step[0])
			require.NoError(t, err)
			assert.Equal(t, step[1], n, "limit %d", step[0])
		}
	}),
	pruner("PruneSessions follows touches and updates", func(t *testing.T, s app.SessionStore, p app.SessionPruner) {
		a, b := insert(t, s, "a", record()), insert(t, s, "b", record())
		end := a.IdleUntil
		require.NoError(t, s.Touch(t.Context(), "a", a.Seen.Add(time.Minute), end.Add(time.Minute)))
		b.IdleUntil = end.Add(time.Minute)
		require.NoError(t, s.Update(t.Context(), "b", b))
		n, err := p.PruneSessions(t.Context(), end, 10)
		require.NoError(t, err)
		assert.Zero(t, n)
		n, err = p.PruneSessions(t.Context(), end.Add(time.Minute), 10)
		require.NoError(t, err)
		assert.Equal(t, 2, n)
	}),
	pruner("prunes at once count each row once", func(t *testing.T, s app.SessionStore, p app.SessionPruner) {
		for i := range 20 {
			insert(t, s, strconv.Itoa(i), record())
		}
		var sum atomic.Int64
		together(4, func(int) {
			n, err := p.PruneSessions(t.Context(), start.AddDate(1, 0, 0), 10)
			assert.NoError(t, err)
			sum.Add(int64(n))
		})
		n, err := p.PruneSessions(t.Context(), start.AddDate(1, 0, 0), 100)
		require.NoError(t, err)
		assert.EqualValues(t, 20, sum.Load()+int64(n))
	}),
}

// pruner makes a clause for stores that prune.
func pruner(name string, test func(t *testing.T, s app.SessionStore, p app.SessionPruner)) clause {
	return clause{name, func(t *testing.T, s app.SessionStore) {
		p, ok := s.(app.SessionPruner)
		if !ok {
			return // the contract leaves it out
		}
		test(t, s, p)
	}}
}
