// Package shire is the small application that the tests of this module put into the routers and
// beside the middleware of others. It is served over TLS on loopback.
package shire

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	tokenstest "github.com/kahu-go/kahu/tokenstores/storetest"
)

// A Hobbit is a user.
type Hobbit struct{ Name string }

type hobbits struct{}

func (hobbits) Serialize(_ context.Context, user any) (string, error) {
	if u, ok := user.(*Hobbit); ok {
		return u.Name, nil
	}
	return "", errors.New("no hobbit")
}

func (hobbits) Deserialize(_ context.Context, subject string) (any, error) {
	return &Hobbit{subject}, nil
}

// A Shire has sessions and tokens in memory. Each node that [Shire.Node] makes shares them.
type Shire struct {
	App      *app.App
	Sessions *app.Sessions
	Store    *storetest.Faulty // of the sessions
	Tokens   *tokenstest.Faulty
	Bearer   *strategies.Bearer
	Clock    *apptest.Clock // of both

	mu     sync.Mutex
	errors []error

	requests sync.WaitGroup // that [Shire.Note] has seen begin
	last     End
}

// An End is how a request ended, as a layer outside of everything is told.
type End struct {
	Status  int
	Pattern string
}

// New makes one with nobody in it.
func New() *Shire {
	s := &Shire{
		Store: storetest.NewFaulty(sessionstores.NewMemory()), Tokens: tokenstest.NewFaulty(tokenstores.NewMemory()),
		Clock: apptest.NewClock(time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC)),
	}
	s.Sessions = s.Node()
	s.Bearer = strategies.NewBearer(s.Tokens, hobbits{}, strategies.BearerOptions{NoTouch: true, Clock: s.Clock.Now})
	s.App = app.New()
	s.App.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s.App.OnError = func(_ *app.Context, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.errors = append(s.errors, err)
	}
	return s
}

// Node returns the sessions as another process has them.
func (s *Shire) Node() *app.Sessions { return s.Over(s.Store) }

// Over returns sessions of the same users in another store.
func (s *Shire) Over(store app.SessionStore) *app.Sessions {
	return app.NewSessions(store, hobbits{}, app.SessionOptions{Clock: s.Clock.Now})
}

// Note is a layer that notes how requests end.
func (s *Shire) Note(ctx *app.Context, next app.Handler) error {
	s.requests.Add(1)
	ctx.OnFinish(func() {
		defer s.requests.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.last = End{ctx.Status, ctx.Request.Pattern}
	})
	return next(ctx)
}

// LastEnd is how the last request ended. It waits for that: the client may know the answer before.
func (s *Shire) LastEnd() End {
	s.requests.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Errors are those that the App was told of.
func (s *Shire) Errors() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]error(nil), s.errors...)
}

// Name says who sent the request that a context is of.
func Name(ctx context.Context) string {
	if u, ok := app.UserFrom[*Hobbit](ctx); ok {
		return u.Name
	}
	return "nobody"
}

// Count counts the requests of a session, below an Adapt, a Wrap or a Mount.
func Count(ctx context.Context) (int, error) { return CountIn(app.FromContext(ctx)) }

// CountIn counts the requests of a session.
func CountIn(ctx *app.Context) (n int, err error) {
	session, err := ctx.Session()
	if err != nil {
		return 0, err
	}
	if _, err := session.Get("count", &n); err != nil {
		return 0, err
	}
	return n + 1, session.Set("count", n+1)
}

// Token makes a token of frodo's.
func (s *Shire) Token(t testing.TB) *strategies.IssuedToken {
	t.Helper()
	token, err := s.Bearer.Issue(t.Context(), &Hobbit{"frodo"}, strategies.TokenOptions{})
	require.NoError(t, err)
	return token
}
