package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// What clients choose cannot begin a line, or turn one around.
func TestLogEventsWritesOneLineForEach(t *testing.T) {
	hostile := []string{
		"x\nlevel=INFO msg=login subject=sauron", "x\r\nlevel=INFO", "\x1b[2K\x1b[1A", "\x00\x07\x7f", "\xff\xfe\xc3", "\u0085\u009b31m", "\u2028\u2029", "\u202egnol", "\v\f",
		`"}` + "\n" + `{"msg":"login"}`, "a=b c=\"d\"", "\xe2\x80", strings.Repeat("A\n", 20_000),
	}
	for handler, make := range map[string]func(*bytes.Buffer) slog.Handler{
		"TextHandler": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSONHandler": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		t.Run(handler, func(t *testing.T) {
			for _, text := range hostile {
				var log bytes.Buffer
				a := quiet().Use(last(func(ctx *app.Context) error {
					ctx.Emit(app.Event{Name: app.EventRefused, Via: text, Kind: text, Subject: text, Session: text, Reason: fmt.Errorf("app: %s", text), User: text, Info: text})
					return nil
				}))
				a.OnEvent = app.LogEvents(slog.New(make(&log)))
				r := get("/")
				r.Header.Set("User-Agent", text)
				record(a, r)
				line := log.String()
				require.True(t, strings.HasSuffix(line, "\n"), "%q", text)
				line = strings.TrimSuffix(line, "\n")
				assert.False(t, strings.ContainsFunc(line, func(r rune) bool {
					return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0x202e
				}), "%q", line)
				assert.True(t, len([]rune(line)) > 0 && strings.ToValidUTF8(line, "") == line, "%q", line)
				if handler == "JSONHandler" {
					var fields map[string]any
					require.NoError(t, json.Unmarshal([]byte(line), &fields))
					assert.Equal(t, "credential refused", fields["msg"])
					assert.Equal(t, "WARN", fields["level"])
				}
			}
		})
	}
	assert.PanicsWithValue(t, "app: LogEvents needs a logger", func() { app.LogEvents(nil) })
}

func TestLogEventsTellsTheRouteAndHowBadItIs(t *testing.T) {
	var log bytes.Buffer
	a := quiet().Use(func(ctx *app.Context, next app.Handler) error {
		ctx.Request.Pattern = "GET /private/{id}"
		return next(ctx)
	}, app.Authenticate(brooches{}), last(ok))
	a.OnEvent = app.LogEvents(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, at slog.Attr) slog.Attr {
		if at.Key == "at" || at.Key == "time" {
			return slog.Attr{}
		}
		return at
	}})))
	for _, token := range []string{brooch, "no"} {
		r := get("/private/7")
		r.Header.Set("Authorization", "Bearer "+token)
		record(a, r)
	}
	a.OnEvent(nil, app.Event{Name: app.EventReused, Subject: "frodo"})
	assert.Equal(t, `level=INFO msg="credential used" via=brooch subject=sam address=192.0.2.1 route="GET /private/{id}"
level=WARN msg="credential refused" via=brooch address=192.0.2.1 reason="app: rejected: Invalid token" route="GET /private/{id}"
level=WARN msg="credential reused" subject=frodo
`, log.String())
}

// A strategy that quotes its credential does not have it logged.
func TestLogEventsLeavesOutLongSecrets(t *testing.T) {
	var log bytes.Buffer
	a := quiet().Use(app.Authenticate(fails(&app.Rejection{Message: "No", Cause: fmt.Errorf("app: login required, not %s or %s", brooch, "friend")})), last(ok))
	a.OnEvent = app.LogEvents(slog.New(slog.NewTextHandler(&log, nil)))
	r := get("/?word=login+required&password=friend")
	r.Header.Set("X-Brooch", brooch)
	record(a, r)
	assert.NotContains(t, log.String(), brooch)
	assert.Contains(t, log.String(), "login required, not [redacted] or friend", "words are no secrets")
}

// What LogEvents leaves out nobody else prints, then and later.
func TestEventsArePrintedWithoutSecrets(t *testing.T) {
	var kept []app.Event
	var log bytes.Buffer
	a := quiet().Use(app.Authenticate(says(func(ctx *app.Context) (*app.Identity, error) {
		return nil, &app.Rejection{Message: "No", Cause: fmt.Errorf("no key %q in the table", ctx.Request.Header.Get("X-Brooch"))}
	})), last(ok))
	a.OnEvent = func(_ *app.Context, e app.Event) { kept = append(kept, e) }
	r := get("/")
	r.Header.Set("X-Brooch", brooch)
	record(a, r)
	require.Len(t, kept, 1)
	e := kept[0]
	r.Header.Del("X-Brooch")
	assert.ErrorContains(t, e.Reason, brooch, "the reason itself is as it was")
	app.LogEvents(slog.New(slog.NewTextHandler(&log, nil)))(nil, e)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("event", "e", e)
	b, err := json.Marshal(e)
	require.NoError(t, err)
	for _, text := range []string{string(b), log.String(), fmt.Sprint(e), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e), fmt.Sprintf("%s %d", &e, e)} {
		assert.NotContains(t, text, brooch)
		assert.Contains(t, text, "[redacted]")
		assert.Contains(t, text, "in the table")
	}
	e.Reason = fmt.Errorf("of another kind")
	assert.Contains(t, fmt.Sprint(e), `reason="of another kind"`, "who replaces the reason has it printed")
	e.Reason = reasons{"x"}
	assert.NotPanics(t, func() { assert.NotContains(t, fmt.Sprint(e), brooch) }, "an error that cannot be compared")
	e.Reason = nil
	assert.NotContains(t, fmt.Sprint(e), "reason=")
}

// Reasons are an error that cannot be compared.
type reasons []string

func (r reasons) Error() string { return r[0] }

// An event's own values may hold anything: a hash, a whole user.
func TestEventsArePrintedWithoutTheApplicationsValues(t *testing.T) {
	e := app.Event{
		Name: app.EventUsed, Time: time.Date(3018, 10, 20, 12, 0, 0, 0, time.UTC), Via: "brooch", Subject: "frodo\n12:00 login",
		User: struct{ Hash string }{"$2a$12$hash"}, Info: map[string]string{"secret": "$2a$12$hash"}, Reason: errBoom,
	}
	b, err := json.Marshal(e)
	require.NoError(t, err)
	assert.JSONEq(t, `{"event":"credential used","at":"3018-10-20T12:00:00Z","via":"brooch","subject":"frodo\ufffd12:00 login","reason":"boom"}`, string(b))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("event", "e", e)
	for _, text := range []string{log.String(), fmt.Sprint(e), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e), fmt.Sprintf("%s %d", &e, e)} {
		assert.NotContains(t, text, "$2a$12$hash")
		assert.Contains(t, text, "credential used")
		assert.NotContains(t, strings.TrimRight(text, "\n"), "\n")
	}
}
