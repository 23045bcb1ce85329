package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// A strategy whose error quotes its credential, in every way that there is to do so.
func TestExplainLeavesOutSecrets(t *testing.T) {
	basic := "ZnJvZG86bXkgcHI6ZWNpb3Vz" // frodo:my pr:ecious
	for _, test := range []struct {
		name    string
		request func() *http.Request
		secret  string // quoted
		more    string // of it, must not be told
	}{
		{"a header", explainedWith("Authorization", "Bearer one.ring"), "Bearer one.ring", "ring"},
		{"a header after its scheme", explainedWith("Authorization", "Bearer one.ring"), "one.ring", "ring"},
		{"a header with two spaces", explainedWith("Authorization", "Bearer  one.ring"), "one.ring", "ring"},
		{"a header without a scheme", explainedWith("Authorization", "one-ring"), "one-ring", "ring"},
		{"a header in small letters", explainedWith("Authorization", "Bearer ONE.RING"), "one.ring", "ring"},
		{"a part of a token", explainedWith("Authorization", "Bearer kahu_0123456789.abcdefghij"), "abcdefghij", "cdef"},
		{"a custom header", explainedWith("X-Api-Key", "one-ring"), "one-ring", "ring"},
		{"a parameter in a header", explainedWith("Authorization", `Digest username="frodo", response="ring"`), "ring", "ring"},
		{"a token beside a scheme of one's own", explainedWith("X-Token", "Key one-ring;v=1"), "one-ring", "ring"},
		{"a subprotocol", explainedWith("Sec-WebSocket-Protocol", "chat, one-ring"), "one-ring", "ring"},
		{"a referer's query", explainedWith("Referer", "https://example.com/?token=one-ring-to-rule"), "one-ring-to-rule", "ring"},
		{"Basic credentials", explainedWith("Authorization", "Basic "+basic), basic, "pr"},
		{"the decoded pair", explainedWith("Authorization", "Basic "+basic), "frodo:my pr:ecious", "ecious"},
		{"the decoded password", explainedWith("Authorization", "Basic "+basic), "my pr:ecious", "ecious"},
		{"the password up to a colon", explainedWith("Authorization", "Basic "+basic), "ecious", "ecious"},
		{"the decoded name", explainedWith("Authorization", "Basic "+basic), "frodo", "frodo"},
		{"a decoded pair in URL letters", explainedWith("Authorization", "Basic Pz4_PjpyaT8-P25n"), "ri?>?ng", "ri?>"},
		{"a cookie", explainedWith("Cookie", "a=b; token=one-ring"), "one-ring", "ring"},
		{"a quoted cookie", explainedWith("Cookie", `token="one-ring"`), "one-ring", "ring"},
		{"an escaped cookie decoded", explainedWith("Cookie", "token=one%20ring"), "one ring", "ring"},
		{"a cookie that nobody parses", explainedWith("Cookie", "token=one\x01ring"), "one\x01ring", "ring"},
		{"a cookie without a name", explainedWith("Cookie", "one-ring"), "one-ring", "ring"},
		{"a cookie in base64 decoded", explainedWith("Cookie", "token=b25lOnJpbmc%3D"), "one:ring", "ring"},
		{"a query parameter", explainedAt("/?token=one-ring"), "one-ring", "ring"},
		{"a query parameter decoded", explainedAt("/?token=one+ring%21"), "one ring!", "ring"},
		{"a query parameter as it came", explainedAt("/?token=one%2Bring"), "one%2Bring", "ring"},
		{"a query that nobody parses", explainedAt("/?token=one%zzring;x=1"), "one%zzring", "ring"},
		{"a query parameter with a semicolon", explainedAt("/?token=on;ri;ng"), "on;ri;ng", "on;ri"},
		{"a query that is a token", explainedAt("/?one-ring"), "one-ring", "ring"},
		{"a link in a mail", explainedAt("/reset/0123456789abcdef0123456789abcdef"), "0123456789abcdef0123456789abcdef", "cdef"},
		{"a password before the host", explainedAt("http://frodo:one-ring@example.com/"), "one-ring", "ring"},
		{"a form password", explainedForm("name=frodo&password=one+ring%21"), "one ring!", "ring"},
		{"a short form password in quotes", explainedForm("name=frodo&password=abc"), `"abc"`, "abc"},
		{"a form that begins like JSON", explainedForm("1&password=one-ring"), "one-ring", "ring"},
		{"a JSON password", explainedJSON(`{"name":"frodo","more":[{"password":"one-ring"}]}`), "one-ring", "ring"},
		{"a JSON number", explainedJSON(`{"pin":90210}`), "90210", "9021"},
		{"a JSON string decoded", explainedJSON(`{"password":"\u006fne-ring"}`), "one-ring", "ring"},
		{"a password as %q has it", explainedJSON(`{"password":"one\"ring\\\n"}`), `"one\"ring\\\n"`, "ring"},
		{"a password as JSON has it", explainedJSON(`{"password":"one<ring>é"}`), `"one\u003cring\u003eé"`, "ring"},
		{"a password as HTML has it", explainedForm("password=one%26ring"), "one&amp;ring", "ring"},
		{"a password as URLs have it", explainedJSON(`{"password":"one ring&"}`), "one+ring%26", "ring"},
		{"two that overlap", explainedWith("Cookie", "a=one-ring; b=ring-two"), "one-ring-two", "ring"},
		{"one that overlaps itself", explainedWith("Cookie", "a=xyxy"), "xyxyxy", "xy"},
		{"many times", explainedWith("Cookie", "a=ring"), "ringringring", "ring"},
		{"one that looks like what replaces it", explainedWith("Cookie", "a=[redacted]; b=acte; c=ring"), "ring acte", "acte"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, quoting := range []error{
				&app.Rejection{Message: "No", Cause: fmt.Errorf("token: <%s> is wrong", test.secret)},
				fmt.Errorf("token: <%s> cannot be looked up", test.secret),
				fmt.Errorf("token: <%s> is another's: %w", test.secret, app.ErrNoCredentials),
			} {
				lines := stepsOf(test.request(), bindingFirst, app.Authenticate(fails(quoting)), last(ok))
				require.Len(t, lines, 1)
				assert.NotContains(t, strings.ToLower(strings.ReplaceAll(lines[0], "[redacted]", "")), test.more)
				assert.Contains(t, lines[0], "[redacted]")
				assert.Contains(t, lines[0], "token: ", "what is no secret is left")
			}
		})
	}
	t.Run("in a form that a handler parsed", func(t *testing.T) {
		for _, body := range []string{"password=one-ring", "--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\none-ring\r\n--x--\r\n"} {
			r := explainedForm(body)()
			if strings.HasPrefix(body, "--") {
				r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			}
			lines := stepsOf(r, app.Authenticate(says(func(ctx *app.Context) (*app.Identity, error) {
				return nil, fmt.Errorf("%q is wrong", ctx.Request.PostFormValue("password"))
			})), last(ok))
			assert.NotContains(t, strings.Join(lines, ""), "ring")
		}
	})
	t.Run("a reason that is too long is not told", func(t *testing.T) {
		lines := stepsOf(get("/"), app.Authenticate(fails(errors.New(strings.Repeat("long ", 1000)))), last(ok))
		assert.Equal(t, []string{"app_test.says: fault: a reason of 5000 bytes"}, lines)
	})
	t.Run("a reason is one line", func(t *testing.T) {
		lines := stepsOf(get("/"), app.Authenticate(fails(errors.New("a\nb\x1b[1m\xff"))), last(ok))
		assert.Equal(t, []string{"app_test.says: fault: a\ufffdb\ufffd[1m\ufffd"}, lines)
	})
}

