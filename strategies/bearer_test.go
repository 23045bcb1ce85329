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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

// people is a Serializer whose users can be gone or out of reach.
type people struct {
	gone bool
	err  error
}

func (p *people) Serialize(_ context.Context, user any) (string, error) {
	u, ok := user.(*hobbit)
	if !ok {
		return "", errors.New("no hobbit")
	}
	return u.Name, nil
}

func (p *people) Deserialize(_ context.Context, subject string) (any, error) {
	if p.gone {
		return nil, nil
	}
	return &hobbit{Name: subject}, p.err
}

// A tower is an API behind bearer tokens.
type tower struct {
	store   *tokenstest.Faulty
	users   *people
	clock   *apptest.Clock
	log     bytes.Buffer
	bearer  *strategies.Bearer
	handler http.Handler
}

func newTower(t *testing.T, o strategies.BearerOptions) *tower {
	t.Helper()
	w := &tower{store: tokenstest.NewFaulty(tokenstores.NewMemory()), users: &people{}, clock: apptest.NewClock(time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC))}
	o.Clock = w.clock.Now
	o.Logger = slog.New(slog.NewTextHandler(&w.log, nil))
	w.bearer = strategies.NewBearer(w.store, w.users, o)
	a := app.New().Use(app.Authenticate(w.bearer), func(ctx *app.Context, next app.Handler) error {
		switch ctx.Request.URL.Path {
		case "/logout":
			ctx.Status = 204
			return ctx.Logout()
		case "/write":
			return app.RequireScopes("rings:write")(ctx, fine)
		}
		return fine(ctx)
	})
	a.Logger = o.Logger
	w.handler = a
	return w
}

func fine(ctx *app.Context) error {
	ctx.Body = ctx.User().(*hobbit).Name
	return nil
}

func (w *tower) issue(t *testing.T, o strategies.TokenOptions) *strategies.IssuedToken {
	t.Helper()
	token, err := w.bearer.Issue(t.Context(), &hobbit{Name: "frodo"}, o)
	require.NoError(t, err)
	return token
}

func (w *tower) get(path string, authorization ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if len(authorization) > 0 {
		r.Header["Authorization"] = authorization
	}
	return w.do(r)
}

