package strategies_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

// A mailbox is one-time tokens over a store that can fail.
type mailbox struct {
	store *tokenstest.Faulty
	clock *apptest.Clock
	log   bytes.Buffer
	once  *strategies.OneTime
}

func newMailbox(t *testing.T, o strategies.OneTimeOptions) *mailbox {
	t.Helper()
	m := &mailbox{store: tokenstest.NewFaulty(tokenstores.NewMemory()), clock: apptest.NewClock(time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC))}
	if o.Type == "" {
		o.Type = "reset"
	}
	o.Clock, o.Logger = m.clock.Now, slog.New(slog.NewTextHandler(&m.log, nil))
	m.once = strategies.NewOneTime(m.store, o)
	return m
}

func (m *mailbox) issue(t *testing.T, meta map[string]any) *strategies.OneTimeToken {
	t.Helper()
	token, err := m.once.Issue(t.Context(), "frodo", meta)
	require.NoError(t, err)
	return token
}

// assertUnusable asserts the one answer to every text that is worth nothing.
func assertUnusable(t *testing.T, err error, about ...any) {
	t.Helper()
	r, ok := errors.AsType[*app.Rejection](err)
	if assert.True(t, ok, fmt.Sprint(err, about)) {
		assert.Equal(t, [3]any{422, "invalid_token", "Invalid token"}, [3]any{r.Status, r.Code, r.Message})
		assert.Error(t, r.Cause)
	}
}

func assertAway(t *testing.T, err error, about ...any) {
	t.Helper()
	e, ok := errors.AsType[*app.Error](err)
	if assert.True(t, ok, fmt.Sprint(err, about)) {
		assert.Equal(t, 503, e.Status)
	}
	assert.NotErrorIs(t, err, app.ErrInvalidCredentials)
}

func TestOneTimeTokenIsGoodForOneUse(t *testing.T) {
	m := newMailbox(t, strategies.OneTimeOptions{})
	sent := m.issue(t, map[string]any{"email": "frodo@shire.example"})
	assert.True(t, strings.HasPrefix(sent.Text(), "kahu_once_"))
	for range 3 {
		seen, err := m.once.Look(t.Context(), sent.Text())
		require.NoError(t, err, "looking uses nothing up")
		assert.Equal(t, "frodo", seen.Subject)
	}
	taken, err := m.once.Take(t.Context(), sent.Text())
	require.NoError(t, err)
	assert.Equal(t, "frodo", taken.Subject)
	assert.JSONEq(t, `"frodo@shire.example"`, string(taken.Meta["email"]))
	for name, call := range map[string]func(context.Context, string) (*tokenstores.Token, error){"Take": m.once.Take, "Look": m.once.Look} {
		again, err := call(t.Context(), sent.Text())
		assertUnusable(t, err, name)
		assert.Nil(t, again)
	}
}

func TestOneTimeTokenIsTakenByOneOfManyCalls(t *testing.T) {
	stores := map[string]func(*testing.T) tokenstores.Store{
		"memory": func(*testing.T) tokenstores.Store { return tokenstores.NewMemory() },
		"Redis": func(t *testing.T) tokenstores.Store {
			o, err := redis.ParseURL(redistest.URL(t))
			require.NoError(t, err)
			c := redis.NewClient(o)
			t.Cleanup(func() { _ = c.Close() })
			return tokenstores.NewRedis(c)
		},
	}
	for name, address := range addresses {
		stores[name] = func(t *testing.T) tokenstores.Store {
			db, err := database.Open(address(t))
			require.NoError(t, err)
			t.Cleanup(func() { _ = db.Close() })
			require.NoError(t, tokenstores.Migrate(t.Context(), db))
			return tokenstores.NewBun(db)
		}
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			once := strategies.NewOneTime(open(t), strategies.OneTimeOptions{Type: "reset"})
			sent, err := once.Issue(t.Context(), "frodo", nil)
			require.NoError(t, err)
			var won atomic.Int32
			atOnce(50, func() {
				switch _, err := once.Take(t.Context(), sent.Text()); {
				case err == nil:
					won.Add(1)
				default:
					assertUnusable(t, err)
				}
			})
			assert.EqualValues(t, 1, won.Load())
		})
	}
}

