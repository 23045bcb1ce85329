package router_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

type keeper struct{}

func (*keeper) Watch(ctx *app.Context, next app.Handler) error { return next(ctx) }

func watch(ctx *app.Context, next app.Handler) error { return next(ctx) }

// counting returns a guard that a function made, which may be inlined where it is called.
func counting(n int) app.Middleware {
	return func(ctx *app.Context, next app.Handler) error {
		n++
		return next(ctx)
	}
}

func TestAudit(t *testing.T) {
	r := router.New()
	h := reply("")
	r.Open().Post("/session", h)
	r.Get("/unmarked", h)
	r.Optional(watch).Get("/", h)
	r.Guard(app.RequireLogin).Group("/rings", func(r *router.Router) {
		r.Get("/{id}", h)
		r.With(watch).Get("/layered", h)
		r.Guard(app.RequireScopes("rings:write")).Delete("/{id}", h)
	})
	r.Guard((&keeper{}).Watch, counting(1), app.Authenticate(nobodyAsks{})).Get("/three", h)
	var table strings.Builder
	require.NoError(t, r.Audit(&table))
	assert.Equal(t, `optional  GET     /
guarded   GET     /rings/layered  app.RequireLogin
guarded   DELETE  /rings/{id}     app.RequireLogin, app.RequireScopes
guarded   GET     /rings/{id}     app.RequireLogin
open      POST    /session
guarded   GET     /three          router_test.keeper.Watch, router.counting, app.Authenticate
unmarked  GET     /unmarked
`, table.String())
}

type nobodyAsks struct{}

func (nobodyAsks) Authenticate(*app.Context) (*app.Identity, error) { return nil, app.ErrNoCredentials }

func TestAuditPassesOnTheErrorOfItsWriter(t *testing.T) {
	r := router.New()
	r.Open().Get("/", reply(""))
	full := errors.New("the disk is full")
	require.ErrorIs(t, r.Audit(failingWriter{full}), full)
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
