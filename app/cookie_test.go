package app_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
)

// secret returns 32 bytes that differ with n.
func secret(n byte) []byte {
	sum := sha256.Sum256([]byte{n})
	return sum[:]
}

func keys(t testing.TB, ns ...byte) *app.Keys {
	t.Helper()
	var secrets [][]byte
	for _, n := range ns {
		secrets = append(secrets, secret(n))
	}
	k, err := app.NewKeys(secrets...)
	require.NoError(t, err)
	return k
}

// withKeys runs f for one request.
func withKeys(k *app.Keys, r *http.Request, f func(ctx *app.Context)) *httptest.ResponseRecorder {
	a := quiet()
	a.Keys = k
	w := httptest.NewRecorder()
	a.Use(last(func(ctx *app.Context) error {
		f(ctx)
		return ok(ctx)
	})).ServeHTTP(w, r)
	return w
}

// signed returns what the browser keeps after Set.
func signed(t testing.TB, k *app.Keys, c app.Cookie, value string) string {
	t.Helper()
	w := withKeys(k, get("/"), func(ctx *app.Context) { require.NoError(t, c.Set(ctx, value)) })
	require.Len(t, w.Result().Cookies(), 1)
	return w.Result().Cookies()[0].Value
}

// read returns what Get says of a value that the browser sends, and what it sets.
func read(k *app.Keys, c app.Cookie, value string) (got string, set *http.Cookie, err error) {
	r := get("/")
	r.Header.Set("Cookie", c.Name+"="+value)
	w := withKeys(k, r, func(ctx *app.Context) { got, err = c.Get(ctx) })
	if all := w.Result().Cookies(); len(all) > 0 {
		set = all[0]
	}
	return got, set, err
}

// forge signs as Keys do, at a time of its own.
func forge(key []byte, name, value string, at time.Time) string {
	text := fmt.Sprintf("%d|%s|", at.Unix(), base64.URLEncoding.EncodeToString([]byte(value)))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(name + "|" + strings.TrimSuffix(text, "|")))
	return base64.URLEncoding.EncodeToString(append([]byte(text), mac.Sum(nil)...))
}

func TestCookieDefaults(t *testing.T) {
	tests := []struct {
		name   string
		cookie app.Cookie
		want   string
	}{
		{"all of them", app.Cookie{Name: "theme"}, "theme=dark; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"everything said", app.Cookie{Name: "theme", Path: "/a", Domain: "example.com", MaxAge: time.Hour, SameSite: http.SameSiteStrictMode, Readable: true, InsecureHTTP: true},
			"theme=dark; Path=/a; Domain=example.com; Max-Age=3600; SameSite=Strict"},
		{"the default mode is Lax", app.Cookie{Name: "theme", SameSite: http.SameSiteDefaultMode}, "theme=dark; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"another site may send it, over https", app.Cookie{Name: "theme", SameSite: http.SameSiteNoneMode}, "theme=dark; Path=/; HttpOnly; Secure; SameSite=None"},
		{"the longest life", app.Cookie{Name: "theme", MaxAge: 400 * 24 * time.Hour}, "theme=dark; Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.cookie.Unsigned = true
			w := withKeys(nil, get("/"), func(ctx *app.Context) { require.NoError(t, test.cookie.Set(ctx, "dark")) })
			assert.Equal(t, []string{test.want}, w.Header()["Set-Cookie"])
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		})
	}
}