func (w *tower) do(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func (w *tower) calls() int { return len(w.store.Calls()) }

func TestBearerAnswers(t *testing.T) {
	const (
		plain   = `Bearer realm="api"`
		invalid = plain + `, error="invalid_token"`
		request = plain + `, error="invalid_request"`
	)
	w := newTower(t, strategies.BearerOptions{})
	good := w.issue(t, strategies.TokenOptions{}).Text()
	stored, err := w.bearer.List(t.Context(), &hobbit{Name: "frodo"})
	require.NoError(t, err)
	other := w.issue(t, strategies.TokenOptions{}).Text()
	swapped := resummed(good[:5+22] + other[5+22:5+22+43])
	for _, test := range []struct {
		name      string
		header    []string
		status    int
		challenge string
		asks      bool // the store
	}{
		{"no header", nil, 401, plain, false},
		{"an empty header", []string{""}, 401, plain, false},
		{"another scheme", []string{"Basic ZnJvZG86eA=="}, 401, plain, false},
		{"another scheme with parameters", []string{`Digest a="b", c="d"`}, 401, plain, false},
		{"a scheme that begins alike", []string{"Bearers " + good}, 401, plain, false},
		{"a token without a scheme", []string{good}, 401, plain, false},
		{"a good token", []string{"Bearer " + good}, 200, "", true},
		{"the scheme in any case", []string{"bEaReR " + good}, 200, "", true},
		{"a scheme alone", []string{"Bearer"}, 400, request, false},
		{"a scheme and a space", []string{"Bearer "}, 400, request, false},
		{"two spaces", []string{"Bearer  " + good}, 400, request, false},
		{"three parts", []string{"Bearer " + good + " x"}, 400, request, false},
		{"a tab", []string{"Bearer " + good + "\tx"}, 400, request, false},
		{"two tokens", []string{"Bearer " + good + "," + good}, 400, request, false},
		{"two headers", []string{"Bearer " + good, "Bearer " + good}, 400, request, false},
		{"a header of another scheme beside it", []string{"Basic x", "Bearer " + good}, 400, request, false},
		{"garbage", []string{"Bearer garbage"}, 401, invalid, false},
		{"no prefix", []string{"Bearer " + good[5:]}, 401, invalid, false},
		{"another prefix", []string{"Bearer kaho_" + good[5:]}, 401, invalid, false},
		{"a typing error", []string{"Bearer " + good[:20] + flipped(good[20:21]) + good[21:]}, 401, invalid, false},
		{"other case", []string{"Bearer " + strings.ToUpper(good)}, 401, invalid, false},
		{"a letter more", []string{"Bearer " + good + "0"}, 401, invalid, false},
		{"a letter less", []string{"Bearer " + good[:len(good)-1]}, 401, invalid, false},
		{"a megabyte", []string{"Bearer " + strings.Repeat("a", 1<<20)}, 401, invalid, false},
		{"no ASCII", []string{"Bearer kahu_\xff\xfe"}, 401, invalid, false},
		{"the right id with another's secret", []string{"Bearer " + swapped}, 401, invalid, true},
		{"an unknown id", []string{"Bearer " + resummed("kahu_"+strings.Repeat("z", 22)+good[27:70])}, 401, invalid, true},
		{"the stored hash as the secret", []string{"Bearer " + resummed(good[:27]+stored[0].Hash[7:50])}, 401, invalid, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := w.calls()
			got := w.get("/", test.header...)
			assert.Equal(t, test.status, got.Code)
			assert.Equal(t, test.challenge, got.Header().Get("WWW-Authenticate"))
			assert.Equal(t, test.asks, w.calls() > before, "%v", w.store.Calls()[before:])
			assert.Equal(t, "no-store", got.Header().Get("Cache-Control")+map[bool]string{true: "", false: "no-store"}[test.status == 200])
		})
	}
	assert.NotContains(t, w.log.String(), good[27:])
}

// resummed gives a forged body its right checksum.
func resummed(body string) string { return strategies.Sum(body) }

func flipped(c string) string {
	if c == "a" {
		return "b"
	}
	return "a"
}

