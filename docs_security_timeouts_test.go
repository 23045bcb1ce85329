package kahu_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/throttle"
	"github.com/kahu-go/kahu/tokenstores"
)

var securityOfTimeouts = []claim{
	{"headers of a request | 5 seconds to arrive", func(t *testing.T, d time.Duration) { assert.Equal(t, d, app.New().Server("").ReadHeaderTimeout) }},
	{"whole request | 30 seconds to arrive", func(t *testing.T, d time.Duration) { assert.Equal(t, d, app.New().Server("").ReadTimeout) }},
	{"answer | 60 seconds to be taken", func(t *testing.T, d time.Duration) { assert.Equal(t, d, app.New().Server("").WriteTimeout) }},
	{"connection without a request | 2 minutes idle", func(t *testing.T, d time.Duration) { assert.Equal(t, d, app.New().Server("").IdleTimeout) }},
	{"requests in flight when `App.Run` stops | 20 seconds to finish", stopping},
	{"below `middleware.Standard` | 30 seconds of work", func(t *testing.T, d time.Duration) {
		lasts(t, d, func(t *testing.T) {
			assert.Equal(t, 503, statusOf(t, request(t, "/", ""), middleware.Standard(middleware.StandardOptions{}), func(ctx *app.Context, _ app.Handler) error {
				return &app.Error{Status: http.StatusServiceUnavailable, Cause: silent(ctx.Context())}
			}))
		})
	}},
	{"one question to a store, a Serializer or a counter | 2 seconds", questions},
	{"finished though the client hangs up | 5 seconds for the change", changes},
	{"kept by the browser | 10 minutes; 24 hours at most", preflight},
	{"`Strict-Transport-Security` | 2 years, this host alone", func(t *testing.T, d time.Duration) {
		res := apptest.NewClient(t, app.New().Use(middleware.Headers(middleware.HeadersOptions{}))).Get("/")
		assert.Equal(t, fmt.Sprintf("max-age=%d", d/time.Second), res.Header.Get("Strict-Transport-Security"))
	}},
}

// A pipe is a listener for one connection, of which only the clock of the test knows.
type pipe struct {
	server chan net.Conn
	closed chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.server:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error   { close(p.closed); return nil }
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{} }

func stopping(t *testing.T, d time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		begun, over := make(chan struct{}), make(chan struct{})
		a := app.New().Use(func(*app.Context, app.Handler) error {
			close(begun)
			<-over
			return nil
		})
		ctx, stop := context.WithCancel(t.Context())
		l, served := &pipe{make(chan net.Conn, 1), make(chan struct{})}, make(chan error, 1)
		go func() { served <- a.Serve(ctx, l) }()
		client, server := net.Pipe()
		l.server <- server
		_, err := client.Write([]byte("GET / HTTP/1.1\r\nHost: shire.example\r\n\r\n"))
		require.NoError(t, err)
		<-begun
		stop()
		stopped := time.Now()
		assert.ErrorIs(t, <-served, context.DeadlineExceeded)
		assert.Equal(t, d, time.Since(stopped))
		close(over)
		_ = client.Close()
		synctest.Wait()
	})
}

// What follows does not answer.

type silentSessions struct{ app.SessionStore }

func (silentSessions) Find(ctx context.Context, _ string) (*app.SessionRecord, error) {
	return nil, silent(ctx)
}
func (silentSessions) Insert(ctx context.Context, _, _ string, _ *app.SessionRecord) error {
	return silent(ctx)
}

type silentTokens struct{ tokenstores.Store }

func (silentTokens) Find(ctx context.Context, _, _ string) (*tokenstores.Token, error) {
	return nil, silent(ctx)
}
func (silentTokens) Delete(ctx context.Context, _, _, _ string) (bool, error) {
	return false, silent(ctx)
}

type silentDenials struct{ tokenstores.Denylist }

func (silentDenials) Find(ctx context.Context, _ string, _ ...string) (*tokenstores.Denials, error) {
	return nil, silent(ctx)
}

type silentCounter struct{ throttle.Counter }

func (silentCounter) Add(ctx context.Context, _ string, _ int64, _ time.Time, _ time.Duration) (throttle.Count, error) {
	return throttle.Count{}, silent(ctx)
}

func (silentCounter) TakeBack(context.Context, string, int64, time.Time) error { return nil }

// questions has each kind of options ask somebody who does not answer.
func questions(t *testing.T, d time.Duration) {
	for name, ask := range map[string]func(t *testing.T){
		"SessionOptions":   sessionIsAskedFor,
		"RememberOptions":  cookieIsAskedFor,
		"BearerOptions":    tokenIsAskedFor,
		"APIKeyOptions":    keyIsAskedFor,
		"JWTOptions":       denialIsAskedFor,
		"OneTimeOptions":   mailIsAskedFor,
		"LocalOptions":     attemptIsCounted,
		"ThrottleOptions":  requestIsCounted,
		"accounts Options": mailIsCounted,
	} {
		t.Run(name, func(t *testing.T) { lasts(t, d, ask) })
	}
}

