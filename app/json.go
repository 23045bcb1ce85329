package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxJSONDepth bounds what a client can make us keep track of.
const maxJSONDepth = 64

// checkJSON refuses what encoding/json lets through: text behind the value, names that
// stand twice or differ from a field's in case only, null for what cannot be nil, invalid
// UTF-8 and lone surrogates.
func checkJSON(body []byte, t reflect.Type) error {
	if !utf8.Valid(body) {
		return errors.New("no UTF-8")
	}
	if !json.Valid(body) {
		return errors.New("no JSON")
	}
	if loneSurrogate(body) {
		return errors.New("half of a surrogate pair")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	first, err := d.Token()
	if err != nil {
		return err
	}
	if first != json.Delim('{') {
		return errors.New("no object")
	}
	if err := checkObject(d, t, 1); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("text behind the object")
	}
	return nil
}

// checkObject checks the members of an object whose { was read, up to its }.
func checkObject(d *json.Decoder, t reflect.Type, depth int) error {
	known, values := fields(t), element(t, reflect.Map)
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if seen[name] {
			return fmt.Errorf("the name %q is there twice", name)
		}
		seen[name] = true
		field, exact := known[name]
		if !exact {
			field.typ = values
		}
		if !exact && foldsToAny(name, known) {
			return fmt.Errorf("the name %q is not written as it should be", name)
		}
		if err := checkValue(d, field.typ, depth); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// foldsToAny reports whether encoding/json would take name for one that is known.
func foldsToAny(name string, known map[string]bound) bool {
	for k := range known {
		if strings.EqualFold(name, k) {
			return true
		}
	}
	return false
}

func checkValue(d *json.Decoder, t reflect.Type, depth int) error {
	if depth >= maxJSONDepth {
		return errors.New("nested too deep")
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return checkObject(d, t, depth+1)
	case json.Delim('['):
		return checkArray(d, element(t, reflect.Slice, reflect.Array), depth+1)
	case nil:
		return checkNull(t)
	}
	return nil
}

// checkNull refuses a null that encoding/json would read as "leave it as it is".
func checkNull(t reflect.Type) error {
	if t == nil || decodesItself(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return nil
	}
	return fmt.Errorf("null for a %s", t)
}

func checkArray(d *json.Decoder, t reflect.Type, depth int) error {
	for d.More() {
		if err := checkValue(d, t, depth); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// element returns what a container of one of these kinds holds, nil for other types.
func element(t reflect.Type, kinds ...reflect.Kind) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || !slices.Contains(kinds, t.Kind()) || decodesItself(t) {
		return nil
	}
	return t.Elem()
}

// loneSurrogate reports whether valid JSON escapes half of a surrogate pair, of which
// encoding/json makes U+FFFD: two texts would become one.
func loneSurrogate(body []byte) bool {
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		i++
		if body[i] != 'u' {
			continue
		}
		switch r := hex4(body[i+1:]); {
		case r >= 0xdc00 && r < 0xe000:
			return true
		case r >= 0xd800 && r < 0xdc00:
			rest := body[i+5:]
			if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' {
				return true
			}
			if low := hex4(rest[2:]); low < 0xdc00 || low >= 0xe000 {
				return true
			}
			i += 6
		}
	}
	return false
}

// hex4 reads the four digits of an escape.
func hex4(b []byte) (r rune) {
	for _, digit := range b[:4] {
		r <<= 4
		switch {
		case digit <= '9':
			r |= rune(digit - '0')
		default:
			r |= rune(digit|0x20-'a') + 10
		}
	}
	return r
}
