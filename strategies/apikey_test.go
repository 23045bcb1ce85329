package strategies_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

const (
	keyChallenge        = `APIKey realm="apikey", header="X-API-Key"`
	keyChallengeInvalid = keyChallenge + `, error="invalid_token"`
)

// A postern is an API behind keys.
type postern struct {
	store  *tokenstest.Faulty
	users  *people
	clock  *apptest.Clock
	log    bytes.Buffer
	events []app.Event
	steps  []app.Step
	keys   *strategies.APIKey
	app    *app.App
}

func newPostern(o strategies.APIKeyOptions) *postern {
	p := &postern{store: tokenstest.NewFaulty(tokenstores.NewMemory()), users: &people{}, clock: apptest.NewClock(time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC))}
	o.Clock = p.clock.Now
	o.Logger = slog.New(slog.NewTextHandler(&p.log, nil))
	p.keys = strategies.NewAPIKey(p.store, p.users, o)
	p.app = app.New().Use(app.Authenticate(p.keys), func(ctx *app.Context, _ app.Handler) error {
		switch ctx.Request.URL.Path {
		case "/logout":
			ctx.Status = 204
			return ctx.Logout()
		case "/write":
			return app.RequireScopes("rings:write")(ctx, fine)
		}
		return fine(ctx)
	})
	p.app.Logger = o.Logger
	p.app.OnEvent = func(_ *app.Context, e app.Event) { p.events = append(p.events, e) }
	return p
}

func (p *postern) issue(t *testing.T, o strategies.TokenOptions) *strategies.IssuedToken {
	t.Helper()
	key, err := p.keys.Issue(t.Context(), &hobbit{Name: "frodo"}, o)
	require.NoError(t, err)
	return key
}

func (p *postern) get(path string, keys ...string) *httptest.ResponseRecorder {
	return p.do(http.MethodGet, path, http.Header{"X-Api-Key": keys})
}

func (p *postern) do(method, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	p.app.ServeHTTP(w, r)
	return w
}

// keySum gives a forged key its right checksum.
func keySum(body string) string {
	const prefix = len("kahu_key_")
	return strategies.SumOf(body[:prefix], body[prefix:])
}