// unanswered checks that a strategy gives up on a credential with 503.
func unanswered(t *testing.T, s app.Strategy, header, value string) {
	t.Helper()
	r := request(t, "/", "")
	r.Header.Set(header, value)
	assert.Equal(t, 503, statusOf(t, r, app.Authenticate(s)))
}

func sessionIsAskedFor(t *testing.T) {
	cookie := sessionCookie(t)
	sessions := app.NewSessions(silentSessions{sessionstores.NewMemory()}, reviewedUsers, app.SessionOptions{})
	r := request(t, "/", "")
	r.Header.Set("Cookie", cookie.Name+"="+cookie.Value)
	assert.Equal(t, 503, statusOf(t, r, sessions.Layer, app.RequireLogin))
}

func cookieIsAskedFor(t *testing.T) {
	cookie := rememberedBy(t).Cookie("__Host-remember")
	unanswered(t, strategies.NewRemember(silentTokens{}, reviewedUsers, strategies.RememberOptions{}), "Cookie", cookie.Name+"="+cookie.Value)
}

func tokenIsAskedFor(t *testing.T) {
	text := apptest.Token(t, bearerWith(strategies.BearerOptions{}), ringbearer, strategies.TokenOptions{})
	unanswered(t, strategies.NewBearer(silentTokens{}, reviewedUsers, strategies.BearerOptions{}), "Authorization", "Bearer "+text)
}

func keyIsAskedFor(t *testing.T) {
	text := apptest.Token(t, keyWith(strategies.APIKeyOptions{}), ringbearer, strategies.TokenOptions{})
	unanswered(t, strategies.NewAPIKey(silentTokens{}, reviewedUsers, strategies.APIKeyOptions{}), "X-API-Key", text)
}

func denialIsAskedFor(t *testing.T) {
	j := jwtWith(t, func(o *strategies.JWTOptions) { o.Refresh.Store = nil })
	text := apptest.JWTPair(t, j, ringbearer, strategies.PairOptions{}).Access()
	unanswered(t, j.With(func(o *strategies.JWTOptions) { o.Denylist = silentDenials{} }), "Authorization", "Bearer "+text)
}

func mailIsAskedFor(t *testing.T) {
	token, err := onceWith(strategies.OneTimeOptions{}).Issue(t.Context(), "frodo", nil)
	require.NoError(t, err)
	_, err = strategies.NewOneTime(silentTokens{}, strategies.OneTimeOptions{Type: "reset"}).Look(t.Context(), token.Text())
	assert.Equal(t, 503, statusIn(err))
}

func attemptIsCounted(t *testing.T) {
	assert.Equal(t, 503, knock(t, door(t, strategies.LocalOptions{Attempts: silentCounter{}}), "frodo", innPassword, ""))
}

func requestIsCounted(t *testing.T) {
	assert.Equal(t, 503, statusOf(t, request(t, "/", ""), middleware.Throttle(silentCounter{}, middleware.ThrottleOptions{Limit: 1})))
}

func mailIsCounted(t *testing.T) {
	x := openInn(t, accounts.Options{Attempts: silentCounter{}})
	assert.Equal(t, 503, statusIn(inRequest(t, func(ctx *app.Context) error { return x.MailReset(ctx, "sam@shire.example") })))
}

// rememberedBy is a client that is remembered.
func rememberedBy(t *testing.T) *apptest.Client {
	t.Helper()
	return loggedIn(t, sessionstores.NewMemory(), app.SessionOptions{Remember: rememberWith(strategies.RememberOptions{})})
}

func changes(t *testing.T, d time.Duration) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	lasts(t, d, func(t *testing.T) {
		sessions := app.NewSessions(silentSessions{sessionstores.NewMemory()}, reviewedUsers, app.SessionOptions{})
		statusOf(t, request(t, "/", "").WithContext(gone), sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
			err := ctx.Login(ringbearer)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			return err
		})
	})
	lasts(t, d, func(t *testing.T) {
		b := strategies.NewBearer(silentTokens{}, reviewedUsers, strategies.BearerOptions{})
		_, err := b.Revoke(gone, ringbearer, "0123456789abcdefghijkl")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func preflight(t *testing.T, usual, longest time.Duration) {
	const shire = "https://shire.example"
	r := request(t, "/", "")
	r.Method = http.MethodOptions
	r.Header.Set("Origin", shire)
	r.Header.Set("Access-Control-Request-Method", "POST")
	res := apptest.NewClient(t, app.New().Use(middleware.CORS(middleware.CORSOptions{Origins: []string{shire}}))).Do(r)
	assert.Equal(t, fmt.Sprint(int(usual/time.Second)), res.Header.Get("Access-Control-Max-Age"))
	most(t, longest, func(d time.Duration) { middleware.CORS(middleware.CORSOptions{Origins: []string{shire}, MaxAge: d}) })
}
