package strategies_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// A grove is a migration whose users sail on: with tokens of ours in the same database.
type grove struct {
	*migration
	log    bytes.Buffer
	bearer *strategies.Bearer
	jwt    *strategies.JWT
}

// onEachHarbour runs a test with each system's table in each database.
func onEachHarbour(t *testing.T, test func(t *testing.T, h *grove)) {
	for database, address := range addresses {
		db, trace := sqltrace.Open(t, address(t))
		users := riders(t, db)
		for name := range legacySystems {
			h := newGrove(t, moved(t, db, trace, name, database), users)
			t.Run(name+" in "+database, func(t *testing.T) {
				h.exec(t, "DELETE FROM tokens")
				test(t, h)
			})
		}
	}
}

func newGrove(t *testing.T, m *migration, users app.Serializer) *grove {
	t.Helper()
	h := &grove{migration: m}
	log := slog.New(slog.NewTextHandler(&h.log, nil))
	h.bearer = strategies.NewBearer(tokenstores.NewBun(m.db), users, strategies.BearerOptions{Clock: m.clock.Now, Logger: log})
	h.jwt = strategies.NewJWT(users, strategies.JWTOptions{
		Issuer: "https://havens.example", Audience: "https://havens.example", Keys: harbourKeys(t), Clock: m.clock.Now, Logger: log,
		Refresh: strategies.RefreshOptions{Store: tokenstores.NewBun(m.db)}, Denylist: tokenstores.NewBunDenylist(m.db),
	})
	return h
}

func harbourKeys(t *testing.T) *strategies.JWTKeys {
	t.Helper()
	key, err := strategies.GenerateJWTKey("k1", "ES256")
	require.NoError(t, err)
	keys, err := strategies.NewJWTKeys(key)
	require.NoError(t, err)
	return keys
}

// A passage is what both exchanges give.
type passage struct {
	text   string
	scopes []string
}

// exchanges are both ways to exchange.
func (h *grove) exchanges() map[string]func(context.Context, string, ...strategies.LegacyTokens) (*passage, error) {
	return map[string]func(context.Context, string, ...strategies.LegacyTokens) (*passage, error){
		"Bearer": func(ctx context.Context, text string, legacy ...strategies.LegacyTokens) (*passage, error) {
			t, err := h.bearer.Exchange(ctx, text, strategies.TokenOptions{}, legacy...)
			if err != nil {
				return nil, err
			}
			return &passage{t.Text(), t.Scopes}, nil
		},
		"JWT": func(ctx context.Context, text string, legacy ...strategies.LegacyTokens) (*passage, error) {
			p, err := h.jwt.Exchange(ctx, text, strategies.PairOptions{}, legacy...)
			if err != nil {
				return nil, err
			}
			return &passage{p.Access(), p.Claims.Scopes}, nil
		},
	}
}

// enters reports whether a token of ours proves a request, and whose it is.
func (h *grove) enters(text string) string {
	a := app.New().Use(app.Authenticate(h.bearer, h.jwt), func(ctx *app.Context, _ app.Handler) error {
		ctx.Body = ctx.User().(*rider).Name
		return nil
	})
	w := httptest.NewRecorder()
	a.ServeHTTP(w, bearing(text))
	return fmt.Sprint(w.Code, " ", w.Body)
}

// stored is the one token or device that was stored.
func (h *grove) stored(t *testing.T) (name string, expires time.Time) {
	t.Helper()
	var end int64
	require.NoError(t, h.db.QueryRowContext(t.Context(), "SELECT name, expires FROM tokens").Scan(&name, &end))
	return name, time.UnixMicro(end).UTC()
}

func (h *grove) issued(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, h.db.QueryRowContext(t.Context(), "SELECT count(*) FROM tokens").Scan(&n))
	return n
}

// refill brings the other system's rows back, and removes ours.
func (h *grove) refill(t *testing.T) {
	t.Helper()
	h.trace.Reset()
	h.exec(t, "DELETE FROM tokens")
	h.exec(t, "DELETE FROM "+h.table)
	h.exec(t, legacyTables[h.name][h.database].insert)
}

func assertRefused(t *testing.T, err error, about ...any) {
	t.Helper()
	r, ok := errors.AsType[*app.Rejection](err)
	if assert.True(t, ok, fmt.Sprint(err, about)) {
		assert.Equal(t, [3]any{0, "invalid_token", "Invalid token"}, [3]any{r.Status, r.Code, r.Message})
	}
}