func TestAPIKeyAnswers(t *testing.T) {
	p := newPostern(strategies.APIKeyOptions{})
	good, other := p.issue(t, strategies.TokenOptions{}).Text(), p.issue(t, strategies.TokenOptions{}).Text()
	require.Equal(t, good, keySum(good[:len(good)-6]))
	const invalidRequest = keyChallenge + `, error="invalid_request"`
	for _, test := range []struct {
		name      string
		keys      []string
		status    int
		challenge string
		asks      bool // the store
	}{
		{"no header", nil, 401, keyChallenge, false},
		{"an empty header", []string{""}, 401, keyChallenge, false},
		{"a good key", []string{good}, 200, "", true},
		{"a good key twice", []string{good, good}, 200, "", true},
		{"two keys", []string{good, other}, 400, invalidRequest, false},
		{"a good key and an empty one", []string{good, ""}, 400, invalidRequest, false},
		{"two keys in one header", []string{good + ", " + other}, 401, keyChallengeInvalid, false},
		{"a scheme before it", []string{"Bearer " + good}, 401, keyChallengeInvalid, false},
		{"a space before it", []string{" " + good}, 401, keyChallengeInvalid, false},
		{"garbage", []string{"garbage"}, 401, keyChallengeInvalid, false},
		{"no prefix", []string{good[9:]}, 401, keyChallengeInvalid, false},
		{"the prefix of other tokens", []string{"kahu_" + good[9:]}, 401, keyChallengeInvalid, false},
		{"a typing error", []string{good[:20] + flipped(good[20:21]) + good[21:]}, 401, keyChallengeInvalid, false},
		{"other case", []string{strings.ToUpper(good)}, 401, keyChallengeInvalid, false},
		{"NUL", []string{good + "\x00"}, 401, keyChallengeInvalid, false},
		{"no ASCII", []string{"kahu_key_\xff"}, 401, keyChallengeInvalid, false},
		{"a megabyte", []string{strings.Repeat("a", 1<<20)}, 401, keyChallengeInvalid, false},
		{"an unknown id", []string{keySum("kahu_key_" + strings.Repeat("z", 22) + good[31:74])}, 401, keyChallengeInvalid, true},
		{"the right id with another's secret", []string{keySum(good[:31] + other[31:74])}, 401, keyChallengeInvalid, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(p.store.Calls())
			got := p.get("/", test.keys...)
			assert.Equal(t, test.status, got.Code)
			assert.Equal(t, test.challenge, got.Header().Get("WWW-Authenticate"))
			assert.Equal(t, test.asks, len(p.store.Calls()) > before)
		})
	}
	assert.NotContains(t, p.log.String(), good[31:])
	t.Run("a key in the Authorization header is none", func(t *testing.T) {
		assert.Equal(t, 401, p.do(http.MethodGet, "/", http.Header{"Authorization": {"Bearer " + good}}).Code)
	})
	t.Run("a scope that the key lacks is 403 and named", func(t *testing.T) {
		got := p.get("/write", good)
		assert.Equal(t, 403, got.Code)
		assert.Equal(t, keyChallenge+`, error="insufficient_scope", scope="rings:write"`, got.Header().Get("WWW-Authenticate"))
		assert.Equal(t, 200, p.get("/write", p.issue(t, strategies.TokenOptions{Scopes: []string{"rings:write"}}).Text()).Code)
	})
	t.Run("a fault of the store is 503 and one of its writing nothing", func(t *testing.T) {
		defer p.store.Heal()
		p.store.Fail("Touch")
		p.clock.Advance(time.Hour)
		assert.Equal(t, 200, p.get("/", good).Code)
		p.store.Fail("Find")
		assert.Equal(t, 503, p.get("/", good).Code)
		assert.Equal(t, 401, p.get("/", "garbage").Code)
	})
	t.Run("whose owner is gone is 401", func(t *testing.T) {
		p.users.gone = true
		got := p.get("/", good)
		p.users.gone = false
		assert.Equal(t, 401, got.Code)
		assert.Equal(t, keyChallengeInvalid, got.Header().Get("WWW-Authenticate"))
	})
}

func TestAPIKeyIdentity(t *testing.T) {
	p := newPostern(strategies.APIKeyOptions{})
	key := p.issue(t, strategies.TokenOptions{Name: "ci", Scopes: []string{"rings:read"}})
	var id *app.Identity
	p.app = app.New().Use(app.Authenticate(p.keys), func(ctx *app.Context, _ app.Handler) (err error) {
		p.steps = ctx.Explain()
		id, err = ctx.Identity()
		return err
	})
	p.app.OnEvent = func(_ *app.Context, e app.Event) { p.events = append(p.events, e) }
	p.get("/", key.Text())
	require.NotNil(t, id)
	assert.Equal(t, &hobbit{Name: "frodo"}, id.User)
	assert.Equal(t, "apikey", id.Via)
	assert.Equal(t, "frodo", id.Subject)
	assert.Equal(t, key.ID, id.Handle)
	assert.Equal(t, []string{"rings:read"}, id.Scopes)
	assert.True(t, id.Deliberate)
	info, ok := id.Info.(*tokenstores.Token)
	require.True(t, ok)
	assert.Equal(t, "ci", info.Name)
	assert.Equal(t, []app.Step{{Strategy: "apikey", Looked: "the header X-API-Key", Result: app.StepProved, Why: "frodo"}}, p.steps)

	p.get("/", "kahu_key_wrong")
	require.Len(t, p.events, 2)
	assert.Equal(t, app.EventUsed, p.events[0].Name)
	assert.Equal(t, "frodo", p.events[0].Subject)
	assert.Equal(t, app.EventRefused, p.events[1].Name)
	assert.Equal(t, "apikey", p.events[1].Via)
	assert.NotContains(t, fmt.Sprintf("%+v %+v", p.events[0].Info, p.events[1].Reason), key.Text()[31:74])
}

