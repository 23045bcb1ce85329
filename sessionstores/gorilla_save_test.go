package sessionstores_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

func TestGorillaLimits(t *testing.T) {
	b, faulty, c := open(t, sessionstores.GorillaOptions{Idle: 10 * time.Minute, Absolute: time.Hour})
	b.visit(set("name", "frodo"))
	t.Run("reads are written down once a minute", func(t *testing.T) {
		writes := len(faulty.Calls())
		for range 120 {
			c.now = c.now.Add(time.Second)
			b.visit(nothing)
		}
		calls := faulty.Calls()[writes:]
		assert.Len(t, calls, 120+2)
	})
	t.Run("use moves the idle limit but never the absolute one", func(t *testing.T) {
		for c.now.Before(start.Add(time.Hour - 9*time.Minute)) {
			c.now = c.now.Add(9 * time.Minute)
			b.visit(nothing)
			assert.NotEmpty(t, b.values())
		}
		c.now = start.Add(time.Hour - time.Microsecond)
		assert.NotEmpty(t, b.values())
		c.now = start.Add(time.Hour)
		assert.Empty(t, b.values())
	})
	t.Run("without use the idle limit ends it", func(t *testing.T) {
		b, _, c := open(t, sessionstores.GorillaOptions{Idle: 10 * time.Minute})
		b.visit(set("name", "frodo"))
		c.now = c.now.Add(10*time.Minute - time.Microsecond)
		assert.NotEmpty(t, b.values())
		c.now = c.now.Add(time.Microsecond)
		assert.Empty(t, b.values())
	})
}

func TestGorillaDeletes(t *testing.T) {
	end := func(s *sessions.Session) { s.Options.MaxAge = -1 }

	t.Run("the row and then the cookie", func(t *testing.T) {
		b, _, _ := open(t, sessionstores.GorillaOptions{})
		b.visit(set("name", "frodo"))
		id := b.id
		c := b.visit(end)
		assert.Equal(t, -1, c.MaxAge)
		assert.Empty(t, c.Value)
		assert.Equal(t, "/", c.Path)
		b.id = id
		assert.Empty(t, b.values())
	})
	t.Run("nothing for a browser that has no cookie", func(t *testing.T) {
		b, _, _ := open(t, sessionstores.GorillaOptions{})
		assert.Nil(t, b.visit(end))
	})
	t.Run("no cookie if the store is down", func(t *testing.T) {
		b, faulty, _ := open(t, sessionstores.GorillaOptions{})
		b.visit(set("name", "frodo"))
		faulty.Fail("Delete")
		c, err := b.try(end)
		require.ErrorIs(t, err, storetest.ErrFault)
		assert.Nil(t, c)
		faulty.Heal()
		assert.NotEmpty(t, b.values())
		assert.Equal(t, -1, b.visit(end).MaxAge)
	})
	t.Run("for good: a request in flight cannot revive it", func(t *testing.T) {
		b, _, _ := open(t, sessionstores.GorillaOptions{})
		b.visit(set("name", "frodo"))
		id := b.id
		slow := b.request()
		s, err := b.store.Get(slow, cookie)
		require.NoError(t, err)
		s.Values["late"] = "yes"
		b.visit(end)
		for range 2 {
			w := httptest.NewRecorder()
			require.NoError(t, s.Save(slow, w))
			assert.Empty(t, w.Result().Cookies())
		}
		b.id = id
		assert.Empty(t, b.values())
	})
	t.Run("even if the client has hung up", func(t *testing.T) {
		b, _, _ := open(t, sessionstores.GorillaOptions{})
		b.visit(set("name", "frodo"))
		r := b.request()
		s, err := b.store.New(r, cookie)
		require.NoError(t, err)
		s.Options.MaxAge = -1
		require.NoError(t, s.Save(r.WithContext(cancelledContext(t)), httptest.NewRecorder()))
		assert.Empty(t, b.values())
	})
}

func TestGorillaFaults(t *testing.T) {
	t.Run("of loading are errors, and Save then writes nothing", func(t *testing.T) {
		b, faulty, _ := open(t, sessionstores.GorillaOptions{})
		b.visit(set("name", "frodo"))
		faulty.Fail("Find")
		r, w := b.request(), httptest.NewRecorder()
		s, err := b.store.Get(r, cookie)
		require.ErrorIs(t, err, storetest.ErrFault)
		require.NotNil(t, s)
		assert.Empty(t, s.Values)
		faulty.Heal()
		s.Values["name"] = "nobody" // a program that dropped the error
		require.ErrorIs(t, s.Save(r, w), storetest.ErrFault)
		assert.Empty(t, w.Result().Cookies())
		assert.Equal(t, map[any]any{"name": "frodo"}, b.values())
	})
	t.Run("of saving are errors without a cookie", func(t *testing.T) {
		for _, method := range []string{"Insert", "Update", "Touch"} {
			b, faulty, c := open(t, sessionstores.GorillaOptions{})
			change := set("name", "sam")
			if method != "Insert" {
				b.visit(set("name", "frodo"))
			}
			if method == "Touch" {
				c.now, change = c.now.Add(time.Minute), nothing
			}
			faulty.Fail(method)
			set, err := b.try(change)
			require.ErrorIs(t, err, storetest.ErrFault, method)
			assert.Nil(t, set)
		}
	})
	t.Run("of a damaged row are no fault but a new session", func(t *testing.T) {
		b := &browser{t: t, store: sessionstores.Gorilla(damagedStore{sessionstores.NewMemory()}, sessionstores.GorillaOptions{}), id: strings.Repeat("A", 43)}
		s, err := b.store.New(b.request(), cookie)
		require.NoError(t, err)
		assert.True(t, s.IsNew)
	})
}

type damagedStore struct{ *sessionstores.Memory }

func (damagedStore) Find(_ ctx, _ string) (*app.SessionRecord, error) {
	return nil, errors.Join(app.ErrSessionDamaged)
}

func TestGorillaWritersKeepEachOthersKeys(t *testing.T) {
	c := &clock{start}
	b := &browser{t: t, store: sessionstores.Gorilla(sessionstores.NewMemory(), sessionstores.GorillaOptions{Clock: c.time})}
	b.visit(set("first", "0"))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := (&browser{t: t, store: b.store, id: b.id}).try(set("k"+strconv.Itoa(i), "1"))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, b.values(), 21)
	b.visit(func(s *sessions.Session) { delete(s.Values, "first") })
	assert.Len(t, b.values(), 20)
}

func TestGorillaPanics(t *testing.T) {
	assert.Panics(t, func() { sessionstores.Gorilla(nil, sessionstores.GorillaOptions{}) })
	for _, o := range []sessionstores.GorillaOptions{{Idle: -1}, {Absolute: -1}, {MaxAge: -1}, {SameSite: http.SameSiteNoneMode, InsecureHTTP: true}} {
		assert.Panics(t, func() { sessionstores.Gorilla(sessionstores.NewMemory(), o) }, "%+v", o)
	}
}

func TestGorillaForgetsSessionsThatNobodyHas(t *testing.T) {
	b, _, _ := open(t, sessionstores.GorillaOptions{})
	b.visit(set("name", "frodo"))
	for range 100 {
		b.values()
	}
	for range 1000 {
		if runtime.GC(); sessionstores.States(b.store) == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Fatalf("%d are remembered", sessionstores.States(b.store))
}