func TestExchangeGivesATokenOfOursForEachOfTheirsOnce(t *testing.T) {
	onEachHarbour(t, func(t *testing.T, h *grove) {
		for name, exchange := range h.exchanges() {
			for _, w := range h.tokens[h.database] {
				h.refill(t)
				before := h.rows(t)
				got, err := exchange(t.Context(), w.text, h.legacy)
				require.NoError(t, err, "%s: %s", name, w.want.Name)
				assert.Equal(t, "200 eowyn", h.enters(got.text))
				stored, expires := h.stored(t)
				assert.Equal(t, w.want.Name, stored)
				assert.Equal(t, before-1, h.rows(t))
				var kept []string // what has no space
				for _, scope := range w.want.Scopes {
					if !strings.Contains(scope, " ") {
						kept = append(kept, scope)
					}
				}
				assert.ElementsMatch(t, kept, got.scopes)
				if !w.want.Expires.IsZero() {
					assert.Equal(t, w.want.Expires, expires, "it does not live longer")
				}
				again, err := exchange(t.Context(), w.text, h.legacy)
				assertRefused(t, err, name)
				assert.Nil(t, again)
				assert.Equal(t, 1, h.issued(t))
			}
		}
	})
}

func TestExchangeSucceedsForOneOfManyCalls(t *testing.T) {
	onEachHarbour(t, func(t *testing.T, h *grove) {
		for name, exchange := range h.exchanges() {
			h.refill(t)
			var won atomic.Int32
			var text atomic.Value
			atOnce(30, func() {
				got, err := exchange(t.Context(), h.good().text, h.legacy)
				if err != nil {
					assertRefused(t, err)
					return
				}
				won.Add(1)
				text.Store(got.text)
			})
			assert.EqualValues(t, 1, won.Load(), name)
			assert.Equal(t, 1, h.issued(t), "what the others were not given is gone")
			assert.Equal(t, "200 eowyn", h.enters(text.Load().(string)))
		}
	})
}

// Whatever statement fails, the client can come again with the token that it has.
func TestExchangeThatFailsLeavesTheOldToken(t *testing.T) {
	fault := errors.New("the disk burns")
	onEachHarbour(t, func(t *testing.T, h *grove) {
		for name, exchange := range h.exchanges() {
			for n := 1; ; n++ {
				h.refill(t)
				before := h.rows(t)
				h.trace.Reset()
				h.trace.Fail(func(c sqltrace.Call) error {
					if c.N == n {
						return fault
					}
					return nil
				})
				_, err := exchange(t.Context(), h.good().text, h.legacy)
				h.trace.Reset()
				if err == nil {
					require.Greater(t, n, 5, "find, load, store, find again, remove")
					break
				}
				assert.Equal(t, before, h.rows(t))
				assertAway(t, err, name, n)
				require.ErrorIs(t, err, fault, n)
				assert.Zero(t, h.issued(t), "%s, statement %d: what nobody has seen is gone", name, n)
				assert.NotContains(t, fmt.Sprintf("%+v", err)+h.log.String(), h.good().text[10:])
				_, err = exchange(t.Context(), h.good().text, h.legacy)
				require.NoError(t, err, "%s, statement %d", name, n)
			}
		}
	})
}

func TestExchangeWhoseTokenCannotBeTakenBackIsReported(t *testing.T) {
	h := newGroveOf(t, "sanctum")
	h.trace.Fail(func(c sqltrace.Call) error {
		if strings.HasPrefix(c.Text, "DELETE") {
			return errors.New("the disk burns")
		}
		return nil
	})
	_, err := h.bearer.Exchange(t.Context(), h.good().text, strategies.TokenOptions{}, h.legacy)
	assertAway(t, err)
	h.trace.Reset()
	assert.Contains(t, h.log.String(), "a token that nobody has was not removed")
	assert.Equal(t, 1, h.issued(t))
	_, err = h.bearer.Exchange(t.Context(), h.good().text, strategies.TokenOptions{}, h.legacy)
	assert.NoError(t, err)
}

// newGroveOf is one system in SQLite.
func newGroveOf(t *testing.T, name string) *grove {
	t.Helper()
	m := newMigration(t, name, "SQLite")
	h := newGrove(t, m, riders(t, m.db))
	m.trace.Reset()
	return h
}