func TestBearerIdentity(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	token := w.issue(t, strategies.TokenOptions{})
	var id *app.Identity
	var steps []app.Step
	h := app.New().Use(app.Authenticate(w.bearer), func(ctx *app.Context, _ app.Handler) (err error) {
		steps = ctx.Explain()
		id, err = ctx.Identity()
		return err
	})
	h.ServeHTTP(httptest.NewRecorder(), bearing(token.Text()))
	require.NotNil(t, id)
	assert.Equal(t, "bearer", id.Via)
	assert.Equal(t, "frodo", id.Subject)
	assert.Equal(t, token.ID, id.Handle)
	assert.Equal(t, []app.Step{{Strategy: "bearer", Looked: "the Authorization header", Result: app.StepProved, Why: "frodo"}}, steps)
	for want, o := range map[string]strategies.BearerOptions{
		"the Authorization header": {SchemeOptional: true},
		"the Authorization header, the form's access_token, the query's token": {Form: "access_token", InsecureQuery: "token"},
		"a place of the application's":                                         {Extract: func(*app.Context) (string, error) { return "", app.ErrNoCredentials }},
	} {
		_, looked := newTower(t, o).bearer.Describe()
		assert.Equal(t, want, looked)
	}
}

func TestAPIKeyLives(t *testing.T) {
	status := func(p *postern, key *strategies.IssuedToken) int { return p.get("/", key.Text()).Code }
	t.Run("for a year unless said otherwise", func(t *testing.T) {
		p := newPostern(strategies.APIKeyOptions{})
		key := p.issue(t, strategies.TokenOptions{})
		p.clock.Advance(365*24*time.Hour - time.Second)
		assert.Equal(t, 200, status(p, key))
		p.clock.Advance(time.Second)
		assert.Equal(t, 401, status(p, key))
	})
	t.Run("as long as the options or its own say", func(t *testing.T) {
		p := newPostern(strategies.APIKeyOptions{Expiry: time.Hour})
		hour, day := p.issue(t, strategies.TokenOptions{}), p.issue(t, strategies.TokenOptions{Expiry: 24 * time.Hour})
		p.clock.Advance(2 * time.Hour)
		assert.Equal(t, 401, status(p, hour))
		assert.Equal(t, 200, status(p, day))
	})
	t.Run("for ever if that is asked for by name", func(t *testing.T) {
		p := newPostern(strategies.APIKeyOptions{Expiry: strategies.Never})
		key := p.issue(t, strategies.TokenOptions{})
		p.clock.Advance(90 * 365 * 24 * time.Hour)
		assert.Equal(t, 200, status(p, key))
	})
	t.Run("until it is idle for too long", func(t *testing.T) {
		p := newPostern(strategies.APIKeyOptions{IdleLimit: time.Hour})
		used, idle := p.issue(t, strategies.TokenOptions{}), p.issue(t, strategies.TokenOptions{})
		p.clock.Advance(59 * time.Minute)
		assert.Equal(t, 200, status(p, used))
		p.clock.Advance(time.Minute)
		assert.Equal(t, 200, status(p, used))
		assert.Equal(t, 401, status(p, idle))
	})
	t.Run("until Valid refuses it", func(t *testing.T) {
		var err error
		p := newPostern(strategies.APIKeyOptions{Valid: func(*app.Context, *tokenstores.Token, any) error { return err }})
		key := p.issue(t, strategies.TokenOptions{})
		assert.Equal(t, 200, status(p, key))
		err = &app.Rejection{Code: "invalid_token"}
		assert.Equal(t, 401, status(p, key))
	})
	t.Run("under another prefix and in another header", func(t *testing.T) {
		p := newPostern(strategies.APIKeyOptions{Header: "x-shire-key", Prefix: "shire_", Type: "shire", Realm: "Bag End"})
		key := p.issue(t, strategies.TokenOptions{})
		assert.Regexp(t, `^shire_[0-9A-Za-z]{71}$`, key.Text())
		assert.Equal(t, 200, p.do(http.MethodGet, "/", http.Header{"X-Shire-Key": {key.Text()}}).Code)
		got := p.get("/", key.Text())
		assert.Equal(t, 401, got.Code)
		assert.Equal(t, `APIKey realm="Bag End", header="x-shire-key"`, got.Header().Get("WWW-Authenticate"))
	})
	t.Run("as a MAC if there are keys for it", func(t *testing.T) {
		macs, err := strategies.NewTokenKeys(strategies.TokenKey{ID: "a", Secret: []byte(strings.Repeat("1", 32))})
		require.NoError(t, err)
		p := newPostern(strategies.APIKeyOptions{Keys: macs})
		key := p.issue(t, strategies.TokenOptions{})
		assert.True(t, strings.HasPrefix(key.Hash, "hmac-sha256:a:"))
		assert.Equal(t, 200, status(p, key))
	})
	t.Run("until ctx.Logout which ends no other", func(t *testing.T) {
		p := newPostern(strategies.APIKeyOptions{})
		one, two := p.issue(t, strategies.TokenOptions{}), p.issue(t, strategies.TokenOptions{})
		assert.Equal(t, 204, p.get("/logout", one.Text()).Code)
		assert.Equal(t, 401, status(p, one))
		assert.Equal(t, 200, status(p, two))
	})
}

