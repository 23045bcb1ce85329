// Package websocket_test has WebSockets behind our guards.
package websocket_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/interop/internal/peer"
	"github.com/kahu-go/kahu/interop/internal/shire"
	"github.com/kahu-go/kahu/router"
)

// palantir repeats what it is told, while its user is logged in.
func palantir(every time.Duration, o *websocket.AcceptOptions) app.Handler {
	return func(ctx *app.Context) error {
		open, cancel, err := ctx.WhileLoggedIn(every)
		if err != nil {
			return err
		}
		defer cancel()
		conn, err := websocket.Accept(ctx.Writer(), ctx.Request, o)
		if err != nil {
			return nil // it is answered
		}
		defer func() { _ = conn.CloseNow() }()
		defer context.AfterFunc(open, func() { _ = conn.Close(websocket.StatusPolicyViolation, "logged out") })()
		for {
			kind, message, err := conn.Read(ctx.Context())
			if err != nil {
				return nil // it is over
			}
			if err := conn.Write(ctx.Context(), kind, message); err != nil {
				return nil
			}
		}
	}
}

type line struct{ conn *websocket.Conn }

func dial(t *testing.T, v *shire.Visitor, path string, headers ...string) (*websocket.Conn, *http.Response, error) {
	o := &websocket.DialOptions{HTTPClient: v.Client, HTTPHeader: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		o.HTTPHeader.Set(headers[i], headers[i+1])
	}
	return websocket.Dial(peer.Patience(t), v.URL+path, o)
}

func open(t *testing.T, v *shire.Visitor, path string, headers ...string) peer.Line {
	conn, _, err := dial(t, v, path, headers...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return line{conn}
}

func (l line) Talk(t *testing.T) {
	ctx := peer.Patience(t)
	require.NoError(t, l.conn.Write(ctx, websocket.MessageText, []byte("I see you")))
	_, message, err := l.conn.Read(ctx)
	require.NoError(t, err)
	assert.Equal(t, "I see you", string(message))
}

func (l line) Over(t *testing.T) error {
	_, _, err := l.conn.Read(peer.Patience(t))
	if code := websocket.CloseStatus(err); code != websocket.StatusPolicyViolation {
		return fmt.Errorf("closed with %v: %w", code, err)
	}
	return nil
}

func (l line) Hang() { _ = l.conn.CloseNow() }

func TestWebSocket(t *testing.T) {
	peer.RunLongLived(t, peer.LongLived{
		Answer: func(every time.Duration) app.Handler { return palantir(every, nil) },
		Open:   open,
	})
}

// serve has a palantir that looks at no origin itself.
func serve(t *testing.T) (*shire.Shire, *shire.Visitor) {
	s, r := shire.New(), router.New()
	r.Open().Post("/login", func(ctx *app.Context) error {
		ctx.Status = 204
		return ctx.Login(&shire.Hobbit{Name: "frodo"})
	})
	r.Guard(app.RequireLogin).Get("/careless", palantir(time.Hour, &websocket.AcceptOptions{InsecureSkipVerify: true}))
	r.Guard(app.Authenticate(s.Bearer)).Get("/token", palantir(time.Hour, &websocket.AcceptOptions{InsecureSkipVerify: true}))
	r.Guard(app.RequireLogin).Get("/counted", func(ctx *app.Context) error {
		if _, err := shire.CountIn(ctx); err != nil {
			return err
		}
		return palantir(time.Hour, nil)(ctx)
	})
	s.App.Use(s.Note, s.Sessions.Layer, r.Layer)
	return s, shire.Serve(t, s.App)
}

// A page of another site can open a WebSocket with the user's cookie, and CORS does not keep it from that.
func TestOpeningFromAnotherSite(t *testing.T) {
	s, v := serve(t)
	v.Login()
	token := "Bearer " + s.Token(t).Text()
	for name, c := range map[string]struct {
		path, origin string
		status       int
	}{
		"by our own page":                       {"/careless", v.URL, 101},
		"by a program without a page":           {"/careless", "", 101},
		"by a page of another site":             {"/careless", "https://mordor.example", 403},
		"by a page of another port":             {"/careless", "https://127.0.0.1:1", 403},
		"by a sandboxed page":                   {"/careless", "null", 403},
		"with a token, which no page can steal": {"/token", "https://mordor.example", 101},
	} {
		t.Run(name, func(t *testing.T) {
			headers := []string{"Authorization", token}
			if c.origin != "" {
				headers = append(headers, "Origin", c.origin)
			}
			conn, res, err := dial(t, v, c.path, headers...)
			require.NotNil(t, res, err)
			assert.Equal(t, c.status, res.StatusCode)
			if c.status == 101 {
				require.NoError(t, err)
				line{conn}.Talk(t)
				_ = conn.CloseNow()
			}
		})
	}
}

func TestTheSessionIsSavedBeforeTheSocketOpens(t *testing.T) {
	s, v := serve(t)
	v.Login()
	before := len(s.Store.Calls())
	line := open(t, v, "/counted")
	assert.Equal(t, []string{"Find", "Update"}, s.Store.Calls()[before:])
	line.Hang()
	assert.Equal(t, shire.End{Status: 101, Pattern: "GET /counted"}, s.LastEnd())
	s.Store.Fail("Update")
	_, res, err := dial(t, v, "/counted")
	require.Error(t, err)
	assert.Equal(t, 503, res.StatusCode, "what cannot be saved opens nothing")
}