func TestExchangeForAUserWhoIsGone(t *testing.T) {
	h := newGroveOf(t, "adonis")
	h.exec(t, "DELETE FROM riders")
	before := h.rows(t)
	for name, exchange := range h.exchanges() {
		_, err := exchange(t.Context(), h.good().text, h.legacy)
		assertRefused(t, err, name)
	}
	assert.Equal(t, before, h.rows(t))
	assert.Zero(t, h.issued(t))
}

func TestExchangeOfWhatNobodyKnows(t *testing.T) {
	h := newGroveOf(t, "adonis")
	for name, exchange := range h.exchanges() {
		for _, text := range []string{"", "garbage", strings.Repeat("a", 1<<20), "MQ." + strings.Repeat("0", 60), "MQ.\x00"} {
			_, err := exchange(t.Context(), text, h.legacy, h.legacySystem.other(h.db, h.clock.Now))
			assertRefused(t, err, name)
		}
		_, err := exchange(t.Context(), h.good().text)
		require.Error(t, err, "no system to ask is a mistake")
		assert.NotErrorIs(t, err, app.ErrInvalidCredentials)
	}
	assert.Zero(t, h.issued(t))
}

// chest is another system that is no database.
type chest struct {
	found, taken *strategies.LegacyToken
	findErr      error
	takeErr      error
	afterFind    func()
	calls        []string
}

func (c *chest) Find(context.Context, string) (*strategies.LegacyToken, error) {
	c.calls = append(c.calls, "Find")
	if c.afterFind != nil {
		defer c.afterFind()
	}
	return c.found, c.findErr
}

func (c *chest) Take(context.Context, string) (*strategies.LegacyToken, error) {
	c.calls = append(c.calls, "Take")
	return c.taken, c.takeErr
}

func full(t strategies.LegacyToken) *chest {
	taken := t
	return &chest{found: &t, taken: &taken}
}

func (c *chest) RevokeAll(context.Context, string) (int, error) { return 0, nil }

func TestExchangeAsksTheSystemsInTurn(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	empty, first, second := &chest{}, full(strategies.LegacyToken{Subject: "frodo"}), full(strategies.LegacyToken{Subject: "sam"})
	token, err := w.bearer.Exchange(t.Context(), "x", strategies.TokenOptions{}, empty, first, second)
	require.NoError(t, err)
	assert.Equal(t, "frodo", token.Subject)
	assert.Equal(t, [3][]string{{"Find"}, {"Find", "Take"}, nil}, [3][]string{empty.calls, first.calls, second.calls})
	fault := errors.New("the disk burns")
	_, err = w.bearer.Exchange(t.Context(), "x", strategies.TokenOptions{}, &chest{findErr: fault}, second)
	assertAway(t, err)
	assert.ErrorIs(t, err, fault)
	assert.Empty(t, second.calls, "who cannot answer may be the one that has it")
	w.users.err = fault
	_, err = w.bearer.Exchange(t.Context(), "x", strategies.TokenOptions{}, second)
	assertAway(t, err)
	assert.Equal(t, []string{"Find"}, second.calls)
}

