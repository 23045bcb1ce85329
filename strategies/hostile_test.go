package strategies_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// What a review found by attacking: each test failed before its defect was mended.

func TestEventsAndLogsHaveNoSecrets(t *testing.T) {
	k := newKeep(t)
	var text string
	k.during("", func(ctx *app.Context) error {
		token, err := k.guard.Attempt(ctx, right, strategies.TokenOptions{})
		require.NoError(t, err)
		text = token.Text()
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("issued", "token", token, "inside", map[string]any{"t": token.Token})
		assert.NotContains(t, log.String(), text[27:70])
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %d %+v", token, token, token, token, []any{token}), text[27:70])
		_, err = k.guard.Logout(ctx)
		return err
	})
	b, err := json.Marshal(k.events)
	require.NoError(t, err)
	assert.NotContains(t, string(b), text[27:70])
	assert.NotContains(t, fmt.Sprintf("%+v", k.events), text[27:70])
	var names []app.EventName
	for _, e := range k.events {
		names = append(names, e.Name)
		assert.IsType(t, (*tokenstores.Token)(nil), e.Info)
	}
	assert.Equal(t, []app.EventName{app.EventIssued, app.EventRevoked}, names)
	key := strategies.TokenKey{ID: "a", Secret: []byte(strings.Repeat("s", 32))}
	b, err = json.Marshal(key)
	require.NoError(t, err)
	assert.NotContains(t, string(b)+fmt.Sprintf("%d %x %v", key, key, key), "ssss")
	assert.NotContains(t, fmt.Sprintf("%d %x", key, key), "115")
}

func TestTwoKindsOfUserNeedTwoTypesOfToken(t *testing.T) {
	store := tokenstores.NewMemory()
	users := strategies.NewGuard("users", strategies.NewBearer(store, &people{}, strategies.BearerOptions{}), strategies.GuardOptions{})
	admins := strategies.NewBearer(store, &people{}, strategies.BearerOptions{})
	assert.PanicsWithValue(t, "strategies: two guards issue tokens of the Type api: give each its own", func() {
		strategies.NewGuards(users, strategies.NewGuard("admins", admins, strategies.GuardOptions{}))
	})
	assert.NotPanics(t, func() {
		strategies.NewGuards(users, strategies.NewGuard("admins", strategies.NewBearer(store, &people{}, strategies.BearerOptions{Type: "admin"}), strategies.GuardOptions{}))
	})
}

// A guard ends its own token and nothing else, whatever it is called and whoever else
// proved the request.
func TestGuardLogoutEndsItsOwn(t *testing.T) {
	names := serializer.New(func(u *hobbit) string { return u.Name }, func(_ context.Context, name string) (*hobbit, error) { return &hobbit{Name: name}, nil })
	for _, name := range []string{"session", "bearer", "web"} {
		t.Run(name, func(t *testing.T) {
			sessions := app.NewSessions(sessionstores.NewMemory(), names, app.SessionOptions{})
			bearer := strategies.NewBearer(tokenstores.NewMemory(), names, strategies.BearerOptions{})
			guard := strategies.NewGuard(name, bearer, strategies.GuardOptions{})
			token, err := bearer.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})
			require.NoError(t, err)
			var cookie *http.Cookie
			send := func(layers ...app.Middleware) *httptest.ResponseRecorder {
				r := httptest.NewRequest(http.MethodPost, "/", nil)
				r.Header.Set("Authorization", "Bearer "+token.Text())
				if cookie != nil {
					r.AddCookie(cookie)
				}
				w := httptest.NewRecorder()
				a := app.New().Use(sessions.Layer).Use(layers...)
				a.OnError = func(*app.Context, error) {}
				a.ServeHTTP(w, r)
				return w
			}
			handler := func(h app.Handler) app.Middleware {
				return func(ctx *app.Context, _ app.Handler) error { return h(ctx) }
			}
			cookie = send(handler(func(ctx *app.Context) error { return ctx.Login(&hobbit{Name: "sam"}) })).Result().Cookies()[0]

			send(app.Authenticate(sessions), handler(func(ctx *app.Context) error {
				revoked, err := guard.Logout(ctx)
				assert.True(t, revoked)
				assert.Equal(t, "sam", ctx.User().(*hobbit).Name, "the session is another credential")
				return err
			}))
			assert.Equal(t, 401, send(app.Authenticate(guard), handler(fine)).Code, "the token is ended")
			assert.Equal(t, 200, send(app.Authenticate(sessions), handler(fine)).Code, "the session is not")

			token, err = bearer.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})
			require.NoError(t, err)
			w := send(app.Authenticate(sessions), handler(func(ctx *app.Context) error {
				_, err := guard.Logout(ctx)
				return errors.Join(err, ctx.Logout())
			}))
			assert.Len(t, w.Header()["Set-Cookie"], 1, "and ctx.Logout ends it")
			assert.Equal(t, 401, send(app.Authenticate(sessions), handler(fine)).Code)
		})
	}
	t.Run("also under a strategy that decorates it", func(t *testing.T) {
		k := newKeep(t)
		header := "Bearer " + k.token(t).Text()
		k.during(header, func(ctx *app.Context) error {
			_, err := ctx.Authenticate(decorated{k.guard})
			require.NoError(t, err)
			revoked, err := k.guard.Logout(ctx)
			assert.NoError(t, err)
			assert.True(t, revoked)
			assert.Nil(t, ctx.User())
			return nil
		})
		assert.Equal(t, 401, k.during(header, func(ctx *app.Context) error { return app.Authenticate(k.guard)(ctx, fine) }).Code)
	})
}

