package middleware

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"

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
	if ctx.Fresh() {
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
	case io.Reader, *http.Response:
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
