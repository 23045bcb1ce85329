package app_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// A trace is what ran, in order.
type trace struct{ steps []string }

func (tr *trace) add(step string) { tr.steps = append(tr.steps, step) }

// layer notes when it is entered and left.
func (tr *trace) layer(name string) app.Middleware {
	return func(ctx *app.Context, next app.Handler) error {
		tr.add(name + " in")
		err := next(ctx)
		tr.add(name + " out")
		return err
	}
}

func (tr *trace) handler(name string) app.Middleware {
	return last(func(ctx *app.Context) error {
		tr.add(name)
		return ok(ctx)
	})
}

func pass(ctx *app.Context, next app.Handler) error { return next(ctx) }

// inside runs f with a Context that an App made.
func inside(t *testing.T, f func(ctx *app.Context)) *httptest.ResponseRecorder {
	t.Helper()
	return serve(get("/"), last(func(ctx *app.Context) error {
		f(ctx)
		return ok(ctx)
	}))
}

func TestCompose(t *testing.T) {
	t.Run("a nil layer panics while building", func(t *testing.T) {
		assert.PanicsWithValue(t, "app: Compose: layer 1 is nil", func() { app.Compose(pass, nil) })
		assert.PanicsWithValue(t, "app: Use of a nil layer", func() { app.New().Use(nil) })
	})

	t.Run("layers run down before next and up after it", func(t *testing.T) {
		tr := new(trace)
		w := serve(get("/"), tr.layer("a"), tr.layer("b"), tr.handler("h"))
		assert.Equal(t, []string{"a in", "b in", "h", "b out", "a out"}, tr.steps)
		assert.Equal(t, "ok", w.Body.String())
	})

	t.Run("a composition is a layer of another", func(t *testing.T) {
		tr := new(trace)
		inner := app.Compose(tr.layer("b"), app.Compose(tr.layer("c"), tr.layer("d")))
		serve(get("/"), tr.layer("a"), inner, tr.layer("e"), tr.handler("h"))
		assert.Equal(t, []string{"a in", "b in", "c in", "d in", "e in", "h", "e out", "d out", "c out", "b out", "a out"}, tr.steps)
	})

	t.Run("the outer next follows the last layer and may be missing", func(t *testing.T) {
		tr := new(trace)
		inside(t, func(ctx *app.Context) {
			after := func(*app.Context) error {
				tr.add("after")
				return errBoom
			}
			assert.ErrorIs(t, app.Compose(tr.layer("a"))(ctx, after), errBoom)
			assert.ErrorIs(t, app.Compose()(ctx, after), errBoom)
			assert.NoError(t, app.Compose(tr.layer("b"))(ctx, nil))
		})
		assert.Equal(t, []string{"a in", "after", "a out", "after", "b in", "b out"}, tr.steps)
	})

	t.Run("the outer next does not start the chain again", func(t *testing.T) {
		tr := new(trace)
		c := app.Compose(tr.layer("a"))
		serve(get("/"), c, func(ctx *app.Context, next app.Handler) error {
			tr.add("outer")
			return next(ctx)
		})
		assert.Equal(t, []string{"a in", "outer", "a out"}, tr.steps)
	})

	t.Run("no layers do nothing", func(t *testing.T) {
		inside(t, func(ctx *app.Context) { assert.NoError(t, app.Compose()(ctx, nil)) })
		assert.Equal(t, http.StatusNotFound, serve(get("/")).Code)
	})

	t.Run("an error goes up through each layer", func(t *testing.T) {
		tr := new(trace)
		w := serve(get("/"), tr.layer("a"), tr.layer("b"), last(func(*app.Context) error { return errBoom }))
		assert.Equal(t, []string{"a in", "b in", "b out", "a out"}, tr.steps)
		assert.Equal(t, http.StatusInternalServerError, w.Code)
	})

	t.Run("a layer can deal with an error and go on", func(t *testing.T) {
		w := serve(get("/"), func(ctx *app.Context, next app.Handler) error {
			assert.ErrorIs(t, next(ctx), errBoom)
			ctx.Body = "mended"
			return nil
		}, last(func(*app.Context) error { return errBoom }))
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Equal(t, "mended", w.Body.String())
	})

	t.Run("a layer that does not call next ends the request", func(t *testing.T) {
		tr := new(trace)
		serve(get("/"), tr.layer("a"), tr.handler("h"), tr.layer("never"))
		assert.Equal(t, []string{"a in", "h", "a out"}, tr.steps)
	})

	t.Run("a panic is an error with its stack", func(t *testing.T) {
		var got error
		a := app.New()
		a.OnError = func(_ *app.Context, err error) { got = err }
		w := httptest.NewRecorder()
		a.Use(pass, last(func(*app.Context) error { panic("the ring") })).ServeHTTP(w, get("/"))
		require.Equal(t, http.StatusInternalServerError, w.Code)
		var p *app.PanicError
		require.ErrorAs(t, got, &p)
		assert.Equal(t, "the ring", p.Value)
		assert.Contains(t, string(p.Stack), "compose_test.go")
	})

	t.Run("the list is copied", func(t *testing.T) {
		tr := new(trace)
		layers := []app.Middleware{tr.layer("a"), tr.handler("h")}
		c := app.Compose(layers...)
		layers[0] = tr.layer("another")
		serve(get("/"), c)
		assert.Equal(t, []string{"a in", "h", "a out"}, tr.steps)
	})

	t.Run("every layer has the same Context", func(t *testing.T) {
		var seen []*app.Context
		see := func(ctx *app.Context, next app.Handler) error {
			seen = append(seen, ctx)
			return next(ctx)
		}
		serve(get("/"), see, app.Compose(see, app.Compose(see)), see)
		require.Len(t, seen, 4)
		assert.Len(t, slices.Compact(seen), 1)
	})

	t.Run("Use chains and comes too late after the first request", func(t *testing.T) {
		a := quiet().Use(pass).Use(last(ok))
		a.ServeHTTP(httptest.NewRecorder(), get("/"))
		assert.PanicsWithValue(t, "app: Use after the first request", func() { a.Use(pass) })
	})

	t.Run("Then runs a layer around a handler", func(t *testing.T) {
		tr := new(trace)
		inside(t, func(ctx *app.Context) {
			assert.ErrorIs(t, tr.layer("a").Then(func(*app.Context) error { return errBoom })(ctx), errBoom)
		})
		assert.Equal(t, []string{"a in", "a out"}, tr.steps)
	})
}

