package strictjson

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// A Field is a field of a struct that a member of an object can set.
type Field struct {
	Type  reflect.Type
	index []int // through embedded structs
}

// Of returns the field in a struct. Embedded structs on the way to it are made; it is an
// error if one of them cannot be.
func (f Field) Of(v reflect.Value) (reflect.Value, error) {
	for _, i := range f.index {
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

// remembered is what Fields found: a text may hold many objects of one type.
var remembered sync.Map // of reflect.Type to map[string]Field

// Fields returns the fields of a struct under the names that encoding/json knows them
// by; none for other types and for those that decode themselves. The map is shared: it
// is not to be changed.
func Fields(t reflect.Type) map[string]Field {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct || decodesItself(t) {
		return nil
	}
	if found, ok := remembered.Load(t); ok {
		return found.(map[string]Field)
	}
	found := findFields(t)
	remembered.Store(t, found)
	return found
}

// findFields goes down into embedded structs level by level: of a name that is there
// several times the one on top counts.
func findFields(t reflect.Type) map[string]Field {
	found := map[string]Field{}
	seen := map[reflect.Type]bool{t: true}
	for level := []Field{{Type: t}}; len(level) > 0; {
		var below []Field
		for _, outer := range level {
			for i := range outer.Type.NumField() {
				f := outer.Type.Field(i)
				own := Field{f.Type, append(slices.Clone(outer.index), i)}
				name, ok := jsonName(f)
				if inner := embedded(f); ok && name == "" && inner != nil {
					if !seen[inner] {
						seen[inner] = true
						below = append(below, Field{inner, own.index})
					}
					continue
				}
				if name == "" {
					name = f.Name
				}
				if _, above := found[name]; ok && f.IsExported() && !above {
					found[name] = own
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