func TestCookieOptionsThatBrowsersWouldDropAreErrors(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name   string
		cookie app.Cookie
		value  string
	}{
		{"SameSite=None without Secure", app.Cookie{Name: "a", SameSite: http.SameSiteNoneMode, InsecureHTTP: true}, ""},
		{"__Host- without Secure", app.Cookie{Name: "__Host-a", InsecureHTTP: true}, ""},
		{"__Host- with a Domain", app.Cookie{Name: "__Host-a", Domain: "example.com"}, ""},
		{"__Host- with a Path", app.Cookie{Name: "__Host-a", Path: "/a"}, ""},
		{"__HOST- is the same prefix", app.Cookie{Name: "__HOST-a", Path: "/a"}, ""},
		{"__Secure- without Secure", app.Cookie{Name: "__secure-a", InsecureHTTP: true}, ""},
		{"a negative MaxAge", app.Cookie{Name: "a", MaxAge: -1}, ""},
		{"over 400 days", app.Cookie{Name: "a", MaxAge: 400*day + time.Second}, ""},
		{"less than a second, which would be for ever", app.Cookie{Name: "a", MaxAge: time.Second / 2}, ""},
		{"no name", app.Cookie{}, ""},
		{"a name with a blank", app.Cookie{Name: "a b"}, ""},
		{"a name with =", app.Cookie{Name: "a=b"}, ""},
		{"a name with a line end", app.Cookie{Name: "a\r\nSet-Cookie: b"}, ""},
		{"a name beyond ASCII", app.Cookie{Name: "ä"}, ""},
		{"a path with a line end", app.Cookie{Name: "a", Path: "/\n"}, ""},
		{"a path with another attribute", app.Cookie{Name: "a", Path: "/; Domain=example.com"}, ""},
		{"no domain at all", app.Cookie{Name: "a", Domain: "exa mple"}, ""},
		{"a value with a semicolon", app.Cookie{Name: "a"}, "x; Domain=example.org"},
		{"a value with a line end", app.Cookie{Name: "a"}, "x\r\nLocation: //example.org"},
		{"a value with a quote", app.Cookie{Name: "a"}, `x"y`},
		{"a value beyond ASCII", app.Cookie{Name: "a"}, "ring 💍"},
		{"a value with NUL", app.Cookie{Name: "a"}, "\x00"},
		{"over 4096 bytes with its name", app.Cookie{Name: "a"}, strings.Repeat("x", 4096)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.cookie.Unsigned = true
			w := withKeys(nil, get("/"), func(ctx *app.Context) { assert.ErrorContains(t, test.cookie.Set(ctx, test.value), "app: cookie ") })
			assert.Empty(t, w.Header()["Set-Cookie"])
		})
	}
	t.Run("4096 bytes with its name", func(t *testing.T) {
		withKeys(nil, get("/"), func(ctx *app.Context) {
			assert.NoError(t, app.Cookie{Name: "a", Unsigned: true}.Set(ctx, strings.Repeat("x", 4095)))
		})
	})
	t.Run("over 4096 bytes when signed", func(t *testing.T) {
		w := withKeys(keys(t, 1), get("/"), func(ctx *app.Context) {
			assert.Error(t, app.Cookie{Name: "a"}.Set(ctx, strings.Repeat("x", 3000)))
			assert.NoError(t, app.Cookie{Name: "a"}.Set(ctx, strings.Repeat("x", 2000)))
		})
		assert.Len(t, w.Header()["Set-Cookie"], 1)
	})
}

