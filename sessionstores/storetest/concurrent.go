package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var concurrencyClauses = []clause{
	{"20 writers that retry keep all of their keys", func(t *testing.T, s app.SessionStore) {
		r := record()
		r.Data = data("first", "0")
		insert(t, s, "key", r)
		together(20, func(i int) { assert.NoError(t, setOne(t, s, "key", "k"+strconv.Itoa(i))) })
		got := find(t, s, "key")
		assert.Len(t, got.Data, 21)
		assert.EqualValues(t, 21, got.Version)
	}},
	{"of 16 updates of one version one is made", func(t *testing.T, s app.SessionStore) {
		want := insert(t, s, "key", record())
		var made atomic.Int32
		together(16, func(i int) {
			r := *want
			r.Data = data("by", strconv.Itoa(i))
			switch err := s.Update(t.Context(), "key", &r); {
			case err == nil:
				made.Add(1)
			default:
				assert.ErrorIs(t, err, app.ErrSessionChanged)
			}
		})
		assert.EqualValues(t, 1, made.Load())
		assert.EqualValues(t, 2, find(t, s, "key").Version)
	}},
	{"200 rounds of update and touch against delete leave no row", func(t *testing.T, s app.SessionStore) {
		for round := range 200 {
			key := "key" + strconv.Itoa(round)
			r := insert(t, s, key, record())
			together(3, func(i int) { assert.NoError(t, race(t, s, i, key, r)) })
			assertGone(t, s, key)
		}
	}},
	{"50 inserts at once give 50 rows", func(t *testing.T, s app.SessionStore) {
		together(50, func(i int) {
			assert.NoError(t, s.Insert(t.Context(), "key"+strconv.Itoa(i), "", of("session", "user"+strconv.Itoa(i))))
		})
		for i := range 50 {
			assert.Equal(t, "user"+strconv.Itoa(i), find(t, s, "key"+strconv.Itoa(i)).Subject)
		}
	}},
	{"logins at once from one session all replace it", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "before", of("session", ""))
		together(16, func(i int) {
			assert.NoError(t, s.Insert(t.Context(), "after"+strconv.Itoa(i), "before", record()))
		})
		assertGone(t, s, "before")
		for i := range 16 {
			find(t, s, "after"+strconv.Itoa(i))
		}
	}},
	{"touches at once keep the latest use", func(t *testing.T, s app.SessionStore) {
		r := insert(t, s, "key", record())
		together(16, func(i int) {
			by := time.Duration(i+1) * time.Second
			assert.NoError(t, s.Touch(t.Context(), "key", r.Seen.Add(by), r.IdleUntil.Add(by)))
		})
		got := find(t, s, "key")
		assertTime(t, r.Seen.Add(16*time.Second), got.Seen, "Seen")
		assertTime(t, r.IdleUntil.Add(16*time.Second), got.IdleUntil, "IdleUntil")
	}},
}

// together calls f with 0…n-1 in n goroutines that start at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-gate
			f(i)
		})
	}
	close(gate)
	wg.Wait()
}

// setOne adds one value to a session, however often it is changed meanwhile.
func setOne(t *testing.T, s app.SessionStore, key, name string) error {
	for range 1000 {
		r, err := s.Find(t.Context(), key)
		if err != nil || r == nil {
			return fmt.Errorf("found %v: %w", r, err)
		}
		r.Data[name] = []byte(`1`)
		if err := s.Update(t.Context(), key, r); !errors.Is(err, app.ErrSessionChanged) {
			return err
		}
	}
	return errors.New("1000 conflicts in a row")
}

// race ends a session while others write to it.
func race(t *testing.T, s app.SessionStore, i int, key string, r *app.SessionRecord) error {
	switch i {
	case 0:
		return s.Delete(t.Context(), key)
	case 1:
		return s.Touch(t.Context(), key, r.Seen.Add(time.Minute), r.IdleUntil.Add(time.Minute))
	}
	c := *r
	if err := s.Update(t.Context(), key, &c); !errors.Is(err, app.ErrSessionGone) {
		return err
	}
	return nil
}

func mustList(t *testing.T, l app.SessionLister, kind, subject string) []string {
	t.Helper()
	list, err := l.ListSessions(t.Context(), kind, subject)
	require.NoError(t, err)
	keys := make([]string, len(list))
	for i, one := range list {
		keys[i] = one.Key
	}
	return keys
}