func TestExchangeWhoseEndIsNotKnown(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	lost := full(strategies.LegacyToken{Subject: "frodo"})
	lost.takeErr = errors.New("the connection broke")
	_, err := w.bearer.Exchange(t.Context(), "x", strategies.TokenOptions{}, lost)
	assertAway(t, err)
	left, err := w.bearer.List(t.Context(), &hobbit{Name: "frodo"})
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestExchangeWhoseClientHangsUpTakesNothing(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	legacy := full(strategies.LegacyToken{Subject: "frodo"})
	legacy.afterFind = cancel
	_, err := w.bearer.Exchange(ctx, "x", strategies.TokenOptions{}, legacy)
	assertAway(t, err)
	assert.Equal(t, []string{"Find"}, legacy.calls)
	left, err := w.bearer.List(t.Context(), &hobbit{Name: "frodo"})
	require.NoError(t, err)
	assert.Empty(t, left)
}

// Whoever has stolen an old token comes too late when all tokens are revoked, the old ones
// first, even while it is being exchanged.
func TestExchangeWhileEverythingIsRevoked(t *testing.T) {
	onEachHarbour(t, func(t *testing.T, h *grove) {
		for name, exchange := range h.exchanges() {
			for when, legacy := range map[string]strategies.LegacyTokens{
				"before it is taken": &revoker{LegacyTokens: h.legacy, h: h, before: true}, "after it is taken": &revoker{LegacyTokens: h.legacy, h: h},
			} {
				h.refill(t)
				got, err := exchange(t.Context(), h.good().text, legacy)
				if err == nil {
					assert.Equal(t, 401, statusIn(h.enters(got.text)), "%s, %s", name, when)
				}
				assert.Zero(t, h.issued(t), "%s, %s", name, when)
			}
		}
	})
}

func statusIn(answer string) (status int) {
	_, _ = fmt.Sscan(answer, &status)
	return status
}

// A revoker ends all tokens of the user at an inconvenient time.
type revoker struct {
	strategies.LegacyTokens
	h      *grove
	before bool
}

func (r *revoker) Take(ctx context.Context, text string) (*strategies.LegacyToken, error) {
	if r.before {
		r.revoke(ctx)
		return r.LegacyTokens.Take(ctx, text)
	}
	defer r.revoke(ctx)
	return r.LegacyTokens.Take(ctx, text)
}

func (r *revoker) revoke(ctx context.Context) {
	_, err := r.LegacyTokens.RevokeAll(ctx, "7")
	if err == nil {
		_, err = r.h.bearer.RevokeAll(ctx, &rider{ID: 7}, "")
	}
	if err == nil {
		_, err = r.h.jwt.RevokeAll(ctx, &rider{ID: 7}, "")
	}
	if err != nil {
		panic(err)
	}
}

// Between finding and taking the other system may have changed the token.
func TestExchangeOfATokenThatBecameLess(t *testing.T) {
	later := time.Date(3019, 1, 1, 0, 0, 0, 0, time.UTC)
	found := strategies.LegacyToken{Subject: "frodo", Name: "a", Scopes: []string{"x", "y"}, Expires: later}
	for name, test := range map[string]struct {
		change func(*strategies.LegacyToken)
		fails  bool
	}{
		"another's":     {func(l *strategies.LegacyToken) { l.Subject = "sam" }, true},
		"fewer scopes":  {func(l *strategies.LegacyToken) { l.Scopes = []string{"x"} }, true},
		"sooner over":   {func(l *strategies.LegacyToken) { l.Expires = later.Add(-time.Second) }, true},
		"another name":  {func(l *strategies.LegacyToken) { l.Name = "b" }, false},
		"longer":        {func(l *strategies.LegacyToken) { l.Expires = later.Add(time.Second) }, false},
		"without limit": {func(l *strategies.LegacyToken) { l.Expires = time.Time{} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTower(t, strategies.BearerOptions{})
			legacy := full(found)
			test.change(legacy.taken)
			_, err := w.bearer.Exchange(t.Context(), "x", strategies.TokenOptions{}, legacy)
			left, listed := w.bearer.List(t.Context(), &hobbit{Name: "frodo"})
			require.NoError(t, listed)
			if test.fails {
				assertRefused(t, err)
				assert.Empty(t, left)
				return
			}
			assert.NoError(t, err)
			assert.Len(t, left, 1)
		})
	}
	w := newTower(t, strategies.BearerOptions{})
	endless := full(strategies.LegacyToken{Subject: "frodo"})
	endless.taken.Expires = later
	_, err := w.bearer.Exchange(t.Context(), "x", strategies.TokenOptions{}, endless)
	assertRefused(t, err, "it had no end")
}

func TestExchangeLivesNoLonger(t *testing.T) {
	now := time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC) // where the tower's clock begins
	for name, test := range map[string]struct {
		old         time.Duration // 0: for ever
		asked, want time.Duration // 0: for ever
	}{
		"the old one ends first":              {time.Hour, 0, time.Hour},
		"the strategy's ends first":           {1000 * time.Hour, 0, 720 * time.Hour},
		"what was asked for ends first":       {time.Hour, time.Minute, time.Minute},
		"what was asked for is longer":        {time.Hour, 2 * time.Hour, time.Hour},
		"for ever was asked for":              {time.Hour, strategies.Never, time.Hour},
		"the old one was for ever":            {0, 0, 720 * time.Hour},
		"both are for ever":                   {0, strategies.Never, 0},
		"the old one ends in two centuries":   {200 * 365 * 24 * time.Hour, strategies.Never, 100 * 365 * 24 * time.Hour},
		"the old one ends in a second":        {time.Second, 0, time.Second},
		"the old one ends in a fraction more": {time.Second + time.Microsecond, 0, time.Second + time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTower(t, strategies.BearerOptions{})
			old := strategies.LegacyToken{Subject: "frodo"}
			if test.old != 0 {
				old.Expires = now.Add(test.old)
			}
			token, err := w.bearer.Exchange(t.Context(), "x", strategies.TokenOptions{Expiry: test.asked}, full(old))
			require.NoError(t, err)
			var want time.Time
			if test.want != 0 {
				want = now.Add(test.want)
			}
			assert.Equal(t, want, token.Expires)
		})
	}
	for name, rest := range map[string]time.Duration{"a moment": time.Second - time.Microsecond, "nothing": 0, "less than nothing": -time.Hour} {
		w := newTower(t, strategies.BearerOptions{})
		legacy := full(strategies.LegacyToken{Subject: "frodo", Expires: now.Add(rest)})
		_, err := w.bearer.Exchange(t.Context(), "x", strategies.TokenOptions{}, legacy)
		assertRefused(t, err, name)
		assert.ErrorIs(t, err, strategies.ErrTokenExpired, name)
		assert.Equal(t, []string{"Find"}, legacy.calls)
	}
}