// What is too much to look through is not told of, and what cannot quote it is.
func TestExplainOfRequestsThatHoldTooMuch(t *testing.T) {
	const bound = 16 << 10
	long := strings.Repeat("a=b&", bound/4)
	for name, request := range map[string]func() *http.Request{
		"a query": explainedAt("/?" + long), "a cookie": explainedWith("Cookie", long), "a header": explainedWith("X-Token", long), "a path": explainedAt("/" + long),
		"a form": explainedForm(long + "a=b"), "many headers": func() *http.Request {
			r := get("/")
			r.Header["X-Token"] = make([]string, bound+1)
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			lines := stepsOf(request(), bindingFirst, app.Authenticate(fails(fmt.Errorf("no key: %w", app.ErrNoCredentials)), passes(), fails(&app.Rejection{Cause: app.ErrLoginRequired}), fails(errBoom)), last(ok))
			assert.Equal(t, []string{
				"app_test.says: passed: [redacted]", "app_test.says: passed: no credentials", "app_test.says: rejected: app: rejected: : app: login required", "app_test.says: fault: [redacted]",
			}, lines)
		})
	}
	for name, request := range map[string]func() *http.Request{
		"what holds no secret does not count": explainedWith("User-Agent", long+long), "a little less is told of": explainedWith("X-Token", long[:bound-8]),
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, []string{"app_test.says: fault: boom"}, stepsOf(request(), app.Authenticate(fails(errBoom)), last(ok)))
		})
	}
}

