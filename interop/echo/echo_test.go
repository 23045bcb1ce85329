// Package echo_test has our layers in echo.
package echo_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/interop/internal/peer"
	"github.com/kahu-go/kahu/interop/internal/shire"
)

// layers is echo.WrapMiddleware for an Adapt. Errors are answered inside: a handler of net/http that
// has written nothing has answered 200, and echo would answer them after it had returned.
func layers(adapt func(http.Handler) http.Handler) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return echo.WrapMiddleware(adapt)(func(c *echo.Context) error {
			if err := next(c); err != nil {
				c.Echo().HTTPErrorHandler(c, err)
			}
			return nil
		})
	}
}

func routes(s *shire.Shire, e *echo.Echo) {
	e.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	e.GET("/", func(c *echo.Context) error { return c.String(200, shire.Name(c.Request().Context())) })
	e.POST("/login", echo.WrapHandler(peer.Login(s)))
	e.POST("/logout", echo.WrapHandler(peer.Logout(s)))
	e.GET("/stream", func(c *echo.Context) error {
		peer.Stream(c.Response(), c.Request())
		return nil
	})
	e.GET("/panic", func(*echo.Context) error { panic("the balrog") })
	e.GET("/abort", func(*echo.Context) error { panic(http.ErrAbortHandler) })
	e.GET("/teapot", func(c *echo.Context) error { return c.String(418, "short and stout") })
	e.GET("/palantir", func(*echo.Context) error { return echo.NewHTTPError(403, "it is watched") })
	rings := e.Group("/rings", layers(peer.Guard(s)))
	rings.GET("/:id", func(c *echo.Context) error {
		return c.String(200, shire.Name(c.Request().Context())+" "+c.Param("id"))
	})
	rings.POST("/:id", func(c *echo.Context) error {
		n, err := shire.Count(c.Request().Context())
		if err != nil {
			return err
		}
		return c.String(200, fmt.Sprint(n))
	})
	rings.PUT("/:id", func(*echo.Context) error { return errors.New("it cannot be forged again") })
	rings.PATCH("/:id", func(*echo.Context) error { return echo.NewHTTPError(409, "it is melted") })
}

const (
	notFound   = `{"message":"Not Found"}` + "\n"
	notAllowed = `{"message":"Method Not Allowed"}` + "\n"
)

func inside(s *shire.Shire) http.Handler {
	e := echo.New()
	e.Use(layers(peer.Around(s)))
	routes(s, e)
	return e
}

// echo runs the layers of a group for what it does not know below it, too.
func TestEcho(t *testing.T) {
	peer.Run(t, peer.Peer{
		Router: inside, NotFound: notFound, NotAllowed: notAllowed, Allow: "OPTIONS, GET", Miss: "/rings", MissBelow: 401, MethodBelow: 401, Pattern: "/rings/:id",
	})
}

func TestEchoInside(t *testing.T) {
	peer.Run(t, peer.Peer{
		Router: func(s *shire.Shire) http.Handler {
			e := echo.New()
			routes(s, e)
			return peer.Around(s)(e)
		},
		NotFound: notFound, NotAllowed: notAllowed, Allow: "OPTIONS, GET", Miss: "/rings", MissBelow: 401, MethodBelow: 401, Pattern: "/rings/:id",
	})
}

func TestEchoAnswersItsOwnErrors(t *testing.T) {
	s := shire.New()
	v := shire.Serve(t, inside(s)).Login()
	for name, c := range map[string]struct {
		method, path string
		status       int
		message      string
	}{
		"outside of a guard":      {"GET", "/palantir", 403, "it is watched"},
		"behind a guard":          {"PATCH", "/rings/1", 409, "it is melted"},
		"that say no status":      {"PUT", "/rings/1", 500, "Internal Server Error"},
		"of a path below a guard": {"GET", "/rings", 404, "Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			a := v.Do(c.method, c.path)
			assert.Equal(t, c.status, a.Status)
			assert.JSONEq(t, `{"message":"`+c.message+`"}`, a.Body)
			assert.Equal(t, c.status, s.LastEnd().Status)
		})
	}
}
