package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

const (
	defaultBodyLimit = 1 << 20

	// maxValues bounds what a client can make us allocate: two bytes of JSON become a value of many.
	maxValues = 10_000
)

var errTooManyValues = fmt.Errorf("more than %d values", maxValues)

// Bind decodes the request's body into v, a pointer to a struct or to a
// map[string]any: JSON (application/json) or a form (application/x-www-form-urlencoded)
// by its Content-Type. The query string is not read. It may be called again.
//
// It is strict (ASVS 2.2.1): JSON is one object in valid UTF-8, with nothing behind
// it, no name twice, and the names of fields are matched exactly; a form has a name
// once, unless the field is a slice. Names that v does not have are ignored. null is
// only for what can be nil. In a form the fields are strings, []string, bools and numbers.
// No body has more than 10,000 values, at any depth, and JSON at most 64 levels.
//
// The errors are 400 for a malformed body, 413 for more than [App].BodyLimit, 415 for
// another type; for no body at all v stays as it is. They are to be returned.
//
// What v does not name costs no memory, so where anybody may send a body a struct is
// better than a map, and [Context.BindUpTo] or [Context.BindStrings] better than Bind.
func (c *Context) Bind(v any) error {
	return c.BindUpTo(c.bodyLimit(), v)
}

func (c *Context) bodyLimit() int64 {
	if c.app != nil && c.app.BodyLimit > 0 {
		return c.app.BodyLimit
	}
	return defaultBodyLimit
}

// BindUpTo is [Context.Bind] with a limit of its own, in bytes, in place of
// [App].BodyLimit.
func (c *Context) BindUpTo(limit int64, v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() || !bindable(target.Elem().Type()) {
		return fmt.Errorf("app: Bind takes a pointer to a struct or to a map[string]any, not a %T", v)
	}
	body, isJSON, err := c.readBody(limit)
	switch {
	case err != nil || len(body) == 0:
		return err
	case isJSON:
		return malformed(bindJSON(body, v, target.Elem().Type()))
	}
	return malformed(bindForm(body, target.Elem()))
}

// BindStrings returns those of the named fields that the body has, at most limit bytes
// of it; 0: [App].BodyLimit. It is as strict as [Context.Bind], and what it returns are
// strings, each there once: anything else under one of the names is 400. Other fields
// are checked and not decoded, so it allocates a small multiple of the body, whatever
// that holds. It is made for routes that are open to everybody.
func (c *Context) BindStrings(limit int64, names ...string) (map[string]string, error) {
	if limit == 0 {
		limit = c.bodyLimit()
	}
	body, isJSON, err := c.readBody(limit)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	found := make(map[string]string, len(names))
	if isJSON {
		err = jsonStrings(body, names, found)
	} else {
		err = formStrings(body, names, found)
	}
	if err != nil {
		return nil, malformed(err)
	}
	return found, nil
}

var anyMap = reflect.TypeFor[map[string]any]()

func bindable(t reflect.Type) bool { return t.Kind() == reflect.Struct || t == anyMap }

func malformed(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Status: http.StatusBadRequest, Message: "Malformed body", Cause: err}
}

// readBody returns the body, and whether it is JSON or a form. No body has no type.
func (c *Context) readBody(limit int64) (body []byte, isJSON bool, err error) {
	if limit <= 0 {
		return nil, false, errors.New("app: the limit of a body must be positive")
	}
	if err := c.keepBody(limit); err != nil {
		return nil, false, err
	}
	if int64(len(c.body)) > limit { // somebody above allowed more
		return nil, false, &Error{Status: http.StatusRequestEntityTooLarge}
	}
	if len(c.body) == 0 {
		return nil, false, nil
	}
	kind, _, err := mime.ParseMediaType(strings.Join(c.Request.Header["Content-Type"], ", "))
	switch {
	case err == nil && kind == "application/json":
		return c.body, true, nil
	case err == nil && kind == "application/x-www-form-urlencoded":
		return c.body, false, nil
	}
	return nil, false, &Error{Status: http.StatusUnsupportedMediaType, Message: "Send application/json or application/x-www-form-urlencoded"}
}

// keepBody reads the body once and leaves it readable for handlers further down.
func (c *Context) keepBody(limit int64) error {
	if c.bodyRead || c.Request.Body == nil {
		return nil
	}
	if len(c.Request.Header["Content-Encoding"]) > 0 {
		return &Error{Status: http.StatusUnsupportedMediaType, Message: "Send the body without Content-Encoding"}
	}
	// It stays there: who asks again gets the same error, not the rest of the body.
	c.Request.Body = http.MaxBytesReader(c.w.w, c.Request.Body, limit)
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return &Error{Status: http.StatusRequestEntityTooLarge, Cause: err}
		}
		return &Error{Status: http.StatusBadRequest, Message: "The body did not arrive", Cause: err}
	}
	c.body, c.bodyRead = body, true
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

func bindJSON(body []byte, v any, t reflect.Type) error {
	if err := checkJSON(body, t, nil); err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}

// jsonStrings decodes the named members of the outermost object, and nothing else.
func jsonStrings(body []byte, names []string, found map[string]string) error {
	var wrong error
	err := checkJSON(body, nil, func(name, raw string) {
		if !slices.Contains(names, name) {
			return
		}
		if raw[0] != '"' {
			wrong = fmt.Errorf("%q is no string", name)
			return
		}
		var text string
		wrong = errors.Join(wrong, json.Unmarshal([]byte(raw), &text))
		found[name] = text
	})
	return errors.Join(err, wrong)
}