func TestComposeIsReusedAndShared(t *testing.T) {
	shared := app.Compose(
		func(ctx *app.Context, next app.Handler) error {
			ctx.Header().Add("Name", ctx.Request.URL.Path)
			return next(ctx)
		},
		app.Compose(pass, pass),
	)
	stack := []app.Middleware{shared, shared, last(func(ctx *app.Context) error {
		ctx.Body = ctx.Request.URL.Path
		return nil
	})}
	a := quiet().Use(stack...)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for range 20 {
				path := "/" + strconv.Itoa(i)
				w := httptest.NewRecorder()
				a.ServeHTTP(w, get(path))
				assert.Equal(t, path, w.Body.String())
				assert.Equal(t, []string{path, path}, w.Header()["Name"])
			}
		})
	}
	all.Wait()
}

// TestNextTwice is the trap of that name: below ran once, and the answer is a 500 that
// is reported once, whoever drops the error.
func TestNextTwice(t *testing.T) {
	var kept app.Handler // a next that outlives its layer
	keep := func(ctx *app.Context, next app.Handler) error {
		kept = next
		return next(ctx)
	}
	again := func(ctx *app.Context, next app.Handler) error {
		if err := next(ctx); err != nil {
			return err
		}
		return next(ctx)
	}
	swallow := func(ctx *app.Context, next app.Handler) error {
		_ = next(ctx)
		_ = next(ctx)
		return nil
	}
	tests := []struct {
		name   string
		layers []app.Middleware
	}{
		{"the error is returned", []app.Middleware{again}},
		{"the error is swallowed by the layer", []app.Middleware{swallow}},
		{"the error is swallowed by a layer above", []app.Middleware{func(ctx *app.Context, next app.Handler) error {
			_ = next(ctx)
			return nil
		}, again}},
		{"in a nested composition", []app.Middleware{app.Compose(pass, swallow), pass}},
		{"around a nested composition", []app.Middleware{swallow, app.Compose(pass, pass)}},
		{"by the last layer of a nested composition", []app.Middleware{pass, app.Compose(pass, app.Compose(swallow))}},
		{"after a layer below panicked and one above recovered", []app.Middleware{func(ctx *app.Context, next app.Handler) error {
			func() {
				defer func() { _ = recover() }()
				_ = next(ctx)
			}()
			return next(ctx)
		}, app.Compose(pass, func(ctx *app.Context, next app.Handler) error {
			_ = next(ctx)
			panic("below")
		})}},
		{"late, after the layer returned", []app.Middleware{func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			assert.ErrorIs(t, kept(ctx), app.ErrNext)
			return err
		}, keep}},
		{"late, out of a nested composition", []app.Middleware{func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			_ = kept(ctx)
			return err
		}, app.Compose(pass, keep)}},
		{"by a layer further down", []app.Middleware{keep, func(ctx *app.Context, next app.Handler) error {
			assert.ErrorIs(t, kept(ctx), app.ErrNext)
			return next(ctx)
		}}},
		{"with nothing at all before it", []app.Middleware{keep, func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			_ = kept(ctx)
			return err
		}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runs, reports := 0, []error(nil)
			a := app.New()
			a.OnError = func(_ *app.Context, err error) { reports = append(reports, err) }
			a.Use(test.layers...).Use(last(func(ctx *app.Context) error {
				runs++
				return ok(ctx)
			}))
			w := httptest.NewRecorder()
			a.ServeHTTP(w, get("/"))
			assert.Equal(t, http.StatusInternalServerError, w.Code)
			assert.Equal(t, 1, runs, "what is below ran")
			require.Len(t, reports, 1)
			assert.ErrorIs(t, reports[0], app.ErrNext)
		})
	}
}