func TestSignedCookie(t *testing.T) {
	theme := app.Cookie{Name: "theme", MaxAge: time.Hour}
	k := keys(t, 1)
	value := signed(t, k, theme, "d; ärk\x00\r\n")
	flip := func(i int) string {
		b := []byte(value)
		if b[i]++; b[i] == '{' || b[i] == '[' || b[i] == ':' {
			b[i] = 'A'
		}
		return string(b)
	}
	t.Run("what was set is read", func(t *testing.T) {
		got, set, err := read(k, theme, value)
		require.NoError(t, err)
		assert.Equal(t, "d; ärk\x00\r\n", got)
		assert.Nil(t, set, "nothing to renew")
		got, _, err = read(k, theme, `"`+value+`"`)
		require.NoError(t, err, "in quotes")
		assert.Equal(t, "d; ärk\x00\r\n", got)
	})
	now := time.Now()
	_, _, err := read(k, theme, forge(secret(1), "theme", "x", now))
	require.NoError(t, err, "the test can sign")

	refused := map[string]string{
		"the value as it is":               "dark",
		"nothing":                          "",
		"one character changed at first":   flip(0),
		"one character changed":            flip(len(value) / 2),
		"one character changed in the MAC": flip(len(value) - 4),
		"cut short":                        value[:len(value)-4],
		"something behind it":              value + "AAAA",
		"twice":                            value + value,
		"another cookie's value":           signed(t, k, app.Cookie{Name: "other", MaxAge: time.Hour}, "dark"),
		"the name in other letters":        forge(secret(1), "Theme", "x", now),
		"no signature":                     base64.URLEncoding.EncodeToString([]byte(fmt.Sprintf("%d|%s|", now.Unix(), "eA=="))),
		"a key that nobody has":            forge(secret(9), "theme", "x", now),
		"an empty key":                     forge(nil, "theme", "x", now),
		"older than MaxAge":                forge(secret(1), "theme", "x", now.Add(-time.Hour-time.Minute)),
		"as old as the epoch":              forge(secret(1), "theme", "x", time.Unix(0, 0)),
		"bars alone":                       base64.URLEncoding.EncodeToString([]byte("|||")),
		"no base64":                        "%%%",
		"very long":                        strings.Repeat("A", 5000),
	}
	for name, v := range refused {
		t.Run(name, func(t *testing.T) {
			got, set, err := read(k, theme, v)
			assert.ErrorIs(t, err, http.ErrNoCookie)
			assert.Empty(t, got)
			assert.Nil(t, set)
		})
	}
	t.Run("a cookie without MaxAge does not grow old", func(t *testing.T) {
		got, _, err := read(k, app.Cookie{Name: "theme"}, forge(secret(1), "theme", "x", time.Unix(0, 0)))
		require.NoError(t, err)
		assert.Equal(t, "x", got)
	})
	t.Run("less than a second is not for ever", func(t *testing.T) {
		_, _, err := read(k, app.Cookie{Name: "theme", MaxAge: time.Second / 2}, forge(secret(1), "theme", "x", time.Unix(0, 0)))
		assert.ErrorIs(t, err, http.ErrNoCookie)
	})
	t.Run("without keys neither set nor read", func(t *testing.T) {
		_, _, err := read(nil, theme, value)
		assert.ErrorIs(t, err, app.ErrNoKeys)
		w := withKeys(nil, get("/"), func(ctx *app.Context) { assert.ErrorIs(t, theme.Set(ctx, "dark"), app.ErrNoKeys) })
		assert.Empty(t, w.Header()["Set-Cookie"])
	})
	t.Run("an unsigned cookie is not signed by asking for it", func(t *testing.T) {
		plain := app.Cookie{Name: "theme", Unsigned: true}
		assert.Equal(t, "dark", signed(t, k, plain, "dark"))
		_, _, err := read(k, theme, "dark")
		assert.ErrorIs(t, err, http.ErrNoCookie)
		got, _, err := read(nil, plain, "dark")
		assert.NoError(t, err)
		assert.Equal(t, "dark", got)
	})
}

func TestKeyRotation(t *testing.T) {
	theme := app.Cookie{Name: "theme"}
	old := signed(t, keys(t, 1), theme, "dark")

	got, set, err := read(keys(t, 2, 1), theme, old)
	require.NoError(t, err)
	assert.Equal(t, "dark", got)
	require.NotNil(t, set, "signed anew")
	require.NotEqual(t, old, set.Value)

	got, again, err := read(keys(t, 2), theme, set.Value)
	require.NoError(t, err, "the newest key alone reads what was signed anew")
	assert.Equal(t, "dark", got)
	assert.Nil(t, again)

	_, set, err = read(keys(t, 2), theme, old)
	assert.ErrorIs(t, err, http.ErrNoCookie, "the key was retired")
	assert.Nil(t, set)

	t.Run("the newest key signs", func(t *testing.T) {
		_, _, err := read(keys(t, 3), theme, signed(t, keys(t, 3, 2, 1), theme, "x"))
		assert.NoError(t, err)
	})
	t.Run("after the headers it is read only", func(t *testing.T) {
		r := get("/")
		r.Header.Set("Cookie", "theme="+old)
		w := withKeys(keys(t, 2, 1), r, func(ctx *app.Context) {
			ctx.Writer().WriteHeader(http.StatusAccepted)
			got, err := theme.Get(ctx)
			assert.NoError(t, err)
			assert.Equal(t, "dark", got)
			assert.ErrorIs(t, theme.Set(ctx, "light"), app.ErrHeadersSent)
			assert.ErrorIs(t, theme.Clear(ctx), app.ErrHeadersSent)
		})
		assert.Empty(t, w.Header()["Set-Cookie"])
	})
}

