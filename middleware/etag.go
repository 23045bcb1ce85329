package middleware

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
)

// ETag is a layer for conditional requests (RFC 9110 section 13): an answer of 200 to GET or HEAD
// gets a weak ETag made of its body, unless it has one or nobody may keep it (no-store), and is
// answered 304 without a body if the client has it already, by If-None-Match or
// If-Modified-Since. A stream gets no tag, but one that its handler sets, or Last-Modified, counts.
// What handlers write by hand is left alone. The handler runs in any case: what is saved is the
// way to the client.
func ETag(ctx *app.Context, next app.Handler) error {
	if err := next(ctx); err != nil {
		return err
	}
	method := ctx.Request.Method
	if ctx.Sent() || method != http.MethodGet && method != http.MethodHead || ctx.Status != 0 && ctx.Status != http.StatusOK || ctx.Body == nil {
		return nil
	}
	h := ctx.Header()
	if len(h["Etag"]) == 0 && kept(ctx) {
		if tag := tagOf(ctx); tag != "" {
			h.Set("ETag", tag)
		}
	}
	if fresh(ctx.Request.Header, h) {
		ctx.Status = http.StatusNotModified // the app drops the body, and closes it
	}
	return nil
}

// kept reports whether a client may keep the answer: the app marks what depends on who asks
// no-store, unless the handler says otherwise.
func kept(ctx *app.Context) bool {
	h := ctx.Header()
	if len(h["Cache-Control"]) == 0 {
		return ctx.Known() == nil && len(h["Set-Cookie"]) == 0
	}
	return !lists(h, "Cache-Control", "no-store")
}

// tagOf returns the tag of the body, or "". What is to be JSON is encoded here, once.
func tagOf(ctx *app.Context) string {
	var body []byte
	switch b := ctx.Body.(type) {
	case string:
		body = []byte(b)
	case []byte:
		body = b
	case io.Reader:
		return ""
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			return "" // the app answers and reports that
		}
		body, ctx.Body = encoded, encoded
		if !strings.Contains(ctx.Header().Get("Content-Type"), "json") {
			ctx.Header().Set("Content-Type", "application/json; charset=utf-8")
		}
	}
	sum := sha256.Sum256(body)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
}

// fresh reports whether the client has what is about to be sent. If-None-Match decides if it is
// there (RFC 9110 section 13.2.2).
func fresh(asked, h http.Header) bool {
	if lists(asked, "Cache-Control", "no-cache") {
		return false // an end-to-end reload
	}
	if lines := asked["If-None-Match"]; len(lines) > 0 {
		return matches(strings.Join(lines, ","), h.Get("ETag"))
	}
	since, err := http.ParseTime(asked.Get("If-Modified-Since"))
	if err != nil {
		return false
	}
	changed, err := http.ParseTime(h.Get("Last-Modified"))
	return err == nil && !changed.Truncate(time.Second).After(since)
}

// matches compares weakly: what counts is between the quotes.
func matches(list, tag string) bool {
	want := strings.TrimPrefix(tag, "W/")
	if want == "" {
		return false
	}
	if strings.TrimSpace(list) == "*" {
		return true
	}
	for list != "" {
		list = strings.TrimLeft(list, " \t,")
		rest := strings.TrimPrefix(list, "W/")
		if !strings.HasPrefix(rest, `"`) {
			return false
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return false
		}
		if rest[:end+2] == want {
			return true
		}
		list = rest[end+2:]
	}
	return false
}