// keyWorlds are stores with their users.
var keyWorlds = map[string]func(t *testing.T) (store tokenstores.Store, users app.Serializer, user any){
	"memory": func(*testing.T) (tokenstores.Store, app.Serializer, any) {
		return tokenstores.NewMemory(), &people{}, &hobbit{Name: "frodo"}
	},
	"Redis": func(t *testing.T) (tokenstores.Store, app.Serializer, any) {
		o, err := redis.ParseURL(redistest.URL(t))
		require.NoError(t, err)
		c := redis.NewClient(o)
		t.Cleanup(func() { _ = c.Close() })
		return tokenstores.NewRedis(c), &people{}, &hobbit{Name: "frodo"}
	},
	"SQLite":   keysInDatabase("SQLite"),
	"Postgres": keysInDatabase("Postgres"),
}

func keysInDatabase(name string) func(t *testing.T) (tokenstores.Store, app.Serializer, any) {
	return func(t *testing.T) (tokenstores.Store, app.Serializer, any) {
		db, err := database.Open(addresses[name](t))
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		return tokenstores.NewBun(db), riders(t, db), &rider{ID: 7, Name: "eowyn"}
	}
}

func TestAPIKeysOfAUser(t *testing.T) {
	for name, open := range keyWorlds {
		t.Run(name, func(t *testing.T) {
			store, users, user := open(t)
			keys := strategies.NewAPIKey(store, users, strategies.APIKeyOptions{})
			h := app.New().Use(app.Authenticate(keys), func(ctx *app.Context, _ app.Handler) error { ctx.Status = 204; return nil })
			status := func(key *strategies.IssuedToken) int {
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.Header.Set("X-API-Key", key.Text())
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w.Code
			}
			issue := func(name string) *strategies.IssuedToken {
				key, err := keys.Issue(t.Context(), user, strategies.TokenOptions{Name: name, Scopes: []string{"rings:read"}})
				require.NoError(t, err)
				return key
			}
			ci, backup, third := issue("ci"), issue("backup"), issue("third")
			list, err := keys.List(t.Context(), user)
			require.NoError(t, err)
			assert.Len(t, list, 3)
			found, err := keys.Find(t.Context(), user, ci.ID)
			require.NoError(t, err)
			require.NotNil(t, found)
			assert.Equal(t, "ci", found.Name)
			assert.Equal(t, []string{"rings:read"}, found.Scopes)
			assert.Equal(t, "apikey", found.Type)
			assert.NotContains(t, found.Hash, ci.Text()[31:74])

			next, err := keys.Rotate(t.Context(), found, time.Hour)
			require.NoError(t, err)
			assert.Equal(t, "ci", next.Name)
			assert.Equal(t, 204, status(ci), "good for the overlap")
			assert.Equal(t, 204, status(next))

			there, err := keys.Revoke(t.Context(), user, backup.ID)
			require.NoError(t, err)
			assert.True(t, there)
			assert.Equal(t, 401, status(backup))
			n, err := keys.RevokeAll(t.Context(), user, third.ID)
			require.NoError(t, err)
			assert.Equal(t, 2, n)
			assert.Equal(t, []int{401, 401, 204}, []int{status(ci), status(next), status(third)})
		})
	}
}

