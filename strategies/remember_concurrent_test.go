package strategies_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// tabs are requests that one browser sends at once, before it has any answer. They return what
// was answered, and the cookie that came with it.
func (h *hearth) tabs(t *testing.T, n int, path, text string) (bodies, cookies []string) {
	bodies, cookies = make([]string, n), make([]string, n)
	var ready, all sync.WaitGroup
	ready.Add(n)
	for i := range n {
		all.Go(func() {
			c := h.thief(t, text)
			ready.Done()
			ready.Wait()
			bodies[i], cookies[i] = c.Get(path).Body, cookieOf(c)
		})
	}
	all.Wait()
	return bodies, cookies
}

func TestACrowdWithOneCookieHasOneSuccessor(t *testing.T) {
	for path, want := range map[string]string{"/direct": "frodo by remember", "/": "frodo by session"} {
		t.Run(want, func(t *testing.T) {
			onEachHearth(t, func(t *testing.T, h *hearth) {
				text := cookieOf(h.guest(t, "frodo"))
				for range 5 {
					h.later()
					bodies, cookies := h.tabs(t, 50, path, text)
					for i := range bodies {
						require.Equal(t, want, bodies[i])
						require.Equal(t, cookies[0], cookies[i])
					}
					require.NotEqual(t, text, cookies[0])
					require.Len(t, h.series(t, "frodo"), 1, "no second branch")
					text = cookies[0]
				}
				assert.Empty(t, h.reused())
			})
		})
	}
}

func TestACrowdThatOustsItsOwnSessionsStaysRemembered(t *testing.T) {
	h := newHearth(func(o *hearthOptions) { o.session.MaxPerUser = 5 })
	text := cookieOf(h.guest(t, "frodo"))
	h.later()
	bodies, cookies := h.tabs(t, 50, "/", text)
	assert.NotContains(t, bodies, "nobody")
	assert.Len(t, must(h.kinds.List(t.Context(), ringBearer)), 1)
	require.Len(t, h.series(t, "frodo"), 1)
	h.later()
	assert.Equal(t, "frodo by session", who(h.thief(t, cookies[0])))
}

func TestACrowdWithoutGraceHasAtMostOneSuccessor(t *testing.T) {
	onEachHearth(t, func(t *testing.T, h *hearth) {
		text := cookieOf(h.guest(t, "frodo"))
		_, cookies := h.tabs(t, 50, "/direct", text)
		for _, one := range append(cookies, text) {
			assert.Equal(t, 401, h.thief(t, one).Get("/direct").Status)
		}
		assert.Empty(t, h.series(t, "frodo"))
		assert.Len(t, h.reused(), 1, "told once, however many saw it")
	}, func(o *hearthOptions) { o.remember.Grace = strategies.NoGrace })
}

// A steppingSessions counts its calls with those of the token store.
type steppingSessions struct {
	app.SessionStore
	*interlude
}

func (s steppingSessions) Find(ctx context.Context, key string) (*app.SessionRecord, error) {
	s.step()
	return s.SessionStore.Find(ctx, key)
}

func (s steppingSessions) Insert(ctx context.Context, key, old string, r *app.SessionRecord) error {
	s.step()
	return s.SessionStore.Insert(ctx, key, old, r)
}

func (s steppingSessions) InsertLimited(ctx context.Context, key, old string, r *app.SessionRecord, limit int) ([]app.StoredSession, error) {
	s.step()
	return s.SessionStore.(app.SessionLimiter).InsertLimited(ctx, key, old, r, limit)
}

func (s steppingSessions) Delete(ctx context.Context, key string) error {
	s.step()
	return s.SessionStore.Delete(ctx, key)
}

func (s steppingSessions) ListSessions(ctx context.Context, kind, subject string) ([]app.StoredSession, error) {
	s.step()
	return s.SessionStore.(app.SessionLister).ListSessions(ctx, kind, subject)
}

func (s steppingSessions) DeleteSessions(ctx context.Context, kind, subject, keep string) (int, error) {
	s.step()
	return s.SessionStore.(app.SessionLister).DeleteSessions(ctx, kind, subject, keep)
}

// meet runs one deed with another in the middle of it, before each of its steps in turn, and
// then check.
func meet(t *testing.T, edit func(o *hearthOptions), prepare func(h *hearth) (outer, inner func(), check func(t *testing.T, at int))) {
	t.Helper()
	for at := 1; ; at++ {
		i := &interlude{before: at}
		h := newHearth(edit, func(o *hearthOptions) {
			o.tokens, o.sessions = steppingStore{tokenstores.NewMemory(), i}, steppingSessions{sessionstores.NewMemory(), i}
		})
		outer, inner, check := prepare(h)
		i.calls, i.play = 0, inner
		outer()
		if i.play != nil {
			require.Greater(t, at, 2, "there were no steps")
			return
		}
		check(t, at)
	}
}

func as(*hearthOptions) {}

