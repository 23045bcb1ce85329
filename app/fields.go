package app

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// A bound is a field of a struct that bodies can set.
type bound struct {
	index []int // through embedded structs
	typ   reflect.Type
}

// of returns the field in a struct. Embedded structs on the way to it are made.
func (b bound) of(v reflect.Value) (reflect.Value, error) {
	for _, i := range b.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() && !v.CanSet() {
				return v, errors.New("it is in an embedded pointer to an unexported type")
			}
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, nil
}

// boundFields remembers what fields found: a body may hold many objects of one type.
var boundFields sync.Map // of reflect.Type to map[string]bound

// fields returns the fields of a struct under the names that encoding/json knows them
// by; none for other types and for those that decode themselves.
func fields(t reflect.Type) map[string]bound {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct || decodesItself(t) {
		return nil
	}
	if found, ok := boundFields.Load(t); ok {
		return found.(map[string]bound)
	}
	found := findFields(t)
	boundFields.Store(t, found)
	return found
}

// findFields goes down into embedded structs level by level: of a name that is there
// several times the one on top counts.
func findFields(t reflect.Type) map[string]bound {
	found := map[string]bound{}
	seen := map[reflect.Type]bool{t: true}
	for level := []bound{{typ: t}}; len(level) > 0; {
		var below []bound
		for _, outer := range level {
			for i := range outer.typ.NumField() {
				f := outer.typ.Field(i)
				b := bound{append(slices.Clone(outer.index), i), f.Type}
				name, ok := jsonName(f)
				if inner := embedded(f); ok && name == "" && inner != nil {
					if !seen[inner] {
						seen[inner] = true
						below = append(below, bound{b.index, inner})
					}
					continue
				}
				if name == "" {
					name = f.Name
				}
				if _, above := found[name]; ok && f.IsExported() && !above {
					found[name] = b
				}
			}
		}
		level = below
	}
	return found
}

// jsonName returns the name in a field's tag, if it has one, and whether the field
// takes part at all.
func jsonName(f reflect.StructField) (name string, ok bool) {
	tag := f.Tag.Get("json")
	name, _, _ = strings.Cut(tag, ",")
	return name, tag != "-"
}

// embedded returns the struct type that a field embeds, or nil.
func embedded(f reflect.StructField) reflect.Type {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !f.Anonymous || t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