// Garbage costs nothing, a good key one query with its owner in it.
func TestAPIKeyStatements(t *testing.T) {
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db, trace := sqltrace.Open(t, address(t))
			keys := strategies.NewAPIKey(tokenstores.NewBun(db), riders(t, db), strategies.APIKeyOptions{})
			h := app.New().Use(app.Authenticate(keys), func(ctx *app.Context, _ app.Handler) error {
				ctx.Body = ctx.User().(*rider).Name
				return nil
			})
			send := func(values ...string) (int, sqltrace.Counts) {
				trace.Reset()
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.Header["X-Api-Key"] = values
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w.Code, trace.Counts()
			}
			key, err := keys.Issue(t.Context(), &rider{ID: 7}, strategies.TokenOptions{})
			require.NoError(t, err)
			send(key.Text()) // prepares the statement, and writes the first use
			status, counts := send(key.Text())
			assert.Equal(t, 200, status)
			assert.Equal(t, sqltrace.Counts{Queries: 1}, counts)
			for _, garbage := range [][]string{nil, {""}, {"garbage"}, {key.Text()[:79] + flipped(key.Text()[79:])}, {key.Text(), "x"}} {
				status, counts = send(garbage...)
				assert.NotEqual(t, 200, status)
				assert.Equal(t, sqltrace.Counts{}, counts, "%q", garbage)
			}
		})
	}
}