// Whatever ends all that a user has, and whatever a browser is doing that is being brought back
// at that moment: afterwards it is nobody's, with each cookie that it has seen.
func TestAnEndingAtAnyStepOfBeingBroughtBack(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(h *hearth, c *apptestClient) error{
		"LogoutAll": func(h *hearth, _ *apptestClient) error { return justError(h.kinds.LogoutAll(ctx, ringBearer)) },
		"LogoutOthers": func(h *hearth, c *apptestClient) error {
			if status := c.Post("/others", "", "").Status; status != 204 {
				return fmt.Errorf("answered %d", status)
			}
			return nil
		},
	} {
		for _, around := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s around %v", name, around), func(t *testing.T) {
				meet(t, as, func(h *hearth) (func(), func(), func(*testing.T, int)) {
					c := h.guest(t, "frodo")
					h.later()
					elsewhere := h.visitor(t)
					require.Equal(t, 204, elsewhere.Post("/login?as=frodo", "", "").Status)
					text, status := cookieOf(c), 0
					outer, inner := func() { status = c.Get("/").Status }, func() { assert.NoError(t, end(h, elsewhere)) }
					if around {
						outer, inner = inner, outer
					}
					return outer, inner, func(t *testing.T, at int) {
						require.Equal(t, 200, status, at)
						require.Equal(t, "nobody", who(c), at)
						require.Equal(t, "nobody", who(h.thief(t, text)), at)
						require.Empty(t, h.series(t, "frodo"), at)
						require.Empty(t, h.reused(), at)
					}
				})
			})
		}
	}
}

func justError[T any](_ T, err error) error { return err }

// Two requests of one browser are one, and a logout wins, at whichever step they meet.
func TestTwoRequestsOfOneBrowserAtAnyStep(t *testing.T) {
	for name, path := range map[string]string{"both use the cookie": "/direct", "both are brought back": "/"} {
		t.Run(name, func(t *testing.T) {
			meet(t, as, func(h *hearth) (func(), func(), func(*testing.T, int)) {
				text := cookieOf(h.guest(t, "frodo"))
				h.later()
				a, b := h.thief(t, text), h.thief(t, text)
				return func() { a.Get(path) }, func() { b.Get(path) }, func(t *testing.T, at int) {
					require.NotEqual(t, text, cookieOf(a), at)
					require.Equal(t, cookieOf(a), cookieOf(b), at)
					require.Len(t, h.series(t, "frodo"), 1)
				}
			})
		})
	}
	t.Run("one logs out", func(t *testing.T) {
		for _, around := range []bool{false, true} {
			meet(t, as, func(h *hearth) (func(), func(), func(*testing.T, int)) {
				text := cookieOf(h.guest(t, "frodo"))
				h.later()
				a, b := h.thief(t, text), h.thief(t, text)
				outer, inner := func() { a.Get("/") }, func() { assert.Equal(t, 204, b.Post("/logout", "", "").Status) }
				if around {
					outer, inner = inner, outer
				}
				return outer, inner, func(t *testing.T, at int) {
					require.Empty(t, h.series(t, "frodo"), at)
					require.Equal(t, "nobody", who(h.thief(t, cookieOf(a))), at)
					require.Equal(t, "nobody", who(h.thief(t, text)), at)
				}
			})
		}
	})
}

// The thief's use and the owner's are two, at whichever step they meet: one of them is left, and
// only until the other one comes again.
func TestAThiefAtAnyStepOfTheOwner(t *testing.T) {
	meet(t, as, func(h *hearth) (func(), func(), func(*testing.T, int)) {
		owner := h.guest(t, "frodo")
		thief := h.thief(t, cookieOf(owner))
		old := cookieOf(owner)
		h.later()
		require.Equal(t, "frodo by session", who(owner))
		h.clock.Advance(time.Minute)
		owner.SetCookie(sitting, "")
		return func() { owner.Get("/") }, func() { assert.Equal(t, "nobody", thief.Get("/").Body) }, func(t *testing.T, at int) {
			require.Equal(t, "nobody", who(owner), at)
			require.Equal(t, "nobody", who(h.thief(t, old)), at)
			require.Empty(t, h.series(t, "frodo"), at)
			require.Len(t, h.reused(), 1, at)
		}
	})
}

// A LogoutAll that a login meets leaves a session with its series, or neither.
func TestALogoutAllAtAnyStepOfALogin(t *testing.T) {
	meet(t, as, func(h *hearth) (func(), func(), func(*testing.T, int)) {
		c := h.visitor(t)
		return func() { require.Equal(t, 204, c.Post("/login?remember&as=frodo", "", "").Status) },
			func() { assert.NoError(t, justError(h.kinds.LogoutAll(context.Background(), ringBearer))) },
			func(t *testing.T, at int) { require.Equal(t, "frodo by session", who(c), at) }
	})
}

func TestRememberedByWhoHangsUp(t *testing.T) {
	h := newHearth()
	c := h.guest(t, "frodo")
	h.later()
	ctx, hangUp := context.WithCancel(t.Context())
	a := app.New().Use(h.kinds.Layer, func(c *app.Context, _ app.Handler) error {
		hangUp()
		_, err := h.remember.Authenticate(c)
		if !errors.Is(err, context.Canceled) {
			return err
		}
		return c.Throw(503, "")
	})
	v := newVisitor(t, h, a, cookieOf(c))
	r := v.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
	before := h.series(t, "frodo")[0]
	assert.Equal(t, 503, v.Do(r).Status)
	assert.Equal(t, before, h.series(t, "frodo")[0], "the secret is not replaced for nobody")
}