// padded are requests of which size bytes are what a client made up to keep us busy.
func padded(size int) map[string]*http.Request {
	list := func(format string, between string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			_, _ = fmt.Fprintf(&b, format+between, i)
		}
		return b.String()
	}
	var runs strings.Builder
	for n := 16; runs.Len() < size; n++ {
		runs.WriteString("x=" + strings.Repeat("a", n) + "&")
	}
	return map[string]*http.Request{
		"a query of values": explainedAt("/?" + list("a=%020d", "&"))(), "a query of escapes": explainedAt("/?" + list("a=%%3c%%22%%26%020d", "&"))(),
		"a query of runs": explainedAt("/?" + runs.String())(), "cookies": explainedWith("Cookie", list("a=%020d", ";"))(), "a header of values": explainedWith("X-B", list("a=%020d", ","))(),
		"a header of escapes": explainedWith("X-B", strings.Repeat("%61", size/3))(), "a path": explainedAt("/" + list("%020d", "/"))(), "a header of one letter": explainedWith("X-B", strings.Repeat("a", size))(),
	}
}

// refusing is an App whose strategies quote what they refuse, and that logs it.
func refusing(reasons ...error) *app.App {
	var strategies []app.Strategy
	for _, err := range reasons {
		strategies = append(strategies, fails(&app.Rejection{Message: "No", Cause: err}))
	}
	a := quiet().Use(app.Authenticate(strategies...), last(ok))
	a.OnEvent = app.LogEvents(slog.New(slog.DiscardHandler))
	return a
}

// What an anonymous client sends does not decide what it costs to tell that it was refused.
func TestEventsOfLongRequestsCostNoMore(t *testing.T) {
	a := refusing(errBoom, fmt.Errorf("no key %s", strings.Repeat("a", 4000)))
	short := testing.AllocsPerRun(5, func() { record(a, get("/")) })
	for name, r := range padded(900 << 10) {
		t.Run(name, func(t *testing.T) {
			assert.LessOrEqual(t, testing.AllocsPerRun(5, func() { record(a, r) }), short)
		})
	}
	for name, r := range padded(15 << 10) {
		t.Run("below the bound "+name, func(t *testing.T) {
			assert.LessOrEqual(t, testing.AllocsPerRun(5, func() { record(a, r) }), 40_000.0)
		})
	}
}

func BenchmarkEventsOfLongRequests(b *testing.B) {
	a := refusing(fmt.Errorf("no key %s", strings.Repeat("a", 4000)))
	for _, size := range []int{1 << 10, 15 << 10, 900 << 10} {
		for name, r := range padded(size) {
			b.Run(fmt.Sprintf("%d KiB/%s", size>>10, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					record(a, r)
				}
			})
		}
	}
}

func explainedWith(name, value string) func() *http.Request {
	return func() *http.Request {
		r := get("/")
		r.Header[name] = []string{value}
		return r
	}
}

func explainedAt(target string) func() *http.Request {
	return func() *http.Request { return httptest.NewRequest("GET", target, nil) }
}

func explainedForm(body string) func() *http.Request {
	return func() *http.Request { return post("/", "application/x-www-form-urlencoded", body) }
}

func explainedJSON(body string) func() *http.Request {
	return func() *http.Request { return post("/", "application/json", body) }
}

// bindingFirst reads the body as a strategy does.
func bindingFirst(ctx *app.Context, next app.Handler) error {
	_ = ctx.Bind(&map[string]any{})
	return next(ctx)
}

func FuzzExplainLeavesOutSecrets(f *testing.F) {
	for _, seed := range []string{"one-ring", "a b c d", "%%%%", `"\"\\"`, "\x00\x01\x02\x03", "\xff\xfe\xfd\xfc", "[redacted]", "ÄÖÜß", "====", "b25lOnJpbmc="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		if len(secret) < 4 || strings.TrimSpace(secret) != secret || strings.Trim(secret, `"`) != secret || len(secret) > 100 || strings.Contains("app_test.says: fault: <[redacted]>", secret) {
			return
		}
		for _, form := range []string{"%s", "%q", "%+q"} {
			r := explainedWith("X-Secret", secret)()
			lines := stepsOf(r, app.Authenticate(fails(fmt.Errorf("<"+form+">", secret))), last(ok))
			left := strings.ReplaceAll(strings.TrimPrefix(lines[0], "app_test.says: fault: "), "[redacted]", "")
			if strings.Trim(left, `<">`) != "" {
				t.Errorf("%q: %s", secret, lines[0])
			}
		}
	})
}
