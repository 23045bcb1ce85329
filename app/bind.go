package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/kahu-go/kahu/internal/strictjson"
)

const (
	defaultBodyLimit = 1 << 20

	// maxValues bounds what a client can make us allocate: two bytes of JSON become a value of many.
	maxValues = 10_000
)

var errTooManyValues = fmt.Errorf("more than %d values", maxValues)

// Bind decodes the request's body into v, a pointer to a struct or to a
// map[string]any: JSON (application/json) or a form (application/x-www-form-urlencoded,
// multipart/form-data) by its Content-Type. The query string is not read. It may be
// called again.
//
// It is strict (ASVS 2.2.1): JSON is one object in valid UTF-8, with nothing behind
// it, no name twice, and the names of fields are matched exactly; a form has a name
// once, unless the field is a slice. Names that v does not have are ignored. null is
// only for what can be nil. No body has more than 10,000 values, at any depth, and JSON
// at most 64 levels.
//
// In a form the fields are strings, bools (on or off, true or false, 1 or 0), numbers,
// time.Duration (1m30s), what is an encoding.TextUnmarshaler, and slices of these.
// Files of multipart/form-data are for fields of the struct itself that are a
// *multipart.FileHeader or a []*multipart.FileHeader; a form in which nobody chose a file leaves them
// as they are. Their names are the last element of a path, without what cannot be printed,
// maybe empty, and still the client's word, as their Content-Type is. Such a body has at
// most 1,000 parts, 100 of them files. What is more than 1 MiB of files is kept in
// temporary files, and these are removed when the request is over.
//
// The errors are 400 for a malformed body, 413 for more than [App].BodyLimit and for too
// many parts, 415 for another type; for no body at all v stays as it is. They are to be
// returned.
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
	if boundary, ok := c.boundary(); ok {
		return c.bindUpload(limit, boundary, target.Elem())
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
// that holds. It is made for routes that are open to everybody, and takes no
// multipart/form-data.
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
	if _, ok := c.boundary(); ok {
		return nil, false, &Error{Status: http.StatusUnsupportedMediaType, Message: "Send application/json or application/x-www-form-urlencoded"}
	}
	if err := c.encodedBody(); err != nil {
		return nil, false, err
	}
	if body, err = c.RawBodyUpTo(limit); err != nil || len(body) == 0 {
		return nil, false, err
	}
	switch t, _ := c.contentType(); t {
	case "application/json":
		return body, true, nil
	case "application/x-www-form-urlencoded":
		return body, false, nil
	}
	return nil, false, &Error{Status: http.StatusUnsupportedMediaType, Message: "Send application/json or application/x-www-form-urlencoded"}
}

// encodedBody refuses a body that somebody would have to unpack.
func (c *Context) encodedBody() error {
	if c.Request.Body == nil || len(c.Request.Header["Content-Encoding"]) == 0 {
		return nil
	}
	return &Error{Status: http.StatusUnsupportedMediaType, Message: "Send the body without Content-Encoding"}
}

func bindJSON(body []byte, v any, t reflect.Type) error {
	var wrong error
	fields := strictjson.Fields(t)
	err := checkJSON(body, t, func(name, raw string) {
		if f, ok := fields[name]; ok && isFile(f.Type) && raw != "null" {
			wrong = fmt.Errorf("the file %q is not for JSON", name) // which could say any name and size
		}
	})
	if err = errors.Join(err, wrong); err != nil {
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
