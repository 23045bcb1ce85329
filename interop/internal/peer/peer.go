// Package peer is the suite that holds for our layers in each router of others.
package peer

import (
	"cmp"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/interop/internal/shire"
)

// A Peer is somebody's router, with these routes. All is behind [Around]; below /rings and /broken
// is what their names say as well. Handlers are written as the peer wants them, and leave errors to
// whoever answers them there.
//
//	GET  /            [shire.Name]
//	POST /login       [Login]
//	POST /logout      [Logout]
//	GET  /rings/{id}  behind [Guard]: [shire.Name], a space and the id
//	POST /rings/{id}  behind [Guard]: [shire.Count]
//	GET  /stream      [Stream]
//	GET  /panic       panics
//	GET  /abort       panics with http.ErrAbortHandler
//	GET  /teapot      418, "short and stout"
type Peer struct {
	Router func(s *shire.Shire) http.Handler

	NotFound    string // what the peer says of a path that it does not know
	NotAllowed  string // and of a method
	Allow       string // "": it does not say
	Miss        string // a path that nobody knows below /rings; "": /rings/1/of/power
	MissBelow   int    // its status for who is not logged in
	MethodBelow int    // and of a method
	Pattern     string // of /rings/{id}, if the peer sets it
}

// Around are the layers outside of all routes.
func Around(s *shire.Shire) func(http.Handler) http.Handler {
	return s.App.Adapt(s.Note, s.Sessions.Layer, mark)
}

// Guard are the layers of a group: in an Adapt of their own, below the other.
func Guard(s *shire.Shire) func(http.Handler) http.Handler {
	return s.App.Adapt(marked, app.RequireLogin)
}

// Login and Logout are handlers of ours among those of the peer.
func Login(s *shire.Shire) http.Handler {
	return handler(s, func(ctx *app.Context) error { return ctx.Login(&shire.Hobbit{Name: "frodo"}) })
}

// Logout ends the session.
func Logout(s *shire.Shire) http.Handler { return handler(s, (*app.Context).Logout) }

func handler(s *shire.Shire, h app.Handler) http.Handler {
	return s.App.Adapt(func(ctx *app.Context, _ app.Handler) error {
		ctx.Status = http.StatusNoContent
		return h(ctx)
	})(nil)
}

type markKey struct{}

// mark and marked find out whether the two Adapts of a request share its Context.
func mark(ctx *app.Context, next app.Handler) error {
	ctx.SetValue(markKey{}, ctx)
	return next(ctx)
}

func marked(ctx *app.Context, next app.Handler) error {
	if ctx.Value(markKey{}) != ctx {
		return ctx.Throw(http.StatusInternalServerError, "another Context")
	}
	return next(ctx)
}

