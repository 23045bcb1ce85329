package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var moveClauses = []clause{
	mover("MoveSession is an update under another key", func(t *testing.T, s app.SessionStore, m app.SessionMover) {
		r := insert(t, s, "old", record())
		insert(t, s, "other", record())
		r.Data = data("kept", `"yes"`)
		r.Seen, r.IdleUntil = r.Seen.Add(time.Minute), r.IdleUntil.Add(time.Minute)
		require.NoError(t, m.MoveSession(t.Context(), "new", "old", r))
		assert.EqualValues(t, 2, r.Version)
		assertGone(t, s, "old")
		assertRecord(t, r, find(t, s, "new"))
		assertRecord(t, record1(), find(t, s, "other"))
		require.NoError(t, s.Update(t.Context(), "new", r), "the version goes on")
	}),
	mover("MoveSession writes nothing else", func(t *testing.T, s app.SessionStore, m app.SessionMover) {
		want := insert(t, s, "old", record())
		r := *want
		r.Kind, r.Subject, r.Address, r.Agent = "other", "sauron", "192.0.2.1", "Nazgul/9"
		r.Created, r.LoggedIn, r.Until = start.AddDate(1, 0, 0), start.AddDate(2, 0, 0), start.AddDate(3, 0, 0)
		require.NoError(t, m.MoveSession(t.Context(), "new", "old", &r))
		want.Version = 2
		assertRecord(t, want, find(t, s, "new"))
	}),
	mover("MoveSession of a missing row is ErrSessionGone and inserts nothing", func(t *testing.T, s app.SessionStore, m app.SessionMover) {
		r := insert(t, s, "old", record())
		require.NoError(t, s.Delete(t.Context(), "old"))
		require.ErrorIs(t, m.MoveSession(t.Context(), "new", "old", r), app.ErrSessionGone)
		assert.EqualValues(t, 1, r.Version, "the record's version stays")
		assertGone(t, s, "old")
		assertGone(t, s, "new")
	}),
	mover("MoveSession of another version is ErrSessionChanged and moves nothing", func(t *testing.T, s app.SessionStore, m app.SessionMover) {
		want := insert(t, s, "old", record())
		for _, version := range []int64{0, 2, -1, 1 << 53} {
			r := *want
			r.Version, r.Data = version, data("lost", "true")
			require.ErrorIs(t, m.MoveSession(t.Context(), "new", "old", &r), app.ErrSessionChanged)
			assert.Equal(t, version, r.Version, "the record's version stays")
		}
		assertRecord(t, want, find(t, s, "old"))
		assertGone(t, s, "new")
	}),
	mover("MoveSession never takes over the session of another", func(t *testing.T, s app.SessionStore, m app.SessionMover) {
		r, want := insert(t, s, "old", record()), insert(t, s, "key", of("session", "sam"))
		err := m.MoveSession(t.Context(), "key", "old", r)
		require.Error(t, err)
		require.NotErrorIs(t, err, app.ErrSessionGone)
		require.NotErrorIs(t, err, app.ErrSessionChanged)
		assertRecord(t, want, find(t, s, "key"))
		assertRecord(t, record1(), find(t, s, "old"))
	}),
	mover("MoveSession refuses data that is no JSON", func(t *testing.T, s app.SessionStore, m app.SessionMover) {
		r := insert(t, s, "old", record())
		r.Data = data("bad", "{")
		require.Error(t, m.MoveSession(t.Context(), "new", "old", r))
		assertRecord(t, record1(), find(t, s, "old"))
		assertGone(t, s, "new")
	}),
	mover("MoveSession of nobody's session moves it", func(t *testing.T, s app.SessionStore, m app.SessionMover) {
		r := insert(t, s, "old", of("session", ""))
		require.NoError(t, m.MoveSession(t.Context(), "new", "old", r))
		assertGone(t, s, "old")
		assertRecord(t, r, find(t, s, "new"))
	}),
	mover("MoveSession shares nothing with the store and fails if the context has ended", func(t *testing.T, s app.SessionStore, m app.SessionMover) {
		r := insert(t, s, "old", record())
		require.Error(t, m.MoveSession(cancelled(t), "new", "old", r))
		require.NoError(t, m.MoveSession(t.Context(), "new", "old", r))
		spoil(r)
		assertData(t, record().Data, find(t, s, "new").Data)
	}),
	mover("what was moved is listed, limited, ended and pruned as before", testMovedRows),
	mover("100 rounds of MoveSession against DeleteSessions leave no row", func(t *testing.T, s app.SessionStore, m app.SessionMover) {
		l, ok := s.(app.SessionLister)
		if !ok {
			return // the contract leaves it out
		}
		for round := range 100 {
			old, key := "old"+strconv.Itoa(round), "new"+strconv.Itoa(round)
			r := insert(t, s, old, record())
			together(2, func(i int) {
				if i == 0 {
					_, err := l.DeleteSessions(t.Context(), "session", "frodo", "")
					assert.NoError(t, err)
				} else if err := m.MoveSession(t.Context(), key, old, r); err != nil {
					assert.ErrorIs(t, err, app.ErrSessionGone)
				}
			})
			assertGone(t, s, old)
			assertGone(t, s, key)
		}
	}),
	mover("of 16 MoveSession of one version one is made", func(t *testing.T, s app.SessionStore, m app.SessionMover) {
		want := insert(t, s, "old", record())
		made := make(chan string, 16)
		together(16, func(i int) {
			r, key := *want, "new"+strconv.Itoa(i)
			switch err := m.MoveSession(t.Context(), key, "old", &r); {
			case err == nil:
				made <- key
			default:
				assert.ErrorIs(t, err, app.ErrSessionGone)
			}
		})
		require.Len(t, made, 1)
		find(t, s, <-made)
	}),
}

func testMovedRows(t *testing.T, s app.SessionStore, m app.SessionMover) {
	for _, n := range []string{"1", "2", "3"} {
		require.NoError(t, m.MoveSession(t.Context(), "new"+n, "old"+n, insert(t, s, "old"+n, record())))
	}
	if l, ok := s.(app.SessionLimiter); ok {
		assert.Len(t, limited(t, l, "old1", "", created(time.Second), 3), 1)
		require.NoError(t, s.Delete(t.Context(), "old1"))
	}
	if l, ok := s.(app.SessionLister); ok {
		list := mustList(t, l, "session", "frodo")
		assert.NotEmpty(t, list)
		n, err := l.DeleteSessions(t.Context(), "session", "frodo", "")
		require.NoError(t, err)
		assert.Equal(t, len(list), n)
	}
	if p, ok := s.(app.SessionPruner); ok {
		require.NoError(t, m.MoveSession(t.Context(), "newest", "old", insert(t, s, "old", record())))
		n, err := p.PruneSessions(t.Context(), record().Until, 10)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assertGone(t, s, "newest")
	}
}

// record1 is a record that was inserted.
func record1() *app.SessionRecord {
	r := record()
	r.Version = 1
	return r
}

// mover makes a clause for stores that give sessions other keys.
func mover(name string, test func(t *testing.T, s app.SessionStore, m app.SessionMover)) clause {
	return clause{name, func(t *testing.T, s app.SessionStore) {
		if m, ok := s.(app.SessionMover); ok { // otherwise the contract leaves it out
			test(t, s, m)
		}
	}}
}