// A clock that goes on adds nothing to the life.
func TestExchangeLivesNoLongerThoughTimePasses(t *testing.T) {
	clock := apptest.NewClock(moving)
	ticking := func() time.Time {
		clock.Advance(time.Millisecond)
		return clock.Now()
	}
	end := moving.Add(time.Minute)
	bearer := strategies.NewBearer(tokenstores.NewMemory(), &people{}, strategies.BearerOptions{Clock: ticking})
	token, err := bearer.Exchange(t.Context(), "x", strategies.TokenOptions{}, full(strategies.LegacyToken{Subject: "frodo", Expires: end}))
	require.NoError(t, err)
	assert.Equal(t, end, token.Expires)
	for name, refresh := range map[string]strategies.RefreshOptions{"a device": {Store: tokenstores.NewMemory()}, "an access token alone": {}} {
		t.Run(name, func(t *testing.T) {
			end := clock.Now().Add(time.Minute)
			jwt := strategies.NewJWT(&people{}, strategies.JWTOptions{
				Issuer: "https://havens.example", Audience: "https://havens.example", Keys: harbourKeys(t), Clock: ticking,
				Refresh: refresh, Denylist: tokenstores.NewMemoryDenylist(),
			})
			pair, err := jwt.Exchange(t.Context(), "x", strategies.PairOptions{}, full(strategies.LegacyToken{Subject: "frodo", Expires: end}))
			require.NoError(t, err)
			assert.False(t, pair.Claims.Expires.After(end))
			assert.True(t, pair.Claims.Expires.After(end.Add(-2*time.Second)))
			devices, err := jwt.Devices(t.Context(), &hobbit{Name: "frodo"})
			require.NoError(t, err)
			if refresh.Store != nil {
				require.Len(t, devices, 1)
				assert.Equal(t, end, devices[0].Expires)
			}
		})
	}
}

