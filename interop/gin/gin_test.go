// Package gin_test has our layers in gin.
package gin_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/interop/internal/peer"
	"github.com/kahu-go/kahu/interop/internal/shire"
)

// layers runs an Adapt before the handlers of a group, which write through it.
func layers(adapt func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		passed, outer := false, c.Writer
		adapt(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			below := &writer{ResponseWriter: outer, w: w, status: outer.Status()}
			passed, c.Request, c.Writer = true, r, below
			defer func() { c.Writer = outer }()
			c.Next()
			below.WriteHeaderNow()
		})).ServeHTTP(outer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}

// A writer is gin's kind of http.ResponseWriter, which keeps a status to itself until the answer begins.
type writer struct {
	gin.ResponseWriter
	w      http.ResponseWriter // what a layer gave us
	status int
	size   int
	begun  bool
}

func (w *writer) Status() int                       { return w.status }
func (w *writer) Size() int                         { return w.size }
func (w *writer) Written() bool                     { return w.begun }
func (w *writer) Unwrap() http.ResponseWriter       { return w.w }
func (w *writer) Flush()                            { _ = w.FlushError() }
func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (w *writer) WriteHeader(status int) {
	if !w.begun {
		w.status = status
	}
}

func (w *writer) WriteHeaderNow() {
	if !w.begun {
		w.begun = true
		w.w.WriteHeader(w.status)
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeaderNow()
	n, err := w.w.Write(b)
	w.size += n
	return n, err
}

func (w *writer) FlushError() error {
	w.WriteHeaderNow()
	return http.NewResponseController(w.w).Flush()
}

func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := http.NewResponseController(w.w).Hijack()
	w.begun = w.begun || err == nil
	return conn, buf, err
}

func engine(s *shire.Shire, more ...gin.HandlerFunc) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	g.HandleMethodNotAllowed = true
	g.Use(more...)
	g.GET("/", func(c *gin.Context) { c.String(200, shire.Name(c.Request.Context())) })
	g.POST("/login", gin.WrapH(peer.Login(s)))
	g.POST("/logout", gin.WrapH(peer.Logout(s)))
	g.GET("/stream", func(c *gin.Context) { peer.Stream(c.Writer, c.Request) })
	g.GET("/panic", func(*gin.Context) { panic("the balrog") })
	g.GET("/abort", func(*gin.Context) { panic(http.ErrAbortHandler) })
	g.GET("/teapot", func(c *gin.Context) { c.String(418, "short and stout") })
	rings := g.Group("/rings", layers(peer.Guard(s)))
	rings.GET("/:id", func(c *gin.Context) { c.String(200, "%s %s", shire.Name(c.Request.Context()), c.Param("id")) })
	rings.POST("/:id", func(c *gin.Context) {
		n, err := shire.Count(c.Request.Context())
		if err != nil {
			_ = c.AbortWithError(500, err)
			return
		}
		c.String(200, "%d", n)
	})
	rings.PUT("/:id", func(c *gin.Context) { c.Status(201) })
	return g
}

func inside(s *shire.Shire) http.Handler { return engine(s, layers(peer.Around(s))) }

// gin runs the layers of a group only for routes that it knows, and sets no pattern.
var own = peer.Peer{NotFound: "404 page not found", NotAllowed: "405 method not allowed", Allow: "GET", MissBelow: 404, MethodBelow: 405}

func TestGin(t *testing.T) {
	p := own
	p.Router = func(s *shire.Shire) http.Handler { return peer.Around(s)(engine(s)) }
	peer.Run(t, p)
}

func TestGinInside(t *testing.T) {
	p := own
	p.Router = inside
	peer.Run(t, p)
}

func TestGinKeepsItsStatus(t *testing.T) {
	for name, router := range map[string]func(s *shire.Shire) http.Handler{
		"with layers around it": func(s *shire.Shire) http.Handler { return peer.Around(s)(engine(s)) }, "with layers inside": inside,
	} {
		t.Run(name, func(t *testing.T) {
			s := shire.New()
			v := shire.Serve(t, router(s)).Login()
			assert.Equal(t, 201, v.Do("PUT", "/rings/1").Status, "though nothing was written")
			assert.Equal(t, 201, s.LastEnd().Status)
		})
	}
}

// Who leaves the handlers gin's writer loses what they do to the session, and is told.
func TestGinPastALayersWriter(t *testing.T) {
	s := shire.New()
	g := gin.New()
	g.GET("/", func(c *gin.Context) {
		s.App.Adapt(app.RequireLogin)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
	}, func(c *gin.Context) {
		_, err := shire.Count(c.Request.Context())
		assert.NoError(t, err)
		c.String(200, "counted")
	})
	g.POST("/login", gin.WrapH(peer.Login(s)))
	v := shire.Serve(t, peer.Around(s)(g)).Login()
	assert.Equal(t, "counted", v.Get("/").Body)
	s.LastEnd()
	require.Len(t, s.Errors(), 1)
	assert.ErrorContains(t, s.Errors()[0], "changed and not saved")
}

// gin's own recovery stands inside of ours and answers first.
func TestGinRecovers(t *testing.T) {
	s := shire.New()
	v := shire.Serve(t, peer.Around(s)(engine(s, gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, v any) {
		if v == http.ErrAbortHandler {
			panic(v)
		}
		c.AbortWithStatus(http.StatusInternalServerError)
	}))))
	a := v.Get("/panic")
	assert.Equal(t, 500, a.Status)
	assert.Empty(t, a.Body)
	assert.Empty(t, s.Errors())
}

// A layer that returns an error answers instead of the handlers of the group.
func TestGinErrors(t *testing.T) {
	s := shire.New()
	g := gin.New()
	reached := false
	g.GET("/", layers(s.App.Adapt(func(*app.Context, app.Handler) error { return errors.New("one does not simply walk in") })),
		func(*gin.Context) { reached = true })
	a := shire.Serve(t, g).Get("/")
	assert.Equal(t, 500, a.Status)
	assert.NotContains(t, a.Body, "simply")
	assert.False(t, reached)
	assert.Len(t, s.Errors(), 1)
}