// Stream begins an answer after the session was changed.
func Stream(w http.ResponseWriter, r *http.Request) {
	if _, err := shire.Count(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write([]byte("one "))
	if err := http.NewResponseController(w).Flush(); err != nil {
		_, _ = w.Write([]byte(err.Error()))
		return
	}
	_, _ = w.Write([]byte("two"))
}

// Run holds a peer to it.
func Run(t *testing.T, p Peer) {
	s := shire.New()
	v := shire.Serve(t, p.Router(s))
	t.Run("keeps out", func(t *testing.T) { keepsOut(t, s, v) })
	t.Run("lets in", func(t *testing.T) { letsIn(t, s, v.Another().Login(), p) })
	t.Run("faults", func(t *testing.T) { faults(t, s, v.Another().Login()) })
	t.Run("the peer's own answers", func(t *testing.T) { ownAnswers(t, v, p) })
	t.Run("panics", func(t *testing.T) { panics(t, s, v) })
}

func keepsOut(t *testing.T, s *shire.Shire, v *shire.Visitor) {
	t.Run("who is not logged in", func(t *testing.T) {
		a := v.Get("/rings/1")
		assert.Equal(t, 401, a.Status)
		assert.Equal(t, `Cookie realm="session"`, a.Header.Get("WWW-Authenticate"))
		assert.JSONEq(t, `{"errors":[{"title":"Login required","status":401}]}`, a.Body)
		assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
		assert.Equal(t, 401, s.LastEnd().Status)
	})
	t.Run("a login from another site", func(t *testing.T) {
		a := v.Do("POST", "/login", "Sec-Fetch-Site", "cross-site", "Origin", "https://mordor.example")
		assert.Equal(t, 403, a.Status)
		assert.JSONEq(t, `{"errors":[{"title":"Cross-site request refused","status":403}]}`, a.Body)
		assert.Empty(t, a.Header["Set-Cookie"])
	})
	t.Run("who has made up a cookie", func(t *testing.T) {
		assert.Equal(t, 401, v.Do("GET", "/rings/1", "Cookie", "__Host-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").Status)
	})
}

func letsIn(t *testing.T, s *shire.Shire, v *shire.Visitor, p Peer) {
	t.Run("who is logged in", func(t *testing.T) {
		a := v.Get("/rings/1")
		assert.Equal(t, 200, a.Status)
		assert.Equal(t, "frodo 1", a.Body)
		assert.Equal(t, shire.End{Status: 200, Pattern: p.Pattern}, s.LastEnd())
	})
	t.Run("and tells handlers outside of the guard", func(t *testing.T) {
		assert.Equal(t, "frodo", v.Get("/").Body)
		assert.Equal(t, "nobody", v.Another().Get("/").Body)
	})
	t.Run("and saves the session", func(t *testing.T) {
		assert.Equal(t, "1", v.Do("POST", "/rings/1").Body)
		assert.Equal(t, "2", v.Do("POST", "/rings/2").Body)
	})
	t.Run("and saves it before the answer begins", func(t *testing.T) {
		fresh := v.Another()
		a := fresh.Get("/stream")
		assert.Equal(t, "one two", a.Body)
		assert.Len(t, fresh.Cookies(), 1)
	})
	t.Run("until the logout", func(t *testing.T) {
		stolen := v.Cookies()[0]
		assert.Equal(t, 204, v.Do("POST", "/logout").Status)
		assert.Empty(t, v.Cookies())
		assert.Equal(t, 401, v.Get("/rings/1").Status)
		assert.Equal(t, 401, v.Do("GET", "/rings/1", "Cookie", stolen.String()).Status)
	})
}

func faults(t *testing.T, s *shire.Shire, v *shire.Visitor) {
	s.Store.Fail()
	defer s.Store.Heal()
	for name, request := range map[string][2]string{
		"in a guard": {"GET", "/rings/1"}, "below the user's name": {"GET", "/"}, "of a logout": {"POST", "/logout"},
	} {
		t.Run(name+" is 503 and leaves the cookie", func(t *testing.T) {
			a := v.Do(request[0], request[1])
			assert.Equal(t, 503, a.Status)
			assert.JSONEq(t, `{"errors":[{"title":"Service Unavailable","status":503}]}`, a.Body)
			assert.Empty(t, a.Header["Set-Cookie"])
		})
	}
	t.Run("when the answer begins is 503 instead of it", func(t *testing.T) {
		s.Store.Heal()
		s.Store.Fail("Insert")
		a := v.Another().Get("/stream")
		assert.Equal(t, 503, a.Status)
		assert.NotContains(t, a.Body, "one")
		assert.Empty(t, a.Header["Set-Cookie"])
	})
}

func ownAnswers(t *testing.T, v *shire.Visitor, p Peer) {
	t.Run("a status and a body", func(t *testing.T) {
		a := v.Get("/teapot")
		assert.Equal(t, 418, a.Status)
		assert.Equal(t, "short and stout", a.Body)
	})
	t.Run("a path that it does not know", func(t *testing.T) {
		a := v.Get("/mordor")
		assert.Equal(t, 404, a.Status)
		assert.Equal(t, p.NotFound, a.Body)
	})
	t.Run("a method that it does not know", func(t *testing.T) {
		a := v.Do("DELETE", "/teapot")
		assert.Equal(t, 405, a.Status)
		assert.Equal(t, p.NotAllowed, a.Body)
		assert.Equal(t, p.Allow, a.Header.Get("Allow"))
	})
	t.Run("what it does not know below a guard", func(t *testing.T) {
		assert.Equal(t, p.MissBelow, v.Get(cmp.Or(p.Miss, "/rings/1/of/power")).Status)
		assert.Equal(t, p.MethodBelow, v.Do("DELETE", "/rings/1").Status)
	})
}

func panics(t *testing.T, s *shire.Shire, v *shire.Visitor) {
	t.Run("are answered and told once", func(t *testing.T) {
		before := len(s.Errors())
		a := v.Get("/panic")
		assert.Equal(t, 500, a.Status)
		assert.JSONEq(t, `{"errors":[{"title":"Internal Server Error","status":500}]}`, a.Body)
		require.Len(t, s.Errors(), before+1)
		assert.ErrorContains(t, s.Errors()[before], "the balrog")
	})
	t.Run("that cut the connection do", func(t *testing.T) {
		_, err := v.Try("GET", "/abort")
		assert.Error(t, err)
	})
}