func TestExchangeKeepsNameAndScopes(t *testing.T) {
	all, none := []string{"*"}, []string{}
	for name, test := range map[string]struct {
		old  strategies.LegacyToken
		o    strategies.TokenOptions
		name string
		want []string
	}{
		"as they were":                       {strategies.LegacyToken{Name: "phone", Scopes: []string{"a", "b"}}, strategies.TokenOptions{}, "phone", []string{"a", "b"}},
		"another name":                       {strategies.LegacyToken{Name: "phone"}, strategies.TokenOptions{Name: "moved"}, "moved", nil},
		"no more than asked for":             {strategies.LegacyToken{Scopes: []string{"a", "b"}}, strategies.TokenOptions{Scopes: []string{"b", "c"}}, "", []string{"b"}},
		"no more than it had":                {strategies.LegacyToken{Scopes: []string{"a"}}, strategies.TokenOptions{Scopes: all}, "", []string{"a"}},
		"nothing of nothing":                 {strategies.LegacyToken{}, strategies.TokenOptions{Scopes: all}, "", nil},
		"something of everything":            {strategies.LegacyToken{Scopes: all}, strategies.TokenOptions{Scopes: []string{"a"}}, "", []string{"a"}},
		"everything":                         {strategies.LegacyToken{Scopes: all}, strategies.TokenOptions{}, "", all},
		"nothing asked for":                  {strategies.LegacyToken{Scopes: all}, strategies.TokenOptions{Scopes: none}, "", nil},
		"nothing asked of something":         {strategies.LegacyToken{Scopes: []string{"a"}}, strategies.TokenOptions{Scopes: none}, "", nil},
		"what can be a scope":                {strategies.LegacyToken{Scopes: []string{"edit posts", "a", "", "é", `"`, strings.Repeat("x", 101)}}, strategies.TokenOptions{}, "", []string{"a"}},
		"what can be in a name":              {strategies.LegacyToken{Name: "a\x00b\nc\xff" + strings.Repeat("é", 200)}, strategies.TokenOptions{}, "abc" + strings.Repeat("é", 98), nil},
		"a name that says everything twice":  {strategies.LegacyToken{Name: strings.Repeat("x", 200)}, strategies.TokenOptions{}, strings.Repeat("x", 200), nil},
		"everything beside something":        {strategies.LegacyToken{Scopes: []string{"a", "*"}}, strategies.TokenOptions{Scopes: []string{"b"}}, "", []string{"b"}},
		"something beside everything is all": {strategies.LegacyToken{Scopes: []string{"a", "*"}}, strategies.TokenOptions{}, "", []string{"a", "*"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTower(t, strategies.BearerOptions{})
			test.old.Subject = "frodo"
			token, err := w.bearer.Exchange(t.Context(), "x", test.o, full(test.old))
			require.NoError(t, err)
			assert.Equal(t, test.name, token.Name)
			if len(test.want) == 0 {
				assert.Empty(t, token.Scopes)
				return
			}
			assert.Equal(t, test.want, token.Scopes)
		})
	}
}

func TestExchangeWithOptionsThatCannotBeKept(t *testing.T) {
	w := newTower(t, strategies.BearerOptions{})
	many := strategies.LegacyToken{Subject: "frodo"}
	for i := range 101 {
		many.Scopes = append(many.Scopes, fmt.Sprint("s", i))
	}
	for name, test := range map[string]struct {
		old strategies.LegacyToken
		o   strategies.TokenOptions
	}{
		"a scope with a space": {strategies.LegacyToken{Subject: "frodo"}, strategies.TokenOptions{Scopes: []string{"a b"}}},
		"a name with a NUL":    {strategies.LegacyToken{Subject: "frodo"}, strategies.TokenOptions{Name: "\x00"}},
		"a negative expiry":    {strategies.LegacyToken{Subject: "frodo", Expires: time.Date(3019, 1, 1, 0, 0, 0, 0, time.UTC)}, strategies.TokenOptions{Expiry: -2}},
		"too many scopes":      {many, strategies.TokenOptions{}},
	} {
		legacy := full(test.old)
		_, err := w.bearer.Exchange(t.Context(), "x", test.o, legacy)
		assert.ErrorIs(t, err, strategies.ErrTokenOptions, name)
		assert.Equal(t, []string{"Find"}, legacy.calls, name)
	}
	assert.Empty(t, w.calls())
}

// An issuer that knows no way to end a token gives it to nobody.
func TestExchangeOfTokensThatCannotBeEnded(t *testing.T) {
	var log bytes.Buffer
	jwt := strategies.NewJWT(&people{}, strategies.JWTOptions{
		Issuer: "https://havens.example", Audience: "https://havens.example", Keys: harbourKeys(t), InsecureIrrevocable: true,
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	gone := full(strategies.LegacyToken{Subject: "frodo"})
	gone.taken = nil
	pair, err := jwt.Exchange(t.Context(), "x", strategies.PairOptions{}, gone)
	assertRefused(t, err)
	assert.Nil(t, pair)
	assert.Empty(t, log.String())
}

var _ strategies.LegacyDatabase = bun.Tx{}

// In a transaction of the application nothing is taken if it is not committed.
func TestLegacyTokensInATransaction(t *testing.T) {
	for database := range addresses {
		t.Run(database, func(t *testing.T) {
			m := newMigration(t, "adonis", database)
			before := m.rows(t)
			back := errors.New("go back")
			err := m.db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
				got, err := m.open(tx, m.clock.Now).Take(ctx, m.good().text)
				require.NoError(t, err)
				require.NotNil(t, got)
				return back
			})
			require.ErrorIs(t, err, back)
			assert.Equal(t, before, m.rows(t))
		})
	}
}
