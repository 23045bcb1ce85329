package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

const defaultBodyLimit = 1 << 20

// Bind decodes the request's body into v, a pointer to a struct or to a
// map[string]any: JSON (application/json) or a form (application/x-www-form-urlencoded)
// by its Content-Type. The query string is not read. It may be called again.
//
// It is strict (ASVS 2.2.1): JSON is one object in valid UTF-8, with nothing behind
// it, no name twice, and the names of fields are matched exactly; a form has a name
// once, unless the field is a slice. Names that v does not have are ignored. null is
// only for what can be nil. In a form the fields are strings, []string, bools and numbers.
//
// The errors are 400 for a malformed body, 413 for more than [App].BodyLimit, 415 for
// another type; for no body at all v stays as it is. They are to be returned.
func (c *Context) Bind(v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() || !bindable(target.Elem().Type()) {
		return fmt.Errorf("app: Bind takes a pointer to a struct or to a map[string]any, not a %T", v)
	}
	body, err := c.readBody()
	if err != nil || len(body) == 0 {
		return err
	}
	lines := c.Request.Header["Content-Type"]
	kind, _, err := mime.ParseMediaType(strings.Join(lines, ", "))
	if err != nil {
		kind = ""
	}
	switch kind {
	case "application/json":
		return malformed(bindJSON(body, v, target.Elem().Type()))
	case "application/x-www-form-urlencoded":
		return malformed(bindForm(body, target.Elem()))
	}
	return &Error{Status: http.StatusUnsupportedMediaType, Message: "Send application/json or application/x-www-form-urlencoded"}
}

var anyMap = reflect.TypeFor[map[string]any]()

func bindable(t reflect.Type) bool { return t.Kind() == reflect.Struct || t == anyMap }

func malformed(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Status: http.StatusBadRequest, Message: "Malformed body", Cause: err}
}

// readBody reads the body once and leaves it readable for handlers further down.
func (c *Context) readBody() ([]byte, error) {
	if c.bodyRead || c.Request.Body == nil {
		return c.body, nil
	}
	if len(c.Request.Header["Content-Encoding"]) > 0 {
		return nil, &Error{Status: http.StatusUnsupportedMediaType, Message: "Send the body without Content-Encoding"}
	}
	limit := int64(defaultBodyLimit)
	if c.app != nil && c.app.BodyLimit > 0 {
		limit = c.app.BodyLimit
	}
	// It stays there: who asks again gets the same error, not the rest of the body.
	c.Request.Body = http.MaxBytesReader(c.w.w, c.Request.Body, limit)
	body, err := io.ReadAll(c.Request.Body)
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, &Error{Status: http.StatusRequestEntityTooLarge, Cause: err}
		}
		return nil, &Error{Status: http.StatusBadRequest, Message: "The body did not arrive", Cause: err}
	}
	c.body, c.bodyRead = body, true
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

func bindJSON(body []byte, v any, t reflect.Type) error {
	if err := checkJSON(body, t); err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}

func bindForm(body []byte, target reflect.Value) error {
	if !utf8.Valid(body) {
		return errors.New("no UTF-8")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return err
	}
	for name, values := range form {
		if !utf8.ValidString(name) || slices.ContainsFunc(values, func(s string) bool { return !utf8.ValidString(s) }) {
			return errors.New("no UTF-8")
		}
	}
	if target.Type() == anyMap {
		return bindFormMap(form, target)
	}
	known := fields(target.Type())
	for name, values := range form {
		if b, ok := known[name]; ok {
			if err := setField(b, target, values); err != nil {
				return fmt.Errorf("field %q: %w", name, err)
			}
		}
	}
	return nil
}

// bindFormMap keeps one value as a string and refuses more.
func bindFormMap(form url.Values, target reflect.Value) error {
	m := map[string]any{}
	for name, values := range form {
		if len(values) != 1 {
			return fmt.Errorf("field %q is there %d times", name, len(values))
		}
		m[name] = values[0]
	}
	target.Set(reflect.ValueOf(m))
	return nil
}

func setField(b bound, target reflect.Value, values []string) error {
	field, err := b.of(target)
	if err != nil {
		return err
	}
	if field.Type() == reflect.TypeFor[[]string]() {
		field.Set(reflect.ValueOf(values))
		return nil
	}
	if len(values) != 1 {
		return fmt.Errorf("is there %d times", len(values))
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(values[0])
		return nil
	case reflect.Bool:
		field.SetBool(values[0] == "on" || values[0] == "true" || values[0] == "1")
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return setNumber(field, values[0])
	}
	return fmt.Errorf("a %s is not for forms", field.Type())
}

// setNumber takes what JSON takes for a number: no NaN, no hexadecimal, no null.
func setNumber(field reflect.Value, text string) error {
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return errors.New("no number")
	}
	return json.Unmarshal([]byte(text), field.Addr().Interface())
}
