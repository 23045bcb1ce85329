package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kahu-go/kahu/internal/strictjson"
)

const (
	maxParts    = 1000 // the limit of mime/multipart, too
	maxFiles    = 100
	maxFileName = 255     // what file systems take, in bytes
	maxBoundary = 70      // RFC 2046 section 5.1.1
	inMemory    = 1 << 20 // of files; the others are temporary ones
)

var (
	fileType  = reflect.TypeFor[*multipart.FileHeader]()
	filesType = reflect.TypeFor[[]*multipart.FileHeader]()
)

func isFile(t reflect.Type) bool { return t == fileType || t == filesType }

// An upload is a body of multipart/form-data that was read (RFC 7578).
type upload struct {
	form *multipart.Form
	size int64 // of the body, in bytes
	err  error // of reading it, which is not done twice
}

// boundary reports whether the request has a body that is multipart/form-data, and what is
// between its parts.
func (c *Context) boundary() (boundary string, ok bool) {
	t, params := c.contentType()
	return params["boundary"], t == "multipart/form-data" && c.HasBody()
}

func (c *Context) bindUpload(limit int64, boundary string, target reflect.Value) error {
	if err := checkLimit(limit); err != nil {
		return err
	}
	if err := c.encodedBody(); err != nil {
		return err
	}
	if c.uploaded == nil {
		c.uploaded = c.readUpload(limit, boundary)
	}
	switch u := c.uploaded; {
	case u.err != nil:
		return u.err
	case u.size > limit: // somebody above allowed more
		return tooLarge(nil)
	case target.Type() == anyMap:
		return malformed(u.bindMap(target))
	default:
		return malformed(u.bindStruct(target))
	}
}

// readUpload reads the parts of the body, which is not kept.
func (c *Context) readUpload(limit int64, boundary string) *upload {
	if boundary == "" || len(boundary) > maxBoundary {
		return &upload{err: malformed(errors.New("multipart without a usable boundary"))}
	}
	body := &measured{from: bytes.NewReader(c.body)}
	if !c.bodyRead {
		body.from = http.MaxBytesReader(c.w.w, c.Request.Body, limit)
		c.Request.Body = http.NoBody // what is behind the last part is for nobody
	}
	form, err := multipart.NewReader(body, boundary).ReadForm(inMemory)
	if err != nil {
		return &upload{err: uploadError(err)}
	}
	c.OnFinish(func() { _ = form.RemoveAll() }) // what is gone already is no fault
	c.Request.MultipartForm = form
	u := &upload{form: form, size: body.size}
	if err := checkParts(form); err != nil {
		u.err = uploadError(err)
	}
	return u
}

// uploadError says how an error of reading parts is answered: a disk that is full is no fault
// of the client.
func uploadError(err error) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large || errors.Is(err, multipart.ErrMessageTooLarge) {
		return tooLarge(err)
	}
	if _, ours := errors.AsType[*fs.PathError](err); ours {
		return fmt.Errorf("app: keeping the files of a body: %w", err)
	}
	if _, said := errors.AsType[*Error](err); said {
		return err
	}
	return malformed(err)
}

// checkParts refuses more parts than we look at and what is no UTF-8, and makes base names of
// those of files.
func checkParts(form *multipart.Form) error {
	parts, files := 0, 0
	for name, values := range form.Value {
		for _, text := range append(values, name) {
			if !utf8.ValidString(text) {
				return errors.New("no UTF-8")
			}
		}
		parts += len(values)
	}
	for name, headers := range form.File {
		if !utf8.ValidString(name) {
			return errors.New("no UTF-8")
		}
		for _, h := range headers {
			if h.Filename = baseName(h.Filename); len(h.Filename) > maxFileName {
				return fmt.Errorf("the name of a file of more than %d bytes", maxFileName)
			}
		}
		files += len(headers)
	}
	if parts+files > maxParts || files > maxFiles {
		return multipart.ErrMessageTooLarge
	}
	return nil
}

// baseName returns the last element of a path of any system, without what cannot be printed.
func baseName(name string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, lastElement(name)))
	if name == "." || name == ".." {
		return ""
	}
	return name
}

func lastElement(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }

// bindMap keeps one value as a string or a *multipart.FileHeader, and refuses more.
func (u *upload) bindMap(target reflect.Value) error {
	m := map[string]any{}
	for name, values := range u.form.Value {
		if len(values)+len(u.form.File[name]) > 1 {
			return fmt.Errorf("field %q is there twice", name)
		}
		m[name] = values[0]
	}
	for name, headers := range u.form.File {
		if len(headers) > 1 {
			return fmt.Errorf("field %q is there twice", name)
		}
		m[name] = headers[0]
	}
	target.Set(reflect.ValueOf(m))
	return nil
}

func (u *upload) bindStruct(target reflect.Value) error {
	for name, f := range strictjson.Fields(target.Type()) {
		values, headers := u.form.Value[name], u.form.File[name]
		if len(values)+len(headers) == 0 {
			continue
		}
		field, err := f.Of(target)
		if err == nil {
			err = setPart(field, values, headers)
		}
		if err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
	}
	return nil
}

// setPart sets a field from the parts of its name. Where nobody chose a file, browsers send
// an empty one without a name, which counts as a value.
func setPart(field reflect.Value, values []string, headers []*multipart.FileHeader) error {
	if !isFile(field.Type()) {
		if len(headers) > 0 {
			return errors.New("is a file")
		}
		return setValues(field, values)
	}
	for _, text := range values {
		if text != "" {
			return errors.New("is no file")
		}
	}
	switch {
	case len(headers) == 0:
	case field.Type() == filesType:
		field.Set(reflect.ValueOf(headers))
	case len(headers) > 1:
		return fmt.Errorf("is there %d times", len(headers))
	default:
		field.Set(reflect.ValueOf(headers[0]))
	}
	return nil
}

// measured counts what is read.
type measured struct {
	from io.Reader
	size int64
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.size += int64(n)
	return n, err
}
