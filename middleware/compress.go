package middleware

import (
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"github.com/kahu-go/kahu/app"
)

// CompressOptions are the options of [Compress].
type CompressOptions struct {
	// MinSize is how many bytes an answer has at least to be compressed; 0: 1024.
	MinSize int

	// InsecureSecrets compresses answers that may mix secrets with what a request brought, too:
	// those that depend on who asks, and those that set a cookie. An observer who can make
	// somebody's browser send requests learns the secrets from the lengths (BREACH); the length is
	// then padded by chance, which makes that slower and not impossible.
	InsecureSecrets bool
}

// Compress returns a layer that compresses answers by gzip or zstd where the client takes it, of
// types that become much smaller: text, JSON, XML, scripts, SVG. Their ETag becomes a weak one
// (RFC 9110 section 8.8.1). Streams are compressed piece by piece as they are flushed.
//
// Answers that are somebody's own are left as they are: those marked no-store or private, those
// that vary by Cookie or Authorization, and those that set a cookie. Kahu marks what depends on its
// own sessions and strategies; a handler that looks at cookies itself has to do that, too.
// Compress panics for a MinSize that is negative.
func Compress(o CompressOptions) app.Middleware {
	if o.MinSize < 0 {
		panic("middleware: CompressOptions.MinSize is negative")
	}
	if o.MinSize == 0 {
		o.MinSize = gzhttp.DefaultMinSize
	}
	jitter := 0
	if o.InsecureSecrets {
		jitter = 64
	}
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(o.MinSize), gzhttp.ContentTypeFilter(compressible), gzhttp.RandomJitter(jitter, 0, false))
	if err != nil {
		panic("middleware: Compress: " + err.Error())
	}
	return app.Wrap(func(next http.Handler) http.Handler {
		return wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&cautious{ResponseWriter: w, secrets: o.InsecureSecrets}, r)
		}))
	})
}

// A cautious writer stands below the compressor and keeps it from answers that are not to be
// compressed.
type cautious struct {
	http.ResponseWriter
	secrets bool
	begun   bool // bytes of the body went through
}

var _ http.Flusher = (*cautious)(nil)

func (c *cautious) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *cautious) WriteHeader(status int) {
	if status >= 200 {
		c.decide(c.Header())
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *cautious) decide(h http.Header) {
	if !c.secrets && personal(h) || lists(h, "Cache-Control", "no-transform") {
		h.Set(gzhttp.HeaderNoCompression, "1")
		return
	}
	_, compresses := c.ResponseWriter.(*gzhttp.GzipResponseWriter)
	if tag := h.Get("ETag"); compresses && strings.HasPrefix(tag, `"`) && len(h["Content-Encoding"]) == 0 {
		h.Set("ETag", "W/"+tag)
	}
}

func (c *cautious) Write(b []byte) (int, error) {
	c.begun = c.begun || len(b) > 0
	return c.ResponseWriter.Write(b)
}

func (c *cautious) Flush() { _ = c.FlushError() }

// FlushError is what http.ResponseController calls. Headers that are flushed before there is a
// body go out at once, though the compressor would keep them back; then the body is not compressed.
func (c *cautious) FlushError() error {
	if !c.begun {
		c.begun = true
		c.Header().Set(gzhttp.HeaderNoCompression, "1")
		if _, err := c.ResponseWriter.Write(nil); err != nil {
			return err
		}
	}
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// personal reports whether an answer is somebody's own.
func personal(h http.Header) bool {
	return len(h["Set-Cookie"]) > 0 || lists(h, "Cache-Control", "no-store", "private") || lists(h, "Vary", "cookie", "authorization")
}

// lists reports whether a header has one of the words.
func lists(h http.Header, name string, words ...string) bool {
	for _, line := range h[name] {
		for part := range strings.SplitSeq(line, ",") {
			word, _, _ := strings.Cut(part, "=")
			if slices.Contains(words, strings.ToLower(strings.TrimSpace(word))) {
				return true
			}
		}
	}
	return false
}

var compressed = []string{"application/javascript", "application/json", "application/manifest", "application/wasm", "application/xml", "application/x-ndjson", "image/svg+xml", "font/ttf", "font/otf"}

func compressible(contentType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	kind = strings.TrimSpace(kind)
	return kind == "" || strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") || slices.Contains(compressed, kind)
}
