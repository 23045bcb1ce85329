package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestSessionValueNames(t *testing.T) {
	for why, name := range map[string]string{
		"is empty":                   "",
		"is the framework's":         "_stamp",
		"might become it":            "_cart",
		"begins with a digit":        "1st",
		"begins with a dot":          ".cart",
		"begins with a space":        " cart",
		"begins with NUL":            "\x00cart",
		"begins with a line end":     "\r\nSet-Cookie: a=b",
		"is no text":                 "\xff",
		"is no text in the middle":   "cart\xff",
		"begins with what joins":     "\u200dcart",
		"is what JSON would replace": "\uFFFDcart",
	} {
		t.Run("one that "+why+" is refused", func(t *testing.T) {
			m := newMoot(t, app.SessionOptions{})
			var set, deleted error
			m.does["/"] = func(_ *app.Context, x *app.Session) error {
				set, deleted = x.Set(name, "x"), x.Delete(name)
				return nil
			}
			s := m.in()
			assert.Equal(t, []string{"Find"}, m.since(func() { assert.Equal(t, 200, s.get("/").status) }), "nothing is stored")
			assert.ErrorContains(t, set, "begins with a letter")
			assert.ErrorContains(t, deleted, "begins with a letter")
			assert.NotContains(t, set.Error(), "\n")
		})
	}
	t.Run("one of the framework's finds nothing", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{Stamp: func(any) string { return "one" }})
		m.does["/"] = func(_ *app.Context, x *app.Session) error {
			var v any
			found, err := x.Get("_stamp", &v)
			assert.NoError(t, err)
			assert.False(t, found)
			return nil
		}
		require.Equal(t, 200, m.in().get("/").status)
	})
	t.Run("one of any letters is kept", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/"] = func(_ *app.Context, x *app.Session) error {
			for _, name := range []string{"a", "Z9_-.", "élan", "名", strings.Repeat("n", 1000)} {
				require.NoError(t, x.Set(name, name))
			}
			return nil
		}
		s := m.seat()
		require.Equal(t, 200, s.get("/").status)
		assert.Equal(t, "Z9_-. a "+strings.Repeat("n", 1000)+" élan 名", s.get("/names").body)
	})
}

func TestSessionClear(t *testing.T) {
	m := newMoot(t, app.SessionOptions{Stamp: func(any) string { return "one" }})
	m.does["/fill"] = func(_ *app.Context, x *app.Session) error {
		require.NoError(t, x.Flash("info", "welcome"))
		require.NoError(t, x.Set("cart", "lembas"))
		return x.Set("theme", "dark")
	}
	m.does["/clear"] = func(_ *app.Context, x *app.Session) error {
		require.NoError(t, x.Set("more", 1))
		require.NoError(t, x.Clear())
		var v any
		for _, name := range []string{"cart", "theme", "more", "flash"} {
			ok, err := x.Get(name, &v)
			assert.NoError(t, err)
			assert.False(t, ok, name)
		}
		assert.Zero(t, x.Len())
		return nil
	}
	t.Run("removes all values and leaves who is logged in", func(t *testing.T) {
		s := m.in()
		s.get("/fill")
		require.Equal(t, "cart flash theme", s.get("/names").body)
		assert.Nil(t, s.get("/clear").set)
		assert.Empty(t, s.get("/names").body)
		assert.Equal(t, "frodo", s.get("/me").body, "with what the session is bound to")
	})
	t.Run("of a visitor stores nothing", func(t *testing.T) {
		s := m.seat()
		assert.Empty(t, m.since(func() { assert.Nil(t, s.get("/clear").set) }))
	})
	t.Run("and then a value keeps that alone", func(t *testing.T) {
		m.does["/replace"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, x.Clear())
			return x.Set("theme", "light")
		}
		s := m.seat()
		s.get("/fill")
		before := s.cookie.Value
		s.get("/replace")
		assert.Equal(t, "theme", s.get("/names").body)
		assert.Equal(t, before, s.cookie.Value, "under the same id")
	})
	t.Run("after the headers is an error", func(t *testing.T) {
		m.does["/late"] = func(ctx *app.Context, x *app.Session) error {
			ctx.Writer().WriteHeader(200)
			for name, err := range map[string]error{"Clear": x.Clear(), "Save": x.Save(), "Regenerate": x.Regenerate(), "Delete": x.Delete("theme")} {
				assert.ErrorIs(t, err, app.ErrHeadersSent, name)
			}
			return nil
		}
		s := m.seat()
		s.get("/fill")
		s.get("/late")
		assert.Equal(t, "cart flash theme", s.get("/names").body)
	})
}