func TestBearerEndsTokens(t *testing.T) {
	invalid := func(t *testing.T, w *tower, text string) {
		t.Helper()
		got := w.get("/", "Bearer "+text)
		assert.Equal(t, 401, got.Code)
		assert.Contains(t, got.Header().Get("WWW-Authenticate"), `error="invalid_token"`)
	}
	t.Run("after 30 days unless said otherwise", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		text := w.issue(t, strategies.TokenOptions{}).Text()
		w.clock.Advance(30*24*time.Hour - time.Second)
		assert.Equal(t, 200, w.get("/", "Bearer "+text).Code)
		w.clock.Advance(time.Second)
		invalid(t, w, text)
	})
	t.Run("by the token's own expiry, the strategy's, or never", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{Expiry: time.Hour})
		hour, day, never := w.issue(t, strategies.TokenOptions{}), w.issue(t, strategies.TokenOptions{Expiry: 24 * time.Hour}), w.issue(t, strategies.TokenOptions{Expiry: strategies.Never})
		w.clock.Advance(2 * time.Hour)
		invalid(t, w, hour.Text())
		assert.Equal(t, 200, w.get("/", "Bearer "+day.Text()).Code)
		w.clock.Advance(50 * 365 * 24 * time.Hour)
		invalid(t, w, day.Text())
		assert.Equal(t, 200, w.get("/", "Bearer "+never.Text()).Code)
	})
	t.Run("that are idle, and only those", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{IdleLimit: 10 * time.Minute})
		used, idle := w.issue(t, strategies.TokenOptions{}).Text(), w.issue(t, strategies.TokenOptions{}).Text()
		for range 5 {
			w.clock.Advance(9 * time.Minute)
			require.Equal(t, 200, w.get("/", "Bearer "+used).Code)
		}
		invalid(t, w, idle)
		w.clock.Advance(10 * time.Minute)
		invalid(t, w, used)
	})
	t.Run("of users who are gone", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		text := w.issue(t, strategies.TokenOptions{}).Text()
		w.users.gone = true
		invalid(t, w, text)
	})
	t.Run("by logout, which ends no other", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		one, two := w.issue(t, strategies.TokenOptions{}).Text(), w.issue(t, strategies.TokenOptions{}).Text()
		assert.Equal(t, 204, w.get("/logout", "Bearer "+one).Code)
		invalid(t, w, one)
		assert.Equal(t, 200, w.get("/", "Bearer "+two).Code)
	})
	// Trap: a forged secret that revokes or touches the real token (1.E-1, 1.E-3).
	t.Run("never by a forged secret, which touches nothing either", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		real, other := w.issue(t, strategies.TokenOptions{}), w.issue(t, strategies.TokenOptions{})
		w.clock.Advance(time.Hour)
		forged := resummed(real.Text()[:27] + other.Text()[27:70])
		assert.Equal(t, 401, w.get("/logout", "Bearer "+forged).Code)
		stored, err := w.bearer.Find(t.Context(), &hobbit{Name: "frodo"}, real.ID)
		require.NoError(t, err)
		require.NotNil(t, stored)
		assert.True(t, stored.LastUsed.IsZero())
		assert.Equal(t, 200, w.get("/", "Bearer "+real.Text()).Code)
	})
	t.Run("by id, of their owner only", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		token := w.issue(t, strategies.TokenOptions{})
		for name, revoke := range map[string]func() (bool, error){
			"another user": func() (bool, error) { return w.bearer.Revoke(t.Context(), &hobbit{Name: "sam"}, token.ID) },
			"no id":        func() (bool, error) { return w.bearer.Revoke(t.Context(), &hobbit{Name: "frodo"}, "' OR 1=1") },
			"empty":        func() (bool, error) { return w.bearer.Revoke(t.Context(), &hobbit{Name: "frodo"}, "") },
		} {
			there, err := revoke()
			assert.NoError(t, err, name)
			assert.False(t, there, name)
		}
		assert.Equal(t, 200, w.get("/", "Bearer "+token.Text()).Code)
		there, err := w.bearer.Revoke(t.Context(), &hobbit{Name: "frodo"}, token.ID)
		require.NoError(t, err)
		assert.True(t, there)
		invalid(t, w, token.Text())
	})
	t.Run("all of a user, all but one, and everybody's", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		a, b, c := w.issue(t, strategies.TokenOptions{}), w.issue(t, strategies.TokenOptions{}), w.issue(t, strategies.TokenOptions{})
		sam, err := w.bearer.Issue(t.Context(), &hobbit{Name: "sam"}, strategies.TokenOptions{})
		require.NoError(t, err)
		n, err := w.bearer.RevokeAll(t.Context(), &hobbit{Name: "frodo"}, b.ID)
		require.NoError(t, err)
		assert.Equal(t, 2, n)
		invalid(t, w, a.Text())
		invalid(t, w, c.Text())
		assert.Equal(t, 200, w.get("/", "Bearer "+b.Text()).Code)
		assert.Equal(t, 200, w.get("/", "Bearer "+sam.Text()).Code)
		n, err = w.bearer.RevokeEverybody(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 2, n)
		invalid(t, w, b.Text())
		invalid(t, w, sam.Text())
	})
}

// A token of one type is unknown to a guard of another, also in one store.
func TestBearerTypesAreApart(t *testing.T) {
	store := tokenstores.NewMemory()
	users := &people{}
	api := strategies.NewBearer(store, users, strategies.BearerOptions{})
	hooks := strategies.NewBearer(store, users, strategies.BearerOptions{Type: "webhooks"})
	token, err := api.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})
	require.NoError(t, err)
	for strategy, want := range map[*strategies.Bearer]int{api: 200, hooks: 401} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token.Text())
		w := httptest.NewRecorder()
		app.New().Use(app.Authenticate(strategy), func(ctx *app.Context, _ app.Handler) error { return fine(ctx) }).ServeHTTP(w, r)
		assert.Equal(t, want, w.Code)
	}
	t.Run("a row that is moved to another type proves nothing", func(t *testing.T) {
		moved := *token.Token
		moved.Type = "webhooks"
		require.NoError(t, store.Insert(t.Context(), &moved))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token.Text())
		w := httptest.NewRecorder()
		app.New().Use(app.Authenticate(hooks), func(ctx *app.Context, _ app.Handler) error { return fine(ctx) }).ServeHTTP(w, r)
		assert.Equal(t, 401, w.Code)
	})
}