// atOnce makes n calls that begin together.
func atOnce(n int, call func()) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for range n {
		done.Go(func() {
			ready.Done()
			<-start
			call()
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

func TestOneTimeTokenExpires(t *testing.T) {
	for name, test := range map[string]struct {
		option, lives time.Duration
	}{"after an hour": {0, time.Hour}, "after a second": {time.Second, time.Second}, "after 30 days": {720 * time.Hour, 720 * time.Hour}} {
		t.Run(name, func(t *testing.T) {
			m := newMailbox(t, strategies.OneTimeOptions{Expiry: test.option})
			early, late := m.issue(t, nil), m.issue(t, nil)
			m.clock.Advance(test.lives - time.Microsecond)
			_, err := m.once.Take(t.Context(), early.Text())
			require.NoError(t, err)
			m.clock.Advance(time.Microsecond)
			_, err = m.once.Look(t.Context(), late.Text())
			assertUnusable(t, err)
			assert.ErrorIs(t, err, strategies.ErrTokenExpired)
			_, err = m.once.Take(t.Context(), late.Text())
			assertUnusable(t, err)
			assert.ErrorIs(t, err, strategies.ErrTokenExpired)
			n, err := m.once.Prune(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 1, n)
		})
	}
}

func TestOneTimeTextsThatAreNone(t *testing.T) {
	m := newMailbox(t, strategies.OneTimeOptions{Prefix: "kahu_"})
	good, other := m.issue(t, nil).Text(), m.issue(t, nil).Text()
	id, secret, otherSecret := good[5:27], good[27:70], other[27:70]
	for name, test := range map[string]struct {
		text  string
		asked bool
	}{
		"nothing":              {"", false},
		"garbage":              {"frodo", false},
		"a NUL":                {good[:30] + "\x00" + good[31:], false},
		"no UTF-8":             {good[:30] + "\xff" + good[31:], false},
		"SQL":                  {"kahu_' OR 1=1 --", false},
		"a million characters": {"kahu_" + strings.Repeat("a", 1<<20), false},
		"a typing error":       {good[:40] + flipped(good[40:41]) + good[41:], false},
		"white space":          {good + "\n", false},
		"another case":         {strings.ToUpper(good), false},
		"no prefix":            {good[5:], false},
		"another prefix":       {"kahu_once_" + good[5:], false},
		"an unknown id":        {resummed("kahu_" + strings.Repeat("7", 22) + secret), true},
		"another's secret":     {resummed("kahu_" + id + otherSecret), true},
		"a guessed secret":     {resummed("kahu_" + id + strings.Repeat("0", 43)), true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, call := range []func(context.Context, string) (*tokenstores.Token, error){m.once.Look, m.once.Take} {
				before := len(m.store.Calls())
				_, err := call(t.Context(), test.text)
				assertUnusable(t, err)
				if asked := m.store.Calls()[before:]; test.asked {
					assert.Equal(t, []string{"Find"}, asked, "nothing is removed")
				} else {
					assert.Empty(t, asked)
				}
				assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), secret)
			}
		})
	}
	for _, text := range []string{good, other} {
		_, err := m.once.Take(t.Context(), text)
		assert.NoError(t, err, "what was forged removed nothing")
	}
}

// A token of one purpose is none for another, also where everything else is the same.
func TestOneTimeTypesAreApart(t *testing.T) {
	store := tokenstores.NewMemory()
	reset := strategies.NewOneTime(store, strategies.OneTimeOptions{Type: "reset", Prefix: "kahu_"})
	verify := strategies.NewOneTime(store, strategies.OneTimeOptions{Type: "verify", Prefix: "kahu_"})
	bearer := strategies.NewBearer(store, &people{}, strategies.BearerOptions{Type: "reset"})
	api, err := bearer.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.TokenOptions{})
	require.NoError(t, err)
	mail, err := verify.Issue(t.Context(), "frodo", nil)
	require.NoError(t, err)
	for name, text := range map[string]string{"of another type": mail.Text(), "of an API": api.Text()} {
		_, err = reset.Take(t.Context(), text)
		assertUnusable(t, err, name)
	}
	n, err := reset.RevokeAll(t.Context(), "frodo")
	require.NoError(t, err)
	assert.Zero(t, n, "nor does it end them")
	w := httptest.NewRecorder()
	a := app.New().Use(app.Authenticate(strategies.NewBearer(store, &people{}, strategies.BearerOptions{Type: "verify"})), fineLayer)
	a.ServeHTTP(w, bearing(mail.Text()))
	assert.Equal(t, 401, w.Code, "what came by mail proves no request")
	_, err = verify.Take(t.Context(), mail.Text())
	assert.NoError(t, err)
}