func TestOneSetCookieForAName(t *testing.T) {
	theme := app.Cookie{Name: "theme", Unsigned: true}
	w := withKeys(nil, get("/"), func(ctx *app.Context) {
		ctx.Header().Add("Set-Cookie", "themes=not this one")
		require.NoError(t, theme.Set(ctx, "one"))
		require.NoError(t, theme.Set(ctx, "two"))
		require.NoError(t, app.Cookie{Name: "theme", Path: "/a", Unsigned: true}.Set(ctx, "three"))
		require.NoError(t, app.Cookie{Name: "other", Unsigned: true}.Set(ctx, ""))
		require.NoError(t, theme.Clear(ctx))
		require.NoError(t, theme.Set(ctx, "last"))
	})
	assert.Equal(t, []string{"themes=not this one", "other=; Path=/; HttpOnly; Secure; SameSite=Lax", "theme=last; Path=/; HttpOnly; Secure; SameSite=Lax"}, w.Header()["Set-Cookie"])
}

func TestCookieIsCleared(t *testing.T) {
	theme := app.Cookie{Name: "__Host-theme"}
	a := quiet()
	a.Keys = keys(t, 1)
	c := apptest.NewClient(t, a.Use(last(func(ctx *app.Context) error {
		if ctx.Request.Method == http.MethodDelete {
			return theme.Clear(ctx)
		}
		return theme.Set(ctx, "dark")
	})))
	c.Get("/")
	require.NotNil(t, c.Cookie("__Host-theme"))
	res := c.Delete("/")
	assert.Nil(t, c.Cookie("__Host-theme"))
	assert.Equal(t, []string{"__Host-theme=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}, res.Header["Set-Cookie"])
	withKeys(nil, get("/"), func(ctx *app.Context) { assert.Error(t, app.Cookie{Name: "a b"}.Clear(ctx)) })
}

func TestSeveralCookiesOfAName(t *testing.T) {
	theme, k := app.Cookie{Name: "theme"}, keys(t, 1)
	one, two := signed(t, k, theme, "one"), signed(t, k, theme, "two")
	tests := []struct {
		name  string
		lines []string
		err   error
	}{
		{"the same twice", []string{"theme=" + one + "; theme=" + one}, nil},
		{"the same in two lines", []string{"theme=" + one, "theme=" + one}, nil},
		{"two that differ", []string{"theme=" + one + "; theme=" + two}, http.ErrNoCookie},
		{"two that differ, in two lines", []string{"theme=" + two, "theme=" + one}, http.ErrNoCookie},
		{"a wrong one before it", []string{"theme=x; theme=" + one}, http.ErrNoCookie},
		{"another name in other letters", []string{"Theme=x; theme=" + one}, nil},
		{"none", []string{"other=" + one}, http.ErrNoCookie},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := get("/")
			r.Header["Cookie"] = test.lines
			withKeys(k, r, func(ctx *app.Context) {
				_, err := theme.Get(ctx)
				assert.ErrorIs(t, err, test.err)
			})
		})
	}
}