func TestBearerFaultsAreNeverInvalidTokens(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	text := w.issue(t, strategies.TokenOptions{}).Text()
	w.store.Fail("Find")
	assert.Equal(t, 503, w.get("/", "Bearer "+text).Code)
	w.store.Heal()
	w.store.Fail("Delete")
	assert.Equal(t, 503, w.get("/logout", "Bearer "+text).Code, "a logout that did not happen is none")
	w.store.Heal()
	w.users.err = errDown
	assert.Equal(t, 503, w.get("/", "Bearer "+text).Code)
	w.users.err = nil
	assert.Equal(t, 200, w.get("/", "Bearer "+text).Code)
	w.store.Fail("Insert")
	_, err := w.bearer.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})
	assert.ErrorIs(t, err, tokenstest.ErrFault)
}

func TestBearerWritesTheLastUse(t *testing.T) {
	t.Run("at most once a minute, after verification", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		token := w.issue(t, strategies.TokenOptions{})
		for range 600 {
			w.clock.Advance(time.Second)
			require.Equal(t, 200, w.get("/", "Bearer "+token.Text()).Code)
		}
		touches := len(slices.DeleteFunc(w.store.Calls(), func(c string) bool { return c != "Touch" }))
		assert.Equal(t, 10, touches)
		stored, err := w.bearer.Find(t.Context(), &hobbit{Name: "frodo"}, token.ID)
		require.NoError(t, err)
		assert.WithinDuration(t, w.clock.Now(), stored.LastUsed, time.Minute)
		assert.Equal(t, "192.0.2.1", stored.Address)
	})
	t.Run("and a failure is nobody's harm", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		text := w.issue(t, strategies.TokenOptions{}).Text()
		w.clock.Advance(time.Hour)
		w.store.Fail("Touch")
		assert.Equal(t, 200, w.get("/", "Bearer "+text).Code)
		assert.Contains(t, w.log.String(), "not written")
	})
	t.Run("unless it is off", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{NoTouch: true})
		text := w.issue(t, strategies.TokenOptions{}).Text()
		w.clock.Advance(time.Hour)
		assert.Equal(t, 200, w.get("/", "Bearer "+text).Code)
		assert.NotContains(t, w.store.Calls(), "Touch")
	})
}

func TestBearerPlaces(t *testing.T) {
	form := func(path, body string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	t.Run("the query and the form are not read unless asked for", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{})
		text := w.issue(t, strategies.TokenOptions{}).Text()
		assert.Equal(t, 401, w.get("/?access_token="+text).Code)
		assert.Equal(t, 401, w.do(form("/", "access_token="+text)).Code)
	})
	t.Run("a form by choice", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{Form: "access_token"})
		text := w.issue(t, strategies.TokenOptions{}).Text()
		assert.Equal(t, 200, w.do(form("/", "access_token="+text)).Code)
		r := form("/", "access_token="+text)
		r.Header.Set("Authorization", "Bearer "+text)
		assert.Equal(t, 400, w.do(r).Code, "in two places")
		assert.Equal(t, 400, w.do(form("/", "access_token="+text+"&access_token="+text)).Code, "twice")
		assert.Equal(t, 401, w.do(form("/", "x=1")).Code)
	})
	t.Run("the query by a name that says what it is", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{InsecureQuery: "access_token"})
		text := w.issue(t, strategies.TokenOptions{}).Text()
		assert.Equal(t, 200, w.get("/?access_token="+text).Code)
		assert.Equal(t, 400, w.get("/?access_token="+text, "Bearer "+text).Code)
		assert.Equal(t, 400, w.get("/?access_token="+text+"&access_token="+text).Code)
	})
	t.Run("a header without a scheme by choice", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{SchemeOptional: true})
		text := w.issue(t, strategies.TokenOptions{}).Text()
		assert.Equal(t, 200, w.get("/", text).Code)
		assert.Equal(t, 200, w.get("/", "Bearer "+text).Code)
		assert.Equal(t, 401, w.get("/", "Basic "+text).Code)
	})
	t.Run("by a function of the application", func(t *testing.T) {
		w := newTower(t, strategies.BearerOptions{Extract: func(ctx *app.Context) (string, error) {
			if text := ctx.Request.Header.Get("X-Token"); text != "" {
				return text, nil
			}
			return "", app.ErrNoCredentials
		}})
		text := w.issue(t, strategies.TokenOptions{}).Text()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-Token", text)
		assert.Equal(t, 200, w.do(r).Code)
		assert.Equal(t, 401, w.get("/", "Bearer "+text).Code)
	})
}