func fineLayer(ctx *app.Context, _ app.Handler) error { return fine(ctx) }

func TestOneTimeRevokeAllEndsTheSubjectsTokens(t *testing.T) {
	m := newMailbox(t, strategies.OneTimeOptions{})
	one, two := m.issue(t, nil), m.issue(t, nil)
	sams, err := m.once.Issue(t.Context(), "sam", nil)
	require.NoError(t, err)
	n, err := m.once.RevokeAll(t.Context(), "frodo")
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	for _, token := range []*strategies.OneTimeToken{one, two} {
		_, err = m.once.Take(t.Context(), token.Text())
		assertUnusable(t, err)
	}
	_, err = m.once.Take(t.Context(), sams.Text())
	assert.NoError(t, err)
}

func TestOneTimeTokenIsNeitherStoredNorPrinted(t *testing.T) {
	for name, keys := range map[string]*strategies.TokenKeys{"hash": nil, "MAC": mustKeys(t)} {
		t.Run(name, func(t *testing.T) {
			db, err := database.Open(addresses["SQLite"](t))
			require.NoError(t, err)
			t.Cleanup(func() { _ = db.Close() })
			require.NoError(t, tokenstores.Migrate(t.Context(), db))
			once := strategies.NewOneTime(tokenstores.NewBun(db), strategies.OneTimeOptions{Type: "reset", Keys: keys})
			token, err := once.Issue(t.Context(), "frodo", nil)
			require.NoError(t, err)
			secret := strings.TrimPrefix(token.Text(), "kahu_once_")[22:65]
			var rows []map[string]any
			require.NoError(t, db.NewSelect().Table("tokens").Scan(t.Context(), &rows))
			require.Len(t, rows, 1)
			assert.NotContains(t, fmt.Sprint(rows), secret)
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("sent", "token", token)
			encoded, err := json.Marshal(map[string]any{"token": token})
			require.NoError(t, err)
			for what, text := range map[string]string{"log": log.String(), "JSON": string(encoded), "fmt": fmt.Sprintf("%v %+v %#v %s %q", token, token, token, token, []any{token})} {
				assert.NotContains(t, text, secret, what)
				assert.Contains(t, text, token.ID, what)
			}
			_, err = once.Take(t.Context(), token.Text())
			assert.NoError(t, err)
		})
	}
}

func mustKeys(t *testing.T) *strategies.TokenKeys {
	t.Helper()
	keys, err := strategies.NewTokenKeys(strategies.TokenKey{ID: "a", Secret: []byte(strings.Repeat("s", 32))})
	require.NoError(t, err)
	return keys
}

func TestOneTimeFaultsAreNoRejections(t *testing.T) {
	m := newMailbox(t, strategies.OneTimeOptions{})
	token := m.issue(t, nil)
	m.store.Fail()
	for name, call := range map[string]func() error{
		"Issue":     func() error { _, err := m.once.Issue(t.Context(), "frodo", nil); return err },
		"Look":      func() error { _, err := m.once.Look(t.Context(), token.Text()); return err },
		"Take":      func() error { _, err := m.once.Take(t.Context(), token.Text()); return err },
		"RevokeAll": func() error { _, err := m.once.RevokeAll(t.Context(), "frodo"); return err },
	} {
		err := call()
		assertAway(t, err, name)
		assert.ErrorIs(t, err, tokenstest.ErrFault, name)
	}
	_, err := m.once.Prune(t.Context())
	assert.ErrorIs(t, err, tokenstest.ErrFault)
	m.store.Heal()
	m.store.Fail("Delete")
	_, err = m.once.Take(t.Context(), token.Text())
	assertAway(t, err)
	m.store.Heal()
	_, err = m.once.Look(t.Context(), token.Text())
	require.NoError(t, err, "what was not removed is there")
	m.store.LoseAnswers()
	m.store.Fail("Delete")
	_, err = m.once.Take(t.Context(), token.Text())
	assertAway(t, err)
	m.store.Heal()
	_, err = m.once.Take(t.Context(), token.Text())
	assertUnusable(t, err, "never twice, though nobody has used it")
}