func TestNewKeysRefusesWhatIsNoSecret(t *testing.T) {
	tests := []struct {
		name    string
		secrets [][]byte
	}{
		{"none", nil},
		{"an empty one", [][]byte{{}}},
		{"a nil one", [][]byte{nil}},
		{"a word", [][]byte{[]byte("changeme")}},
		{"31 bytes", [][]byte{secret(1)[:31]}},
		{"32 zeros", [][]byte{make([]byte, 32)}},
		{"one letter again and again", [][]byte{bytes.Repeat([]byte("x"), 64)}},
		{"a word again and again", [][]byte{bytes.Repeat([]byte("secret"), 10)}},
		{"a short one behind a good one", [][]byte{secret(1), []byte("precious")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k, err := app.NewKeys(test.secrets...)
			require.ErrorContains(t, err, "app: ")
			assert.Nil(t, k)
			for _, s := range test.secrets {
				assert.False(t, len(s) > 0 && strings.Contains(err.Error(), string(s)), "the secret is in the error")
			}
		})
	}
	t.Run("secrets are copied", func(t *testing.T) {
		mine := secret(1)
		k, err := app.NewKeys(mine)
		require.NoError(t, err)
		clear(mine)
		_, _, err = read(k, app.Cookie{Name: "a"}, signed(t, keys(t, 1), app.Cookie{Name: "a"}, "x"))
		assert.NoError(t, err)
	})
}

func TestKeysAreNeverPrinted(t *testing.T) {
	text := "0123456789abcdef-my-secret-0123456789"
	k, err := app.NewKeys([]byte(text), secret(1))
	require.NoError(t, err)
	a := app.New()
	a.Keys = k
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("keys", "pointer", k, "value", *k, "app", a)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("keys", "pointer", k, "value", *k)
	printed := []string{log.String(), k.String(), fmt.Sprint(k), fmt.Sprint(*k)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%T"} {
		printed = append(printed, fmt.Sprintf(verb, k), fmt.Sprintf(verb, *k), fmt.Sprintf(verb, a), fmt.Sprintf(verb, []any{k, *k}), fmt.Sprintf(verb, struct{ K app.Keys }{*k}))
	}
	for _, v := range []any{k, *k} {
		j, err := json.Marshal(v)
		require.NoError(t, err)
		printed = append(printed, string(j))
	}
	for _, p := range printed {
		for _, bad := range []string{text, "my-secret", "48 49 50", "303132", "30 31 32", "0x30, 0x31", fmt.Sprintf("%x", secret(1))[:12], "MDEyMzQ1"} {
			assert.NotContains(t, p, bad)
		}
	}
	assert.Equal(t, "2 keys", fmt.Sprintf("%#v", k))
}

func FuzzSignedCookie(f *testing.F) {
	theme, k := app.Cookie{Name: "theme", MaxAge: time.Hour}, keys(f, 1, 2)
	f.Add(signed(f, k, theme, "dark"))
	f.Add(signed(f, k, app.Cookie{Name: "other"}, "dark"))
	f.Add(forge(secret(2), "theme", "x", time.Now()))
	f.Add(base64.URLEncoding.EncodeToString([]byte("1|eA==|")))
	f.Add("a|b|c")
	f.Add(`"";theme=x; ;=;`)
	f.Fuzz(func(t *testing.T, header string) {
		r := get("/")
		r.Header["Cookie"] = []string{"theme=" + header}
		w := withKeys(k, r, func(ctx *app.Context) {
			got, err := theme.Get(ctx)
			if err != nil {
				assert.ErrorIs(t, err, http.ErrNoCookie)
				assert.Empty(t, got)
				return
			}
			// What passed was signed by one of the keys.
			raw, err := base64.URLEncoding.DecodeString(r.CookiesNamed("theme")[0].Value)
			require.NoError(t, err)
			require.Greater(t, len(raw), sha256.Size)
			text, mac := raw[:len(raw)-sha256.Size-1], raw[len(raw)-sha256.Size:]
			valid := false
			for n := byte(1); n <= 2; n++ {
				h := hmac.New(sha256.New, secret(n))
				h.Write([]byte("theme|"))
				h.Write(text)
				valid = valid || hmac.Equal(mac, h.Sum(nil))
			}
			assert.True(t, valid, "%q was never signed", header)
		})
		assert.Equal(t, http.StatusOK, w.Code)
	})
}
