package peer

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/interop/internal/shire"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/router"
)

// A LongLived is a sort of answer that goes on: /session has it behind a session, /token behind a token.
type LongLived struct {
	// Answer goes on while its user is logged in, which is looked at so often.
	Answer func(every time.Duration) app.Handler

	// Open opens one, and the client's side of it.
	Open func(t *testing.T, v *shire.Visitor, path string, header ...string) Line
}

// A Line is the client's side.
type Line interface {
	Talk(t *testing.T)       // has one message come
	Over(t *testing.T) error // waits until the server has ended it as it should, or says how it did
	Hang()                   // hangs up
}

const (
	soon  = 5 * time.Millisecond
	never = time.Hour
)

// serve is an application with the answer, in the stack that one would choose, but for the time that a
// request may take.
func (l *LongLived) serve(t *testing.T, every time.Duration) (*shire.Shire, *shire.Visitor) {
	s := shire.New()
	r := router.New()
	r.Open().Post("/login", func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Login(&shire.Hobbit{Name: "frodo"})
	})
	r.Open().Post("/logout", func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Logout()
	})
	r.Guard(app.RequireLogin).Get("/session", l.Answer(every))
	r.Guard(app.Authenticate(s.Bearer)).Get("/token", l.Answer(every))
	quiet := middleware.RequestLogOptions{Logger: slog.New(slog.DiscardHandler)}
	standard := middleware.Standard(middleware.StandardOptions{
		RequestLog: quiet, Replace: map[middleware.Place]app.Middleware{middleware.PlaceTimeout: nil},
	})
	s.App.Use(s.Note, standard, s.Sessions.Layer, r.Layer)
	return s, shire.Serve(t, s.App)
}

// RunLongLived holds such an answer to it that it ends with what has opened it.
func RunLongLived(t *testing.T, l LongLived) {
	frodo := &shire.Hobbit{Name: "frodo"}
	ends := map[string]func(t *testing.T, s *shire.Shire, v *shire.Visitor){
		"a logout from another node": func(t *testing.T, s *shire.Shire, _ *shire.Visitor) {
			n, err := s.Node().LogoutAll(t.Context(), frodo)
			require.NoError(t, err)
			assert.Equal(t, 1, n)
		},
		"a logout in another tab": func(t *testing.T, _ *shire.Shire, v *shire.Visitor) {
			require.Equal(t, 204, v.Do("POST", "/logout").Status)
		},
		"the session's expiry":     func(_ *testing.T, s *shire.Shire, _ *shire.Visitor) { s.Clock.Advance(12 * time.Hour) },
		"the third fault in a row": func(_ *testing.T, s *shire.Shire, _ *shire.Visitor) { s.Store.Fail("Find") },
		"a login in another tab":   func(_ *testing.T, _ *shire.Shire, v *shire.Visitor) { v.Login() },
	}
	for name, end := range ends {
		t.Run("a session's ends with "+name, func(t *testing.T) {
			s, v := l.serve(t, soon)
			line := l.Open(t, v.Login(), "/session")
			line.Talk(t)
			end(t, s, v)
			assert.NoError(t, line.Over(t))
			s.LastEnd()
		})
	}
	for name, end := range map[string]func(t *testing.T, s *shire.Shire){
		"its revocation": func(t *testing.T, s *shire.Shire) {
			n, err := s.Bearer.RevokeAll(t.Context(), frodo, "")
			require.NoError(t, err)
			assert.Equal(t, 1, n)
		},
		"its expiry":               func(_ *testing.T, s *shire.Shire) { s.Clock.Advance(30 * 24 * time.Hour) },
		"the third fault in a row": func(_ *testing.T, s *shire.Shire) { s.Tokens.Fail("Find") },
	} {
		t.Run("a token's ends with "+name, func(t *testing.T) {
			s, v := l.serve(t, soon)
			line := l.Open(t, v, "/token", "Authorization", "Bearer "+s.Token(t).Text())
			line.Talk(t)
			end(t, s)
			assert.NoError(t, line.Over(t))
			s.LastEnd()
		})
	}
	t.Run("it goes on while it may", func(t *testing.T) { l.goesOn(t) })
	t.Run("it ends when the client hangs up", func(t *testing.T) {
		s, v := l.serve(t, never)
		line := l.Open(t, v.Login(), "/session")
		line.Talk(t)
		line.Hang()
		s.LastEnd()
	})
	t.Run("it is not opened for who is not let in", func(t *testing.T) {
		_, v := l.serve(t, never)
		assert.Equal(t, 401, v.Get("/session").Status)
		assert.Equal(t, 401, v.Get("/token").Status)
		assert.Equal(t, 401, v.Do("GET", "/token", "Authorization", "Bearer kahu_forged").Status)
	})
}

// goesOn looks at what it costs: nothing for a message, one question for each look.
func (l *LongLived) goesOn(t *testing.T) {
	for path, calls := range map[string]func(s *shire.Shire) int{
		"/session": func(s *shire.Shire) int { return len(s.Store.Calls()) },
		"/token":   func(s *shire.Shire) int { return len(s.Tokens.Calls()) },
	} {
		t.Run("without a question for a message of "+path, func(t *testing.T) {
			s, v := l.serve(t, never)
			line := l.Open(t, v.Login(), path, "Authorization", "Bearer "+s.Token(t).Text())
			before := calls(s)
			for range 100 {
				line.Talk(t)
			}
			assert.Equal(t, before, calls(s))
			line.Hang()
			s.LastEnd()
		})
		t.Run("though it is looked at, of "+path, func(t *testing.T) {
			s, v := l.serve(t, soon)
			line := l.Open(t, v.Login(), path, "Authorization", "Bearer "+s.Token(t).Text())
			before := calls(s)
			require.Eventually(t, func() bool { return calls(s) > before+3 }, time.Minute, time.Millisecond)
			line.Talk(t)
			line.Hang()
			s.LastEnd()
		})
	}
}

// Patience is a context for what happens soon.
func Patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