func TestBearerScopes(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	for name, test := range map[string]struct {
		scopes []string
		status int
	}{
		"none":    {nil, 403},
		"another": {[]string{"rings:read"}, 403},
		"the one": {[]string{"rings:read", "rings:write"}, 200},
		"all":     {[]string{"*"}, 200},
		"a part":  {[]string{"rings"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.get("/write", "Bearer "+w.issue(t, strategies.TokenOptions{Scopes: test.scopes}).Text())
			assert.Equal(t, test.status, got.Code)
			if test.status == 403 {
				assert.Equal(t, `Bearer realm="api", error="insufficient_scope", scope="rings:write"`, got.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func TestBearerValid(t *testing.T) {
	var err error
	w := newTower(t, strategies.BearerOptions{Valid: func(_ *app.Context, t *tokenstores.Token, user any) error {
		if t == nil || user == nil {
			return errDown
		}
		return err
	}})
	text := w.issue(t, strategies.TokenOptions{}).Text()
	assert.Equal(t, 200, w.get("/", "Bearer "+text).Code)
	err = &app.Rejection{Code: "invalid_token"}
	assert.Equal(t, 401, w.get("/", "Bearer "+text).Code)
	err = errDown
	assert.Equal(t, 503, w.get("/", "Bearer "+text).Code)
}

func TestIssuedToken(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	t.Run("has the documented shape", func(t *testing.T) {
		token := w.issue(t, strategies.TokenOptions{Expiry: 7 * 24 * time.Hour})
		b, err := json.Marshal(token)
		require.NoError(t, err)
		assert.JSONEq(t, `{"type":"bearer","token":"`+token.Text()+`","expires_at":"3018-09-30T12:00:00Z","expires_in":604800}`, string(b))
	})
	t.Run("says nothing of an expiry that it has not", func(t *testing.T) {
		token := w.issue(t, strategies.TokenOptions{Expiry: strategies.Never})
		b, err := json.Marshal(token)
		require.NoError(t, err)
		assert.JSONEq(t, `{"type":"bearer","token":"`+token.Text()+`"}`, string(b))
	})
	t.Run("is letters and digits behind its prefix, and never the same", func(t *testing.T) {
		seen := map[string]bool{}
		for range 1000 {
			text := w.issue(t, strategies.TokenOptions{}).Text()
			assert.Regexp(t, `^kahu_[0-9A-Za-z]{71}$`, text)
			assert.False(t, seen[text])
			seen[text] = true
		}
	})
	t.Run("keeps what it was made with", func(t *testing.T) {
		made := w.issue(t, strategies.TokenOptions{Name: "laptop", Scopes: []string{"rings:read"}, Meta: map[string]any{"device": 7}, Address: "192.0.2.9"})
		got, err := w.bearer.Find(t.Context(), &hobbit{Name: "frodo"}, made.ID)
		require.NoError(t, err)
		assert.Equal(t, "laptop", got.Name)
		assert.Equal(t, []string{"rings:read"}, got.Scopes)
		assert.JSONEq(t, "7", string(got.Meta["device"]))
		assert.Equal(t, "192.0.2.9", got.Address)
		assert.NotContains(t, got.Hash, made.Text()[27:70])
	})
	t.Run("prints without its text, and so does what is stored", func(t *testing.T) {
		token := w.issue(t, strategies.TokenOptions{})
		printed := fmt.Sprintf("%v %+v %#v %s", token, token, token, token)
		assert.NotContains(t, printed, token.Text()[27:70])
	})
	t.Run("that would be dead is an error", func(t *testing.T) {
		for _, o := range []strategies.TokenOptions{
			{Expiry: -2}, {Expiry: -time.Hour}, {Expiry: 1 << 62}, {IdleLimit: -2}, {IdleLimit: time.Second}, {IdleLimit: 1 << 62},
			{Name: strings.Repeat("x", 201)}, {Name: "a\nb"}, {Scopes: []string{""}}, {Scopes: []string{"a b"}}, {Scopes: []string{`a"b`}}, {Scopes: []string{"é"}}, {Meta: map[string]any{"f": func() {}}},
		} {
			_, err := w.bearer.Issue(t.Context(), &hobbit{Name: "frodo"}, o)
			assert.ErrorIs(t, err, strategies.ErrTokenOptions, "%+v", o)
		}
	})
	t.Run("needs a user", func(t *testing.T) {
		for _, user := range []any{nil, (*hobbit)(nil), "frodo", &hobbit{}} {
			_, err := w.bearer.Issue(t.Context(), user, strategies.TokenOptions{})
			assert.Error(t, err)
		}
	})
}

func TestBearerRotates(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	old := w.issue(t, strategies.TokenOptions{Name: "ci", Scopes: []string{"rings:read"}, Expiry: 24 * time.Hour})
	next, err := w.bearer.Rotate(t.Context(), old.Token, time.Hour)
	require.NoError(t, err)
	assert.Equal(t, "ci", next.Name)
	assert.Equal(t, []string{"rings:read"}, next.Scopes)
	assert.Equal(t, w.clock.Now().Add(24*time.Hour), next.Expires)
	_, err = w.bearer.Rotate(t.Context(), old.Token, time.Hour)
	assert.ErrorIs(t, err, tokenstores.ErrTokenRotated)
	w.clock.Advance(time.Hour - time.Second)
	assert.Equal(t, 200, w.get("/", "Bearer "+old.Text()).Code, "both are good meanwhile")
	assert.Equal(t, 200, w.get("/", "Bearer "+next.Text()).Code)
	w.clock.Advance(time.Second)
	assert.Equal(t, 401, w.get("/", "Bearer "+old.Text()).Code)
	again, err := w.bearer.Rotate(t.Context(), next.Token, 0)
	require.NoError(t, err)
	assert.Equal(t, 401, w.get("/", "Bearer "+next.Text()).Code, "no overlap")
	assert.Equal(t, 200, w.get("/", "Bearer "+again.Text()).Code)
	_, err = w.bearer.Rotate(t.Context(), again.Token, -1)
	assert.ErrorIs(t, err, strategies.ErrTokenOptions)
}

func TestBearerLists(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	first := w.issue(t, strategies.TokenOptions{Name: "first"})
	w.clock.Advance(time.Minute)
	w.issue(t, strategies.TokenOptions{Name: "second"})
	w.issue(t, strategies.TokenOptions{Name: "over", Expiry: time.Second})
	w.clock.Advance(2 * time.Minute)
	names := func() (names []string) {
		list, err := w.bearer.List(t.Context(), &hobbit{Name: "frodo"})
		require.NoError(t, err)
		for _, token := range list {
			names = append(names, token.Name)
		}
		return names
	}
	assert.Equal(t, []string{"second", "first"}, names())
	require.Equal(t, 200, w.get("/", "Bearer "+first.Text()).Code)
	assert.Equal(t, []string{"first", "second"}, names())
	n, err := w.bearer.Prune(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

func TestTokenKeys(t *testing.T) {
	key := func(id, seed string) strategies.TokenKey {
		return strategies.TokenKey{ID: id, Secret: []byte(strings.Repeat(seed, 32))}
	}
	keys := func(k ...strategies.TokenKey) *strategies.TokenKeys {
		all, err := strategies.NewTokenKeys(k...)
		require.NoError(t, err)
		return all
	}
	store, users := tokenstores.NewMemory(), &people{}
	with := func(k *strategies.TokenKeys) *strategies.Bearer {
		return strategies.NewBearer(store, users, strategies.BearerOptions{Keys: k})
	}
	status := func(b *strategies.Bearer, token *strategies.IssuedToken) int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token.Text())
		w := httptest.NewRecorder()
		app.New().Use(app.Authenticate(b), func(ctx *app.Context, _ app.Handler) error { return fine(ctx) }).ServeHTTP(w, r)
		return w.Code
	}
	issue := func(b *strategies.Bearer) *strategies.IssuedToken {
		token, err := b.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})
		require.NoError(t, err)
		return token
	}
	plain, one := issue(with(nil)), issue(with(keys(key("a", "1"))))
	rotated := with(keys(key("b", "2"), key("a", "1")))
	assert.Equal(t, 200, status(rotated, one), "an older key still verifies")
	assert.Equal(t, 200, status(rotated, plain), "what was stored before there were keys")
	two := issue(rotated)
	assert.True(t, strings.HasPrefix(two.Hash, "hmac-sha256:b:"))
	assert.Equal(t, 401, status(with(keys(key("b", "2"))), one), "a key that is retired")
	assert.Equal(t, 401, status(with(keys(key("a", "3"))), one), "another key of this name")
	assert.Equal(t, 401, status(with(nil), one), "without keys")
	for name, k := range map[string][]strategies.TokenKey{
		"none": nil, "short": {{ID: "a", Secret: make([]byte, 31)}}, "no id": {key("", "1")}, "a separator": {key("a:b", "1")}, "twice": {key("a", "1"), key("a", "2")},
	} {
		_, err := strategies.NewTokenKeys(k...)
		assert.Error(t, err, name)
	}
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %v %#v", keys(key("a", "1")), *keys(key("a", "1")), keys(key("a", "1")), key("a", "1"), key("a", "1")), "1111")
}

func TestNewBearerRefusesWhatIsUnsafe(t *testing.T) {
	store, users := tokenstores.NewMemory(), &people{}
	for name, o := range map[string]strategies.BearerOptions{
		"a negative expiry":          {Expiry: -2},
		"an expiry of centuries":     {Expiry: 1 << 62},
		"a short idle limit":         {IdleLimit: time.Minute},
		"an idle limit without use":  {IdleLimit: time.Hour, NoTouch: true},
		"a negative timeout":         {Timeout: -1},
		"a type with a separator":    {Type: "a b"},
		"a prefix with a separator":  {Prefix: "a b"},
		"a realm that ends a string": {Realm: `a"b`},
		"a realm that ends a line":   {Realm: "a\nb"},
	} {
		assert.Panics(t, func() { strategies.NewBearer(store, users, o) }, name)
	}
	assert.Panics(t, func() { strategies.NewBearer(nil, users, strategies.BearerOptions{}) })
	assert.Panics(t, func() { strategies.NewBearer(store, nil, strategies.BearerOptions{}) })
}

func FuzzBearer(f *testing.F) {
	store := tokenstores.NewMemory()
	b := strategies.NewBearer(store, &people{}, strategies.BearerOptions{SchemeOptional: true})
	token, err := b.Issue(f.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})
	require.NoError(f, err)
	h := app.New().Use(app.Authenticate(b), func(ctx *app.Context, _ app.Handler) error { return fine(ctx) })
	for _, seed := range []string{"", "Bearer", "Bearer x", "bearer kahu_", "Basic x", "Bearer " + token.Text()[:70], "kahu_" + strings.Repeat("0", 71)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{header}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 400 && w.Code != 401 {
			t.Errorf("%q was answered %d", header, w.Code)
		}
		if w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%q was answered without a challenge", header)
		}
	})
}