func TestNextTwiceOutOfACompositionThatRunsInAHandler(t *testing.T) {
	runs := 0
	below := func(*app.Context) error {
		runs++
		return nil
	}
	var second error
	w := inside(t, func(ctx *app.Context) {
		_ = app.Compose(pass, func(ctx *app.Context, next app.Handler) error {
			_ = next(ctx)
			second = next(ctx)
			return nil
		})(ctx, below)
	})
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.ErrorIs(t, second, app.ErrNext)
	assert.Equal(t, 1, runs)
}

func TestNextOfALayerThatPanickedRunsNothing(t *testing.T) {
	var kept app.Handler
	var late error
	w := serve(get("/"), func(ctx *app.Context, next app.Handler) error {
		func() {
			defer func() { _ = recover() }()
			_ = next(ctx)
		}()
		late = kept(ctx)
		return nil
	}, func(_ *app.Context, next app.Handler) error {
		kept = next
		panic("before its next")
	}, last(func(*app.Context) error {
		t.Error("what is below ran")
		return nil
	}))
	assert.ErrorIs(t, late, app.ErrNext)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
}

func TestNextTwiceDoesNotSpoilTheNextRequest(t *testing.T) {
	bad := false
	a := quiet().Use(func(ctx *app.Context, next app.Handler) error {
		if bad {
			_ = next(ctx)
		}
		return next(ctx)
	}, last(ok))
	for _, bad = range []bool{false, true, false} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, get("/"))
		assert.Equal(t, bad, w.Code == http.StatusInternalServerError)
	}
}

// copyOf copies a Context as careless code would, past what vet can see.
func copyOf(ctx *app.Context) *app.Context {
	c := reflect.New(reflect.TypeFor[app.Context]())
	c.Elem().Set(reflect.ValueOf(ctx).Elem())
	return c.Interface().(*app.Context)
}

func TestCopyOfTheContextIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		layers []app.Middleware
	}{
		{"returned", []app.Middleware{func(ctx *app.Context, next app.Handler) error { return next(copyOf(ctx)) }}},
		{"swallowed", []app.Middleware{func(ctx *app.Context, next app.Handler) error {
			_ = next(copyOf(ctx))
			return ok(ctx)
		}}},
		{"given to a composition", []app.Middleware{func(ctx *app.Context, next app.Handler) error {
			_ = app.Compose(pass)(copyOf(ctx), next)
			return ok(ctx)
		}}},
		{"used twice by copies", []app.Middleware{func(ctx *app.Context, next app.Handler) error {
			_, _ = next(copyOf(ctx)), next(copyOf(ctx))
			return ok(ctx)
		}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var reported error
			a := app.New()
			a.OnError = func(_ *app.Context, err error) { reported = err }
			a.Use(test.layers...).Use(last(func(*app.Context) error {
				t.Error("what is below ran with a copy")
				return nil
			}))
			w := httptest.NewRecorder()
			a.ServeHTTP(w, get("/"))
			assert.Equal(t, http.StatusInternalServerError, w.Code)
			assert.ErrorIs(t, reported, app.ErrCopied)
		})
	}
	t.Run("a Context that no App made", func(t *testing.T) {
		assert.ErrorIs(t, app.Compose(pass)(new(app.Context), ok), app.ErrCopied)
		assert.ErrorIs(t, app.RequireLogin(copyOf(new(app.Context)), ok), app.ErrCopied)
	})
}

// A discard is a writer that is used again and again.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header               { return d.h }
func (d *discard) WriteHeader(int)                   {}
func (d *discard) Write(b []byte) (int, error)       { return len(b), nil }
func (d *discard) WriteString(s string) (int, error) { return len(s), nil }

var _ io.StringWriter = (*discard)(nil)

func nested(depth int) app.Middleware {
	m := app.Middleware(pass)
	for range depth {
		m = app.Compose(m)
	}
	return m
}

// perRequest counts the allocations of one request through the layers.
func perRequest(layers ...app.Middleware) float64 {
	a, r, w := quiet().Use(layers...).Use(last(ok)), get("/"), &discard{http.Header{}}
	return testing.AllocsPerRun(200, func() {
		clear(w.h)
		a.ServeHTTP(w, r)
	})
}

func TestLayersAllocateNothing(t *testing.T) {
	none := perRequest()
	assert.LessOrEqual(t, perRequest(slices.Repeat([]app.Middleware{pass}, 10)...), none, "10 layers")
	assert.LessOrEqual(t, perRequest(nested(5)), none, "6 nested compositions, with the App's own")
	assert.LessOrEqual(t, perRequest(slices.Repeat([]app.Middleware{nested(5)}, 10)...), none, "6 deep, 10 times")
}

func BenchmarkLayers(b *testing.B) {
	run := func(name string, h http.Handler) {
		b.Run(name, func(b *testing.B) {
			r, w := get("/"), &discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				h.ServeHTTP(w, r)
			}
		})
	}
	run("plain net/http", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, "ok")
	}))
	for _, n := range []int{0, 1, 10, 100} {
		run(fmt.Sprintf("%d layers", n), quiet().Use(slices.Repeat([]app.Middleware{pass}, n)...).Use(last(ok)))
	}
	for _, n := range []int{6, 12} {
		run(fmt.Sprintf("%d nested compositions", n), quiet().Use(nested(n-1), last(ok)))
	}
}

func TestErrorsAreWhatTheySay(t *testing.T) {
	for _, err := range []error{app.ErrNext, app.ErrCopied, app.ErrHeadersSent, app.ErrCannotEnd, app.ErrNoKeys} {
		assert.True(t, strings.HasPrefix(err.Error(), "app: "), err)
		assert.ErrorIs(t, fmt.Errorf("wrapped: %w", err), err)
	}
	assert.False(t, errors.Is(app.ErrNext, app.ErrCopied))
}