type decorated struct{ app.Strategy }

func TestRotateTakesWhatIsStored(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	old := w.issue(t, strategies.TokenOptions{Scopes: []string{"rings:read"}, Expiry: time.Hour})
	var id *app.Identity
	a := app.New().Use(app.Authenticate(w.bearer), func(ctx *app.Context, _ app.Handler) (err error) {
		id, err = ctx.Identity()
		return err
	})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+old.Text())
	a.ServeHTTP(httptest.NewRecorder(), r)
	require.NotNil(t, id)
	mine := id.Info.(*tokenstores.Token)
	id.Scopes[0] = "*"
	assert.Equal(t, []string{"rings:read"}, mine.Scopes, "the request's scopes are a copy")
	mine.Scopes, mine.Subject, mine.Expires = []string{"*"}, "sauron", time.Time{}
	next, err := w.bearer.Rotate(t.Context(), mine, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"rings:read"}, next.Scopes)
	assert.Equal(t, "frodo", next.Subject)
	assert.False(t, next.Expires.IsZero())
	w.clock.Advance(2 * time.Hour)
	_, err = w.bearer.Rotate(t.Context(), next.Token, 0)
	assert.ErrorIs(t, err, tokenstores.ErrTokenGone, "what is over is not brought back")
	forged := *next.Token
	forged.Hash = "sha256:00"
	_, err = w.bearer.Rotate(t.Context(), &forged, 0)
	assert.ErrorIs(t, err, tokenstores.ErrTokenGone)
}

// A layer that changes the credential, or serves another request with the same
// Context, is asked anew.
func TestGuardAsksAgainWhenTheRequestIsAnother(t *testing.T) {
	k := newKeep(t)
	k.during("Bearer "+k.token(t).Text(), func(ctx *app.Context) error {
		in, err := k.guard.Check(ctx)
		require.NoError(t, err)
		require.True(t, in)
		ctx.Request.Header.Del("Authorization")
		in, err = k.guard.Check(ctx)
		assert.NoError(t, err)
		assert.False(t, in)
		return nil
	})
}

func TestGuardsUseIsTheOneThatProvedTheUser(t *testing.T) {
	store := tokenstores.NewMemory()
	api := strategies.NewBearer(store, &people{}, strategies.BearerOptions{})
	admin := strategies.NewBearer(store, &people{}, strategies.BearerOptions{Type: "admin", Extract: func(ctx *app.Context) (string, error) {
		return ctx.Request.Header.Get("X-Admin"), nil
	}})
	guards := strategies.NewGuards(strategies.NewGuard("api", api, strategies.GuardOptions{}), strategies.NewGuard("admin", admin, strategies.GuardOptions{}))
	one, err := api.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})
	require.NoError(t, err)
	two, err := admin.Issue(t.Context(), &hobbit{Name: "gandalf"}, strategies.TokenOptions{})
	require.NoError(t, err)
	for range 50 {
		a := app.New().Use(guards.AnyOf("api"), guards.AnyOf("admin"), func(ctx *app.Context, _ app.Handler) error {
			g, err := guards.Use(ctx, "")
			assert.Equal(t, "admin", g.Name())
			return err
		})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+one.Text())
		r.Header.Set("X-Admin", two.Text())
		a.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func TestFormsThatAreNotForTheToken(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{Form: "access_token"})
	text := w.issue(t, strategies.TokenOptions{}).Text()
	send := func(contentType, body, header string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		if header != "" {
			r.Header.Set("Authorization", "Bearer "+header)
		}
		return w.do(r)
	}
	const form = "application/x-www-form-urlencoded"
	assert.Equal(t, 200, send(form, "tag=1&tag=2", text).Code, "checkboxes beside a token in the header")
	assert.Equal(t, 200, send(form, "tag=1&tag=2&access_token="+text, "").Code)
	assert.Equal(t, 401, send(form, "tag=1&tag=2", "").Code)
	assert.Equal(t, 200, send(form+"XYZ", "x", text).Code, "another type")
	assert.Equal(t, 200, send("Application/X-WWW-Form-Urlencoded; charset=utf-8", "access_token="+text, "").Code)
	assert.Equal(t, 400, send("Application/X-WWW-Form-Urlencoded", "access_token="+text, text).Code, "twice")
	twice := send(form, "access_token="+text+"&access_token="+text, "")
	assert.Equal(t, 400, twice.Code)
	assert.Contains(t, twice.Header().Get("WWW-Authenticate"), `error="invalid_request"`)
}

