package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxJSONDepth bounds what a client can make us keep track of.
const maxJSONDepth = 64

// checkJSON refuses what encoding/json lets through: names that stand twice or differ
// from a field's in case only, null for what cannot be nil, invalid UTF-8 and lone
// surrogates, and more values than maxValues. It decodes nothing. member, if there is
// one, is told the members of the object, their values undecoded.
func checkJSON(body []byte, t reflect.Type, member func(name, raw string)) error {
	switch {
	case !utf8.Valid(body):
		return errors.New("no UTF-8")
	case !json.Valid(body): // which has nothing behind the value
		return errors.New("no JSON")
	case loneSurrogate(body):
		return errors.New("half of a surrogate pair")
	}
	w := jsonWalk{text: string(body), member: member}
	if w.space(); w.text[w.at] != '{' {
		return errors.New("no object")
	}
	// Each name has a colon, so this holds all names without growing.
	w.names = make([]string, 0, min(strings.Count(w.text, ":"), maxValues))
	return w.object(t, 1)
}

// A jsonWalk goes through the text of valid JSON.
type jsonWalk struct {
	text   string
	at     int
	values int
	names  []string // of all objects that at is in, the innermost last
	member func(name, raw string)
}

// object checks the members of an object at whose { the walk is.
func (w *jsonWalk) object(t reflect.Type, depth int) error {
	known, values := fields(t), element(t, reflect.Map)
	first := len(w.names)
	for w.at++; w.more('}'); {
		name, err := w.name()
		if err != nil {
			return err
		}
		w.names = append(w.names, name)
		field, exact := known[name]
		if !exact {
			field.typ = values
		}
		if !exact && foldsToAny(name, known) {
			return fmt.Errorf("the name %q is not written as it should be", name)
		}
		begin := w.at
		if err := w.value(field.typ, depth); err != nil {
			return err
		}
		if depth == 1 && w.member != nil {
			w.member(name, w.text[begin:w.at])
		}
	}
	own := w.names[first:]
	w.names = w.names[:first]
	return onceEach(own)
}

// onceEach refuses names that stand twice. It sorts them.
func onceEach(names []string) error {
	slices.Sort(names)
	for i := range len(names) - 1 {
		if names[i] == names[i+1] {
			return fmt.Errorf("the name %q is there twice", names[i])
		}
	}
	return nil
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

func (w *jsonWalk) value(t reflect.Type, depth int) error {
	w.values++
	switch {
	case w.values > maxValues:
		return errTooManyValues
	case depth >= maxJSONDepth:
		return errors.New("nested too deep")
	}
	switch w.text[w.at] {
	case '{':
		return w.object(t, depth+1)
	case '[':
		return w.array(element(t, reflect.Slice, reflect.Array), depth+1)
	case '"':
		w.quoted()
		return nil
	case 'n':
		w.at += len("null")
		return checkNull(t)
	}
	w.at += strings.IndexAny(w.text[w.at:], ",]} \t\r\n")
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

func (w *jsonWalk) array(t reflect.Type, depth int) error {
	for w.at++; w.more(']'); {
		if err := w.value(t, depth); err != nil {
			return err
		}
	}
	return nil
}

// more goes on to what is next in a container, or leaves it behind its end.
func (w *jsonWalk) more(end byte) bool {
	w.space()
	switch w.text[w.at] {
	case end:
		w.at++
		return false
	case ',':
		w.at++
		w.space()
	}
	return true
}

// name returns a member's name and goes on to its value.
func (w *jsonWalk) name() (name string, err error) {
	raw := w.quoted()
	w.space()
	w.at++ // the colon
	w.space()
	if !strings.Contains(raw, `\`) {
		return raw[1 : len(raw)-1], nil
	}
	err = json.Unmarshal([]byte(raw), &name)
	return name, err
}

// quoted returns a string with its quotes, undecoded, and goes on behind it.
func (w *jsonWalk) quoted() string {
	begin := w.at
	for w.at++; w.text[w.at] != '"'; w.at++ {
		if w.text[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	return w.text[begin:w.at]
}

func (w *jsonWalk) space() {
	for w.at < len(w.text) && strings.IndexByte(" \t\r\n", w.text[w.at]) >= 0 {
		w.at++
	}
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
