package router_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// mark is a Param that leaves its name and the value.
func mark(name string) func(*app.Context, string, app.Handler) error {
	return func(ctx *app.Context, value string, next app.Handler) error {
		ctx.Header().Add("Trail", name+"="+value)
		return next(ctx)
	}
}

func TestParam(t *testing.T) {
	child := router.New()
	child.Get("/{id}", reply("item"))
	child.Param("id", mark("child's")).Get("/own/{id}", reply("own"))
	child.Guard(lock("guard")).Get("/guarded/{id}", reply("guarded"))
	a := build(func(r *router.Router) {
		rings := r.With(step("before")).Param("id", mark("id")).Param("realm", mark("realm"))
		rings.Get("/rings/{id}", reply("ring"))
		rings.Get("/rings", reply("list"))
		rings.Get("/realms/{realm}/rings/{id}", reply("both"))
		rings.Get("/rings/{other}/x", reply("other"))
		rings.With(step("after")).Get("/after/{id}", reply("after"))
		rings.With(step("after")).Guard(lock("guard")).With(step("last")).Get("/guarded/{id}", reply("guarded"))
		rings.Param("id", mark("again")).Get("/twice/{id}", reply("twice"))
		r.Param("path", mark("path")).Get("/files/{path...}", reply("file"))
		r.Param("id", mark("mount")).Mount("/mounts/{id}", echo("mount"))
		r.Param("id", mark("parent")).Include("/children/{realm}", child)
		r.Param("realm", mark("prefix")).Include("/grandchildren/{realm}", child)
		r.Group("/group/{realm}", func(r *router.Router) {
			r.With(step("a")).Param("realm", mark("realm")).With(step("b")).Param("id", mark("id")).With(step("c")).Get("/{id}", reply("group"))
		})
		r.Get("/none/{id}", reply("none"))
	})
	for _, tc := range []struct{ name, path, trail string }{
		{"after the layers before it", "/rings/3", "before id=3"},
		{"not for a path without it", "/rings", "before"},
		{"not for another parameter", "/rings/3/x", "before"},
		{"in the order of the path", "/realms/shire/rings/3", "before realm=shire id=3"},
		{"before the layers after it", "/after/3", "before id=3 after"},
		{"after the guards and what they build on", "/guarded/3", "before after guard id=3 last"},
		{"two of a name in the order in which they were added", "/twice/3", "before id=3 again=3"},
		{"decoded", "/rings/a%2Fb", "before id=a/b"},
		{"the rest of a path", "/files/a/b", "path=a/b"},
		{"a mounted handler", "/mounts/3/x", "mount=3"},
		{"an included child", "/children/shire/3", "parent=3"},
		{"an included child with one of its own", "/children/shire/own/3", "parent=3 child's=3"},
		{"an included child with a guard", "/children/shire/guarded/3", "guard parent=3"},
		{"a parameter of the prefix of an included child", "/grandchildren/shire/own/3", "prefix=shire child's=3"},
		{"where the last one was added", "/group/shire/3", "a b realm=shire id=3 c"},
		{"not beside the router that it returns", "/none/3", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := withKey(t, a, "GET", tc.path)
			assert.Equal(t, 200, w.Code)
			assert.Equal(t, tc.trail, trail(w))
		})
	}
	t.Run("guards first: nothing is loaded for who is not let in", func(t *testing.T) {
		w := do(t, a, "GET", "/guarded/3")
		assert.Equal(t, 401, w.Code)
		assert.Equal(t, "before after guard", trail(w))
	})
	t.Run("not for 405 and 404", func(t *testing.T) {
		assert.Empty(t, trail(do(t, a, "POST", "/rings/3")))
		assert.Equal(t, "last", trail(do(t, a, "GET", "/rings/3/none")))
	})
}

func TestParamStops(t *testing.T) {
	ran := false
	r := router.New()
	r.Param("id", func(ctx *app.Context, id string, next app.Handler) error {
		if strings.Trim(id, "0123456789") != "" {
			return ctx.Throw(404, "No such ring")
		}
		ctx.SetValue("ring", "ring "+id)
		return next(ctx)
	}).Get("/rings/{id}", func(ctx *app.Context) error {
		ran = true
		ctx.Body = ctx.Value("ring")
		return nil
	})
	a := quiet(r.Layer, last)
	w := do(t, a, "GET", "/rings/x%00")
	assert.Equal(t, 404, w.Code)
	assert.Contains(t, w.Body.String(), "No such ring")
	assert.False(t, ran)
	assert.Equal(t, "ring 3", do(t, a, "GET", "/rings/3").Body.String())
	assert.True(t, ran)
}