func TestOneTimeTokenIsTakenThoughTheClientHangsUp(t *testing.T) {
	m := newMailbox(t, strategies.OneTimeOptions{})
	token := m.issue(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	once := strategies.NewOneTime(hangingUp{m.store, cancel}, strategies.OneTimeOptions{Type: "reset", Clock: m.clock.Now})
	_, err := once.Take(ctx, token.Text())
	require.NoError(t, err)
	require.Error(t, ctx.Err())
	_, err = m.once.Look(t.Context(), token.Text())
	assertUnusable(t, err)
}

// hangingUp is a store whose client goes away after Find.
type hangingUp struct {
	tokenstores.Store
	cancel context.CancelFunc
}

func (h hangingUp) Find(ctx context.Context, typ, id string) (*tokenstores.Token, error) {
	defer h.cancel()
	return h.Store.Find(ctx, typ, id)
}

func TestOneTimeDamagedRowIsReported(t *testing.T) {
	m := newMailbox(t, strategies.OneTimeOptions{})
	token := m.issue(t, nil)
	once := strategies.NewOneTime(damaged{m.store}, strategies.OneTimeOptions{Type: "reset", Logger: slog.New(slog.NewTextHandler(&m.log, nil))})
	_, err := once.Take(t.Context(), token.Text())
	assertUnusable(t, err)
	assert.Contains(t, m.log.String(), "a stored token cannot be read")
}

type damaged struct{ tokenstores.Store }

func (damaged) Find(context.Context, string, string) (*tokenstores.Token, error) {
	return nil, tokenstores.ErrTokenDamaged
}

func TestOneTimeTokensThatCannotBeKept(t *testing.T) {
	m := newMailbox(t, strategies.OneTimeOptions{})
	for name, test := range map[string]struct {
		subject string
		meta    map[string]any
	}{
		"nobody's": {"", nil}, "a NUL in meta": {"frodo", map[string]any{"a\x00": 1}},
		"what is no JSON": {"frodo", map[string]any{"a": func() {}}}, "much meta": {"frodo", map[string]any{"a": strings.Repeat("x", 20<<10)}},
	} {
		_, err := m.once.Issue(t.Context(), test.subject, test.meta)
		assert.ErrorIs(t, err, strategies.ErrTokenOptions, name)
	}
	assert.Empty(t, m.store.Calls())
}

func TestOneTimeOptionsThatCannotBeUsed(t *testing.T) {
	store := tokenstores.NewMemory()
	for name, o := range map[string]strategies.OneTimeOptions{
		"no type": {}, "a type with a space": {Type: "a b"}, "a long type": {Type: strings.Repeat("a", 65)}, "a prefix with a slash": {Type: "reset", Prefix: "a/"},
		"a long prefix": {Type: "reset", Prefix: strings.Repeat("a", 33)}, "a negative expiry": {Type: "reset", Expiry: -1},
		"no time": {Type: "reset", Expiry: time.Millisecond}, "for ever": {Type: "reset", Expiry: strategies.Never},
		"31 days": {Type: "reset", Expiry: 31 * 24 * time.Hour}, "a negative timeout": {Type: "reset", Timeout: -1},
	} {
		t.Run(name, func(t *testing.T) { assert.Panics(t, func() { strategies.NewOneTime(store, o) }) })
	}
	assert.PanicsWithValue(t, "strategies: NewOneTime needs a store", func() { strategies.NewOneTime(nil, strategies.OneTimeOptions{Type: "reset"}) })
	assert.Panics(t, func() { strategies.NewOneTime((*tokenstores.Memory)(nil), strategies.OneTimeOptions{Type: "reset"}) })
}

func TestOneTimePruneEveryReportsFaultsAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMailbox(t, strategies.OneTimeOptions{})
		m.issue(t, nil)
		m.clock.Advance(time.Hour)
		m.store.FailCall(1)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); m.once.PruneEvery(ctx, time.Minute) }()
		time.Sleep(4 * time.Minute) // of the bubble's clock
		cancel()
		<-ended
		assert.Contains(t, m.log.String(), "expired tokens were not removed")
		left, err := m.store.List(t.Context(), "once.reset", "frodo")
		require.NoError(t, err)
		assert.Empty(t, left)
	})
}