// A key is no token of a Bearer in the same store, and the other way round.
func TestAPIKeysAndTokensAreStrangers(t *testing.T) {
	store, users := tokenstores.NewMemory(), &people{}
	keys := strategies.NewAPIKey(store, users, strategies.APIKeyOptions{Prefix: "kahu_"})
	bearer := strategies.NewBearer(store, users, strategies.BearerOptions{})
	frodo := &hobbit{Name: "frodo"}
	key, err := keys.Issue(t.Context(), frodo, strategies.TokenOptions{})
	require.NoError(t, err)
	token, err := bearer.Issue(t.Context(), frodo, strategies.TokenOptions{})
	require.NoError(t, err)
	var via string
	h := app.New().Use(app.Authenticate(bearer, keys), func(ctx *app.Context, _ app.Handler) error {
		id, err := ctx.Identity()
		via = id.Via
		return err
	})
	send := func(header, value string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(header, value)
		w := httptest.NewRecorder()
		via = ""
		h.ServeHTTP(w, r)
		return w
	}
	send("X-API-Key", key.Text())
	assert.Equal(t, "apikey", via)
	send("Authorization", "Bearer "+token.Text())
	assert.Equal(t, "bearer", via)
	for header, value := range map[string]string{"X-API-Key": token.Text(), "Authorization": "Bearer " + key.Text()} {
		got := send(header, value)
		assert.Equal(t, 401, got.Code)
		assert.Len(t, got.Header().Values("WWW-Authenticate"), 2, "both say what they want")
	}
	n, err := keys.RevokeEverybody(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	send("Authorization", "Bearer "+token.Text())
	assert.Equal(t, "bearer", via, "a leak of keys ends no tokens")
}

func TestAPIKeyTexts(t *testing.T) {
	p := newPostern(strategies.APIKeyOptions{})
	key := p.issue(t, strategies.TokenOptions{Scopes: []string{"rings:read"}})
	assert.Regexp(t, `^kahu_key_[0-9A-Za-z]{71}$`, key.Text())
	b, err := json.Marshal(key)
	require.NoError(t, err)
	assert.JSONEq(t, `{"type":"apikey","token":"`+key.Text()+`","expires_at":"3019-09-23T12:00:00Z","expires_in":31536000}`, string(b))
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", key, key, key), key.Text()[31:74])
	found, err := p.keys.Introspect(t.Context(), key.Text())
	require.NoError(t, err)
	require.NotNil(t, found)
	assert.Equal(t, "rings:read", found.Scope)
	assert.Empty(t, found.Type, "none of OAuth's")
	found, err = p.keys.Introspect(t.Context(), "garbage")
	require.NoError(t, err)
	assert.Nil(t, found)
}

func TestAPIKeyGuard(t *testing.T) {
	p := newPostern(strategies.APIKeyOptions{})
	guard := strategies.NewGuard("keys", p.keys, strategies.GuardOptions{})
	good := p.issue(t, strategies.TokenOptions{})
	during := func(key string, steps func(ctx *app.Context) error) *httptest.ResponseRecorder {
		p.app = app.New().Use(func(ctx *app.Context, _ app.Handler) error { return steps(ctx) })
		p.app.OnError = func(*app.Context, error) {}
		return p.do(http.MethodPost, "/", http.Header{"X-Api-Key": {key}})
	}
	t.Run("proves and asks again for another header", func(t *testing.T) {
		during(good.Text(), func(ctx *app.Context) error {
			found, err := guard.Check(ctx)
			require.NoError(t, err)
			assert.True(t, found)
			assert.Equal(t, "frodo", guard.User(ctx).(*hobbit).Name)
			before := len(p.store.Calls())
			_, err = guard.Check(ctx)
			require.NoError(t, err)
			assert.Len(t, p.store.Calls(), before, "the answer is kept")
			ctx.Request.Header.Set("X-API-Key", "garbage")
			found, err = guard.Check(ctx)
			require.NoError(t, err)
			assert.False(t, found)
			return nil
		})
	})
	t.Run("issues", func(t *testing.T) {
		during("", func(ctx *app.Context) error {
			key, err := guard.Login(ctx, &hobbit{Name: "frodo"}, strategies.TokenOptions{Name: "new"})
			require.NoError(t, err)
			assert.Regexp(t, "^kahu_key_", key.Text())
			return nil
		})
	})
	t.Run("logs out", func(t *testing.T) {
		during(good.Text(), func(ctx *app.Context) error {
			id, err := ctx.Authenticate(guard)
			require.NoError(t, err)
			assert.Equal(t, "keys", id.Via)
			return ctx.Logout()
		})
		during(good.Text(), func(ctx *app.Context) error {
			found, err := guard.Check(ctx)
			require.NoError(t, err)
			assert.False(t, found)
			return nil
		})
	})
	t.Run("stands beside one of tokens and beside none of its own Type", func(t *testing.T) {
		store := tokenstores.NewMemory()
		tokens := strategies.NewGuard("api", strategies.NewBearer(store, p.users, strategies.BearerOptions{}), strategies.GuardOptions{})
		assert.NotPanics(t, func() { strategies.NewGuards(tokens, guard) })
		same := strategies.NewGuard("too", strategies.NewAPIKey(store, p.users, strategies.APIKeyOptions{Type: "api"}), strategies.GuardOptions{})
		assert.Panics(t, func() { strategies.NewGuards(tokens, same) })
	})
}

// No page of another site can make a browser send the header, so the session lets the
// request in.
func TestAPIKeyFromOtherSites(t *testing.T) {
	p := newPostern(strategies.APIKeyOptions{})
	key := p.issue(t, strategies.TokenOptions{})
	sessions := app.NewSessions(sessionstores.NewMemory(), p.users, app.SessionOptions{})
	p.app = app.New().Use(sessions.Layer, app.Identify(p.keys), func(ctx *app.Context, _ app.Handler) error {
		x, err := ctx.Session()
		if err == nil {
			err = x.Set("ring", 1)
		}
		ctx.Status = 204
		return err
	})
	p.app.OnError = func(*app.Context, error) {}
	header := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://mordor.example"}}
	assert.Equal(t, 403, p.do(http.MethodPost, "/", header).Code)
	header.Set("X-API-Key", key.Text())
	assert.Equal(t, 204, p.do(http.MethodPost, "/", header).Code)
}

func TestNewAPIKeyRefusesWhatIsUnsafe(t *testing.T) {
	store, users := tokenstores.NewMemory(), &people{}
	for name, o := range map[string]strategies.APIKeyOptions{
		"a header of pages":            {Header: "content-type"},
		"a header of credentials":      {Header: "Authorization"},
		"the cookies":                  {Header: "Cookie"},
		"a header of the browser":      {Header: "Sec-Fetch-Site"},
		"a header that net/http takes": {Header: "Host"},
		"no name of a header":          {Header: "X API Key"},
		"a header that ends a line":    {Header: "X-Key\r\nX"},
		"a negative expiry":            {Expiry: -2},
		"an expiry of centuries":       {Expiry: 1 << 62},
		"a short idle limit":           {IdleLimit: time.Minute},
		"an idle limit without use":    {IdleLimit: time.Hour, NoTouch: true},
		"a negative timeout":           {Timeout: -1},
		"a type with a separator":      {Type: "a b"},
		"a prefix with a separator":    {Prefix: "a b"},
		"a realm that ends a string":   {Realm: `a"b`},
		"a realm that ends a line":     {Realm: "a\nb"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text, _ := recover().(string)
				assert.True(t, strings.HasPrefix(text, "strategies: "), text)
				assert.NotContains(t, text, "BearerOptions")
			}()
			strategies.NewAPIKey(store, users, o)
		})
	}
	assert.PanicsWithValue(t, "strategies: NewAPIKey needs a store and a Serializer", func() { strategies.NewAPIKey(nil, users, strategies.APIKeyOptions{}) })
	assert.PanicsWithValue(t, "strategies: NewAPIKey needs a store and a Serializer", func() { strategies.NewAPIKey(store, nil, strategies.APIKeyOptions{}) })
}

// A key is shown once; its owner finds it by the name later, and changes it without a
// moment in which neither is good.
func ExampleNewAPIKey() {
	ctx := context.Background()
	keys := strategies.NewAPIKey(tokenstores.NewMemory(), &people{}, strategies.APIKeyOptions{})
	frodo := &hobbit{Name: "frodo"}
	key, err := keys.Issue(ctx, frodo, strategies.TokenOptions{Name: "backup", Scopes: []string{"rings:read"}})
	if err != nil {
		log.Fatal(err)
	}
	a := app.New().Use(app.Authenticate(keys), app.RequireScopes("rings:read"), func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = "hello " + ctx.User().(*hobbit).Name
		return nil
	})
	send := func(text string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-API-Key", text)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	send(key.Text())
	next, err := keys.Rotate(ctx, key.Token, time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	send(key.Text())
	send(next.Text())
	if _, err := keys.Revoke(ctx, frodo, next.ID); err != nil {
		log.Fatal(err)
	}
	send(next.Text())
	// Output:
	// 200 hello frodo
	// 200 hello frodo
	// 200 hello frodo
	// 401 {"errors":[{"title":"Invalid token","status":401}]}
}
