package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// answer sends what the stack left behind: once, and after the sessions were saved.
func (c *Context) answer(err error) {
	if err == nil {
		err = c.misuse
	}
	err = c.sound(err)
	c.endEvents()
	if c.sent {
		c.afterSent(err)
		return
	}
	if err != nil {
		c.report(err)
		c.prepareError(err)
	}
	c.adopt()
	c.checkStatus()
	body := c.render() // before the sessions are saved: a 5xx saves none
	if serr := c.settle(c.Status); serr != nil {
		c.report(serr)
		// What the application said stands, unless it may rest on a user that could
		// not be asked for: a fault is never "not logged in".
		if err == nil || c.fault != nil {
			err = serr
			c.prepareError(err)
			body = c.render()
		}
		c.refusal = nil
	}
	c.sentErr = err
	c.over = true
	c.send(body)
}

// sound returns err, or the panic of its methods: those of a nil pointer, often.
func (c *Context) sound(err error) error {
	panicked := c.protect(func(*Context) error {
		_ = errors.Is(err, errNothing) // asks every error in it
		return nil
	})
	if panicked != nil {
		return panicked
	}
	return err
}

var errNothing = errors.New("app: no error")

// afterSent deals with what is left when the headers are sent: the Body after Flush, or an error
// that came too late for an answer.
func (c *Context) afterSent(err error) {
	if errors.Is(err, ErrStreamOver) {
		if e, ok := errors.AsType[*Error](err); ok && checked(e.Status) >= 500 {
			c.report(err)
		}
		err = nil
	}
	if err == nil {
		err = c.fault // a user that could not be found out while it was written
	}
	if err == nil && c.flushed != nil {
		c.flushed.answer(c)
		return
	}
	c.over = true
	c.dropBody()
	if err != nil && c.sentErr == nil {
		c.cut(err)
	}
}

// cut reports err and cuts the connection. What was sent is likely incomplete: the client must not
// take it for whole.
func (c *Context) cut(err error) {
	c.sentErr = err
	c.report(err)
	panic(http.ErrAbortHandler)
}

// checkStatus makes a whole answer of what was prepared.
func (c *Context) checkStatus() {
	switch {
	case c.Status == 0 && c.Body != nil:
		c.Status = http.StatusOK
	case c.Status == 0:
		c.Status = http.StatusNotFound
	default:
		if err := checkFinal(c.Status); err != nil {
			c.report(err)
			c.prepareError(err)
		}
	}
	if c.Body == nil && c.Status >= 400 && c.Status < 600 && !hasType(c.Header()) {
		c.prepareErrorBody(reply{status: c.Status})
	}
	if bodiless(c.Status) {
		c.dropBody()
		c.withoutBody()
	}
}

// checkFinal refuses what is no status of a whole answer.
func checkFinal(status int) error {
	if status < 200 || status > 999 {
		return fmt.Errorf("app: %d is no status to answer with", status)
	}
	return nil
}

func bodiless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusResetContent || status == http.StatusNotModified
}

// withoutBody removes what says that a body follows.
func (c *Context) withoutBody() {
	h := c.Header()
	h.Del("Content-Type")
	h.Del("Content-Length")
	h.Del("Transfer-Encoding")
}

// render encodes the Body, unless it is text or a stream, which are sent as they are.
func (c *Context) render() []byte {
	if _, ok := c.Body.(string); ok {
		return nil
	}
	if _, ok := reader(c.Body); ok {
		return nil
	}
	body, err := c.encode(c.Header())
	if err != nil {
		c.report(err)
		c.prepareError(err)
		body, _ = c.encode(c.Header())
	}
	return body
}

// send writes the prepared answer. The request is settled.
func (c *Context) send(body []byte) {
	if stream, ok := reader(c.Body); ok {
		c.stream(stream)
		return
	}
	if text, ok := c.Body.(string); ok {
		c.sendText(text)
		return
	}
	if len(body) > 0 {
		c.w.setLength(len(body))
	} else {
		c.emptyLength()
	}
	c.w.WriteHeader(c.Status)
	if len(body) > 0 && c.Request.Method != http.MethodHead {
		// An error here is the client's connection: nobody is left to tell.
		_, _ = c.w.w.Write(body)
	}
}

func (c *Context) sendText(text string) {
	setType(c.Header(), typeText)
	c.w.setLength(len(text))
	c.w.WriteHeader(c.Status)
	if c.Request.Method != http.MethodHead {
		_, _ = io.WriteString(c.w.w, text)
	}
}

// encode returns the bytes of the Body and sets the type that goes with them.
func (c *Context) encode(h http.Header) ([]byte, error) {
	switch b := c.Body.(type) {
	case nil:
		return nil, nil
	case string:
		setType(h, typeText)
		return []byte(b), nil
	case []byte:
		setType(h, typeBytes)
		return b, nil
	}
	body, err := c.marshal(c.Body)
	if err != nil {
		return nil, fmt.Errorf("app: the Body is no JSON: %w", err)
	}
	if !strings.Contains(h.Get("Content-Type"), "json") {
		h.Set("Content-Type", typeJSON)
	}
	return body, nil
}

// marshal encodes a value of the application, whose code may panic, as JSON.
func (c *Context) marshal(v any) (text []byte, err error) {
	err = c.protect(func(*Context) (err error) {
		text, err = json.Marshal(v)
		return err
	})
	return text, err
}

func hasType(h http.Header) bool { return len(h["Content-Type"]) > 0 }

func setType(h http.Header, t string) {
	if !hasType(h) {
		h.Set("Content-Type", t)
	}
}

// finishHeaders adds what every answer has and what follows from who asked.
func (c *Context) finishHeaders(h http.Header) {
	setOnce(h, "X-Content-Type-Options", "nosniff")
	cookie := c.askedSession()
	if cookie {
		addVary(h, "Cookie")
	}
	if c.proven && c.identity != nil && c.identity.of == nil {
		addVary(h, "Authorization")
	}
	if cookie || c.proven || c.account != nil || len(h["Set-Cookie"]) > 0 {
		// What depends on who asks must not stay in a shared cache (ASVS 14.3.2).
		setOnce(h, "Cache-Control", "no-store")
		switch said := cacheControl(h); {
		case strings.Contains(said, "public"), strings.Contains(said, "s-maxage"):
			h.Set("Cache-Control", "no-store")
		case !strings.Contains(said, "no-store") && !strings.Contains(said, "private"):
			h.Set("Cache-Control", "private, "+said) // not every shared cache heeds Vary
		}
		for name := range h {
			switch {
			case name == "X-Accel-Expires":
				h.Set(name, "0")
			case targetsCaches(name):
				h.Set(name, "no-store")
			}
		}
	}
}

// cacheControl returns all that Cache-Control says, in small letters.
func cacheControl(h http.Header) string {
	return strings.ToLower(strings.Join(h["Cache-Control"], ","))
}

// targetsCaches reports whether a header says to shared caches of one kind what they do in spite of
// Cache-Control (RFC 9213).
func targetsCaches(name string) bool {
	return name == "Surrogate-Control" || strings.HasSuffix(name, "-Cache-Control")
}

func (c *Context) realm() string {
	if len(c.kinds) > 0 {
		return c.kinds[0].s.o.Kind
	}
	return defaultKind
}

func setOnce(h http.Header, name, value string) {
	if len(h[name]) == 0 {
		h.Set(name, value)
	}
}
