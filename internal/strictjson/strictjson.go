// Package strictjson refuses what encoding/json lets through.
package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits bound what the sender of a text can make us keep track of.
type Limits struct {
	Values int // at any depth
	Depth  int // levels: an object, what is in it, what is in that
}

// Decode decodes a text into v, a pointer to a struct or a map, after [Check]: at most
// 10,000 values and 64 levels.
func Decode(text []byte, v any) error {
	if err := Check(text, reflect.TypeOf(v), Limits{Values: 10_000, Depth: 64}, nil); err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// Check refuses a text that is not one JSON object in UTF-8, and in it names that stand
// twice or differ from a field's of t in case only, null for what cannot be nil, lone
// surrogates, and more than the limits. t is what the object will be decoded into; nil:
// nothing in particular. It decodes nothing. member, if there is one, is told the members
// of the object as they come, their values undecoded: what it was told counts only if there
// is no error.
func Check(text []byte, t reflect.Type, limits Limits, member func(name, raw string)) error {
	switch {
	case !utf8.Valid(text):
		return errors.New("no UTF-8")
	case !json.Valid(text): // which has nothing behind the value
		return errors.New("no JSON")
	case loneSurrogate(text):
		return errors.New("half of a surrogate pair")
	}
	w := walk{text: string(text), limits: limits, member: member}
	if w.space(); w.text[w.at] != '{' {
		return errors.New("no object")
	}
	// Each name has a colon, so this holds all names without growing.
	w.names = make([]string, 0, min(strings.Count(w.text, ":"), limits.Values))
	return w.object(t, 1)
}

// A walk goes through the text of valid JSON.
type walk struct {
	text   string
	at     int
	limits Limits
	values int
	names  []string // of all objects that at is in, the innermost last
	member func(name, raw string)
}

// object checks the members of an object at whose { the walk is.
func (w *walk) object(t reflect.Type, depth int) error {
	known, values := Fields(t), element(t, reflect.Map)
	first := len(w.names)
	for w.at++; w.more('}'); {
		name, err := w.name()
		if err != nil {
			return err
		}
		w.names = append(w.names, name)
		field, exact := known[name]
		if !exact {
			field.Type = values
		}
		if !exact && foldsToAny(name, known) {
			return fmt.Errorf("the name %q is not written as it should be", name)
		}
		begin := w.at
		if err := w.value(field.Type, depth); err != nil {
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
func foldsToAny(name string, known map[string]Field) bool {
	for k := range known {
		if strings.EqualFold(name, k) {
			return true
		}
	}
	return false
}

func (w *walk) value(t reflect.Type, depth int) error {
	w.values++
	switch {
	case w.values > w.limits.Values:
		return fmt.Errorf("more than %d values", w.limits.Values)
	case depth >= w.limits.Depth:
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

func (w *walk) array(t reflect.Type, depth int) error {
	for w.at++; w.more(']'); {
		if err := w.value(t, depth); err != nil {
			return err
		}
	}
	return nil
}

// more goes on to what is next in a container, or leaves it behind its end.
func (w *walk) more(end byte) bool {
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
func (w *walk) name() (name string, err error) {
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
func (w *walk) quoted() string {
	begin := w.at
	for w.at++; w.text[w.at] != '"'; w.at++ {
		if w.text[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
	return w.text[begin:w.at]
}

func (w *walk) space() {
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
func loneSurrogate(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		switch r := hex4(text[i+1:]); {
		case r >= 0xdc00 && r < 0xe000:
			return true
		case r >= 0xd800 && r < 0xdc00:
			rest := text[i+5:]
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
