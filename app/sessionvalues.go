package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode"
	"unicode/utf8"
)

// ErrSessionTooLarge is returned by [Session.Set] if the session would hold more than
// [SessionOptions].MaxBytes, and by [Session.Save] if it would by what another request has
// set meanwhile. Answered 413.
var ErrSessionTooLarge = errors.New("app: the session holds too much")

// Get decodes the value of name into v, a pointer, and reports whether there is one.
func (x *Session) Get(name string, v any) (bool, error) {
	if err := x.usable(); err != nil {
		return false, err
	}
	raw := x.raw(name)
	if raw == nil || reserved(name) {
		return false, nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("app: session value %q: %w", name, err)
	}
	return true, nil
}

func (x *Session) raw(name string) json.RawMessage {
	if raw, ok := x.changed[name]; ok {
		return raw
	}
	if x.rec == nil {
		return nil
	}
	return x.rec.Data[name]
}

// Set keeps v, anything that encodes as JSON, under name, which begins with a letter.
// Setting what is there already is no change. The errors are [ErrHeadersSent],
// [ErrSessionTooLarge], and those of the name and of encoding.
func (x *Session) Set(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("app: session value %q: %w", name, err)
	}
	return x.set(name, raw)
}

// Delete removes the value of name. The errors are those of Set.
func (x *Session) Delete(name string) error { return x.set(name, nil) }

// Clear removes all values, a flash message and a return-to address too. Who is logged
// in stays so: for another id as well see [Session.Regenerate]. What other requests set
// meanwhile stays. The errors are those of Set.
func (x *Session) Clear() error {
	if err := x.changeable(); err != nil {
		return err
	}
	x.changed = map[string]json.RawMessage{}
	if x.rec == nil {
		return nil
	}
	for name := range x.rec.Data {
		if !reserved(name) {
			x.changed[name] = nil
		}
	}
	return nil
}

// Names returns the names of the values, sorted. On a fault there are none, and it is
// answered, as for [Context.User].
func (x *Session) Names() []string {
	if x.usable() != nil {
		return nil
	}
	var names []string
	for name := range x.merged() {
		if !reserved(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Len returns how many values there are. On a fault it is 0, as Names has none.
func (x *Session) Len() int { return len(x.Names()) }

// IsNew reports whether nothing of the session is stored yet. On a fault it is false,
// and that is answered, as for [Context.User].
func (x *Session) IsNew() bool { return x.usable() == nil && x.rec == nil }

// checkName refuses what would be taken for the framework's, or would not come back as
// it was: JSON has no invalid UTF-8.
func checkName(name string) error {
	if first, _ := utf8.DecodeRuneInString(name); !unicode.IsLetter(first) || !utf8.ValidString(name) {
		return fmt.Errorf("app: the name of a session value is text that begins with a letter, which %.40q is not", name)
	}
	return nil
}

// changeable returns why a value cannot be changed now.
func (x *Session) changeable() error {
	if x.ctx.settled && !x.saving || x.ctx.sent {
		return ErrHeadersSent
	}
	return x.usable()
}

func (x *Session) set(name string, raw json.RawMessage) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := x.changeable(); err != nil {
		return err
	}
	if bytes.Equal(raw, x.raw(name)) {
		return nil
	}
	total := size(x.merged())
	before, had := x.changed[name]
	if x.changed == nil {
		x.changed = map[string]json.RawMessage{}
	}
	x.changed[name] = raw
	after := size(x.merged())
	if after <= x.s.o.MaxBytes || after < total {
		return nil
	}
	if delete(x.changed, name); had {
		x.changed[name] = before
	}
	return fmt.Errorf("%w: over %d bytes", ErrSessionTooLarge, x.s.o.MaxBytes)
}

// merged returns what is stored with the changes on top.
func (x *Session) merged() map[string]json.RawMessage {
	data := map[string]json.RawMessage{}
	if x.rec != nil {
		maps.Copy(data, x.rec.Data)
	}
	for name, raw := range x.changed {
		if raw == nil {
			delete(data, name)
		} else {
			data[name] = raw
		}
	}
	return data
}

// size is about what data takes as JSON.
func size(data map[string]json.RawMessage) int {
	n := len("{}")
	for name, raw := range data {
		n += len(name) + len(raw) + len(`"":,`)
	}
	return n
}
