package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
)

// LogEvents returns an [App].OnEvent that writes each event as one line: its name, and of the
// rest what is known, with the route of the request. Users are named by their Subject, their
// own values are left out, and of a reason what the request holds of long secrets, as
// [Context.Explain] does. What was refused, denied, throttled, reused or invalid is a warning. What
// clients chose cannot begin a line of its own, whatever the logger's handler (ASVS 16.4.1).
func LogEvents(to *slog.Logger) func(ctx *Context, e Event) {
	if to == nil {
		panic("app: LogEvents needs a logger")
	}
	return func(ctx *Context, e Event) {
		if ctx == nil {
			to.LogAttrs(context.Background(), e.level(), string(e.Name), e.attrs(nil)...)
			return
		}
		attrs := e.attrs(ctx)
		if route := ctx.Request.Pattern; route != "" {
			attrs = append(attrs, slog.String("route", route))
		}
		to.LogAttrs(ctx.Context(), e.level(), string(e.Name), attrs...)
	}
}

func (e Event) level() slog.Level {
	switch e.Name {
	case EventLoginFailed, EventLoginThrottled, EventRefused, EventReused, EventDenied, EventSessionInvalid:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// attrs are what is known of an event, but the application's own values.
func (e Event) attrs(ctx *Context) []slog.Attr {
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.Time("at", e.Time))
	add := func(name, text string) {
		if text != "" {
			attrs = append(attrs, slog.String(name, oneLine(text)))
		}
	}
	add("via", e.Via)
	add("kind", e.Kind)
	add("subject", e.Subject)
	add("session", e.Session)
	if e.Address.IsValid() {
		add("address", e.Address.String())
	}
	if e.Reason != nil {
		add("reason", e.why(ctx))
	}
	return attrs
}

// longSecret is what no reason has for a word of its own: to blot out a word would tell that it
// is a password.
const longSecret = 16

// why is the Reason without what the request holds of long secrets.
func (e Event) why(ctx *Context) string {
	if e.told != nil && (!canCompare(e.told) || !canCompare(e.Reason) || e.told == e.Reason) {
		return e.text
	}
	text := shortened(textOf(e.Reason))
	if ctx != nil && !static(e.Reason) {
		ctx.redact(longSecret, &text)
	}
	return text
}

// oneLine replaces what is no text: line ends, terminal escapes, what turns the direction around.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// MarshalJSON encodes what [LogEvents] logs, but the route.
func (e Event) MarshalJSON() ([]byte, error) {
	known := map[string]any{"event": e.Name}
	for _, a := range e.attrs(nil) {
		known[a.Key] = a.Value.Any()
	}
	return json.Marshal(known)
}

// Format prints what [LogEvents] logs, but the route, on one line.
func (e Event) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, e.Name)
	for _, a := range e.attrs(nil) {
		_, _ = fmt.Fprintf(f, " %s=%s", a.Key, strconv.Quote(a.Value.String()))
	}
}
