package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var updateClauses = []clause{
	{"Update writes data, last use and idle limit and adds one to the version", func(t *testing.T, s app.SessionStore) {
		r := insert(t, s, "key", record())
		for want := int64(2); want < 5; want++ {
			r.Data = data("count", string(rune('0'+want)))
			r.Seen, r.IdleUntil = r.Seen.Add(time.Minute), r.IdleUntil.Add(time.Minute)
			require.NoError(t, s.Update(t.Context(), "key", r))
			assert.Equal(t, want, r.Version)
			assertRecord(t, r, find(t, s, "key"))
		}
	}},
	{"Update writes nothing else", func(t *testing.T, s app.SessionStore) {
		want := insert(t, s, "key", record())
		r := *want
		r.Kind, r.Subject, r.Address, r.Agent = "other", "sauron", "192.0.2.1", "Nazgul/9"
		r.Created, r.LoggedIn, r.Until = start.AddDate(1, 0, 0), start.AddDate(2, 0, 0), start.AddDate(3, 0, 0)
		require.NoError(t, s.Update(t.Context(), "key", &r))
		want.Version = 2
		assertRecord(t, want, find(t, s, "key"))
	}},
	{"Update of another version is ErrSessionChanged and writes nothing", func(t *testing.T, s app.SessionStore) {
		want := insert(t, s, "key", record())
		for _, version := range []int64{0, 2, -1, 1 << 53} {
			r := *want
			r.Version, r.Data, r.Seen = version, data("lost", "true"), start.Add(time.Hour)
			require.ErrorIs(t, s.Update(t.Context(), "key", &r), app.ErrSessionChanged)
			assert.Equal(t, version, r.Version, "the record's version stays")
		}
		assertRecord(t, want, find(t, s, "key"))
	}},
	{"Update of a missing row is ErrSessionGone and inserts nothing", func(t *testing.T, s app.SessionStore) {
		r := insert(t, s, "key", record())
		require.NoError(t, s.Delete(t.Context(), "key"))
		require.ErrorIs(t, s.Update(t.Context(), "key", r), app.ErrSessionGone)
		assertGone(t, s, "key")
		require.ErrorIs(t, s.Update(t.Context(), "never", record()), app.ErrSessionGone)
		assertGone(t, s, "never")
	}},
	{"Update of a row that a login replaced is ErrSessionGone", func(t *testing.T, s app.SessionStore) {
		r := insert(t, s, "before", of("session", ""))
		require.NoError(t, s.Insert(t.Context(), "after", "before", record()))
		require.ErrorIs(t, s.Update(t.Context(), "before", r), app.ErrSessionGone)
		assertGone(t, s, "before")
	}},
	{"Update refuses data that is no JSON", func(t *testing.T, s app.SessionStore) {
		r := insert(t, s, "key", record())
		want := *r
		r.Data = data("bad", "{")
		require.Error(t, s.Update(t.Context(), "key", r))
		assertRecord(t, &want, find(t, s, "key"))
	}},
	{"Update shares nothing with the store", func(t *testing.T, s app.SessionStore) {
		r := insert(t, s, "key", record())
		require.NoError(t, s.Update(t.Context(), "key", r))
		copy(r.Data["cart"], json.RawMessage(`"X`))
		assertData(t, record().Data, find(t, s, "key").Data)
	}},
}

var touchClauses = []clause{
	{"Touch moves the last use and leaves the version", func(t *testing.T, s app.SessionStore) {
		r := insert(t, s, "key", record())
		want := *r
		want.Seen, want.IdleUntil = r.Seen.Add(time.Minute), r.IdleUntil.Add(time.Minute)
		require.NoError(t, s.Touch(t.Context(), "key", want.Seen, want.IdleUntil))
		assertRecord(t, &want, find(t, s, "key"))
		require.NoError(t, s.Update(t.Context(), "key", r), "a touch is no change that an update has to see")
	}},
	{"Touch never moves the last use back", func(t *testing.T, s app.SessionStore) {
		want := insert(t, s, "key", record())
		for _, back := range []time.Duration{0, time.Microsecond, time.Hour} {
			require.NoError(t, s.Touch(t.Context(), "key", want.Seen.Add(-back), want.IdleUntil.Add(-time.Hour)))
			require.NoError(t, s.Touch(t.Context(), "key", want.Seen.Add(-back), want.IdleUntil.Add(time.Hour)))
		}
		assertRecord(t, want, find(t, s, "key"))
		require.NoError(t, s.Touch(t.Context(), "key", want.Seen.Add(time.Microsecond), want.IdleUntil))
		assertTime(t, want.Seen.Add(time.Microsecond), find(t, s, "key").Seen, "Seen")
	}},
	{"Touch of a missing row is no error and inserts nothing", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "key", record())
		require.NoError(t, s.Delete(t.Context(), "key"))
		require.NoError(t, s.Touch(t.Context(), "key", start.Add(time.Hour), start.Add(2*time.Hour)))
		assertGone(t, s, "key")
	}},
}

var deleteClauses = []clause{
	{"Delete removes one row", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "one", record())
		insert(t, s, "two", record())
		require.NoError(t, s.Delete(t.Context(), "one"))
		assertGone(t, s, "one")
		find(t, s, "two")
	}},
	{"Delete of a missing row is no error", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "key", record())
		for range 2 {
			require.NoError(t, s.Delete(t.Context(), "key"))
		}
		require.NoError(t, s.Delete(t.Context(), ""))
		assertGone(t, s, "key")
	}},
}