func TestSchemesThatAreNearlyOurs(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	text := w.issue(t, strategies.TokenOptions{}).Text()
	for _, header := range []string{"Bearer\t" + text, "Bearer:" + text, "Bearer=" + text, "Bearer," + text, "Bearer\"" + text} {
		assert.Equal(t, 400, w.get("/", header).Code, header)
	}
	assert.Equal(t, 401, w.get("/", "Bearer-"+text).Code, "another scheme")
}

func TestVerificationThatPanickedIsNoAnswer(t *testing.T) {
	k := newKeep(t)
	bearer := strategies.NewBearer(panickyTokens{tokenstores.NewMemory()}, &people{}, strategies.BearerOptions{})
	guard := strategies.NewGuard("api", bearer, strategies.GuardOptions{})
	k.during("Bearer "+k.token(t).Text(), func(ctx *app.Context) error {
		func() {
			defer func() { assert.NotNil(t, recover()) }()
			_, _ = guard.Check(ctx)
		}()
		_, err := guard.Logout(ctx)
		assert.Error(t, err)
		assert.False(t, guard.State(ctx).LoggedOut)
		return nil
	})
}

type panickyTokens struct{ *tokenstores.Memory }

func (panickyTokens) Find(context.Context, string, string) (*tokenstores.Token, error) {
	panic("store")
}

// By hand too, without the App that knows of faults.
func TestFaultsOfTheTokenStoreAre503(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	token := w.issue(t, strategies.TokenOptions{})
	frodo := &hobbit{Name: "frodo"}
	w.store.Fail()
	for name, call := range map[string]func() error{
		"Issue":           func() error { _, err := w.bearer.Issue(t.Context(), frodo, strategies.TokenOptions{}); return err },
		"List":            func() error { _, err := w.bearer.List(t.Context(), frodo); return err },
		"Find":            func() error { _, err := w.bearer.Find(t.Context(), frodo, token.ID); return err },
		"Revoke":          func() error { _, err := w.bearer.Revoke(t.Context(), frodo, token.ID); return err },
		"RevokeAll":       func() error { _, err := w.bearer.RevokeAll(t.Context(), frodo, ""); return err },
		"RevokeEverybody": func() error { _, err := w.bearer.RevokeEverybody(t.Context()); return err },
		"Rotate":          func() error { _, err := w.bearer.Rotate(t.Context(), token.Token, 0); return err },
	} {
		e, ok := errors.AsType[*app.Error](call())
		if assert.True(t, ok, name) {
			assert.Equal(t, 503, e.Status, name)
		}
	}
}

func TestTokenOptionsThatCannotBeKept(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{NoTouch: true})
	for name, o := range map[string]strategies.TokenOptions{
		"a nanosecond": {Expiry: 1}, "many scopes": {Scopes: strings.Fields(strings.Repeat("a ", 101))}, "a NUL in meta": {Meta: map[string]any{"a\x00": 1}},
		"much meta": {Meta: map[string]any{"a": strings.Repeat("x", 20<<10)}}, "an idle limit that nothing extends": {IdleLimit: time.Hour},
	} {
		_, err := w.bearer.Issue(t.Context(), &hobbit{Name: "frodo"}, o)
		assert.ErrorIs(t, err, strategies.ErrTokenOptions, name)
	}
}