func TestSessionSaysWhatItHolds(t *testing.T) {
	m := newMoot(t, app.SessionOptions{Stamp: func(any) string { return "one" }})
	m.does["/said"] = func(ctx *app.Context, x *app.Session) error {
		ctx.Body = fmt.Sprint(x.IsNew(), x.Len(), x.Names())
		return nil
	}
	m.does["/two"] = func(ctx *app.Context, x *app.Session) error {
		require.NoError(t, x.Set("b", 1))
		require.NoError(t, x.Set("a", 2))
		require.NoError(t, x.Delete("cart"))
		return m.does["/said"](ctx, x)
	}
	s := m.seat()
	assert.Equal(t, "true 0 []", s.get("/said").body, "a visitor's")
	assert.Equal(t, "true 2 [a b]", s.get("/two").body, "with values that are not saved yet")
	assert.Equal(t, "false 2 [a b]", s.get("/said").body)
	s.get("/login")
	assert.Equal(t, "false 0 []", s.get("/said").body, "what the framework keeps does not count")
	t.Run("and what it is asked while the store is away is answered 503", func(t *testing.T) {
		for name, ask := range map[string]func(x *app.Session) bool{
			"Len": func(x *app.Session) bool { return x.Len() == 0 }, "Names": func(x *app.Session) bool { return x.Names() == nil }, "IsNew": func(x *app.Session) bool { return !x.IsNew() },
		} {
			broken, store := memorySessions()
			store.Fail("Find")
			r := get("/")
			r.Header.Set("Cookie", cookieName+"="+strings.Repeat("A", 43))
			res := serve(r, broken.Layer, last(func(ctx *app.Context) error {
				x, _ := ctx.Session() // who drops the error
				assert.True(t, ask(x), name)
				return ok(ctx)
			}))
			assert.Equal(t, 503, res.Code, name)
		}
	})
}

func TestSessionPrintsNoSecrets(t *testing.T) {
	m := newMoot(t, app.SessionOptions{})
	var said bytes.Buffer
	m.does["/print"] = func(ctx *app.Context, x *app.Session) error {
		b, err := json.Marshal(map[string]any{"by pointer": x, "by value": *x})
		require.NoError(t, err)
		said.Write(b)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			_, _ = fmt.Fprintf(&said, verb+"\n"+verb+"\n", x, *x)
		}
		for _, h := range []slog.Handler{slog.NewTextHandler(&said, nil), slog.NewJSONHandler(&said, nil)} {
			slog.New(h).Info("session", "pointer", x, "value", *x, "in", []any{x, *x})
		}
		ctx.Body = fmt.Sprint(x)
		return nil
	}
	s := m.in()
	s.get("/set")
	a := s.get("/print")
	assert.Equal(t, `session of kind "session" with 1 values`, a.body)
	for _, secret := range []string{"lembas", s.cookie.Value, m.rows()[0].Handle, "frodo"} {
		assert.NotContains(t, said.String(), secret)
	}
	assert.Contains(t, said.String(), `"by pointer":{"kind":"session","loaded":true,"new":false,"values":1}`)
	assert.Contains(t, said.String(), "pointer.values=1 ")
	var none *app.Session
	b, err := json.Marshal(none)
	require.NoError(t, err)
	assert.Equal(t, "null", string(b))
	assert.NotPanics(t, func() { _ = fmt.Sprintf("%v %+v %v", none, app.Session{}, &app.Session{}) })
}
