package app

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// setValues makes of the texts that a client sent under a name the value v: of one, or of any
// number if v is a slice. Its errors do not repeat what the client sent.
func setValues(v reflect.Value, texts []string) error {
	if many(v.Type()) {
		list := reflect.MakeSlice(v.Type(), len(texts), len(texts))
		for i, text := range texts {
			if err := setValue(list.Index(i), text); err != nil {
				return err
			}
		}
		v.Set(list)
		return nil
	}
	if len(texts) != 1 {
		return fmt.Errorf("is there %d times", len(texts))
	}
	return setValue(v, texts[0])
}

var (
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType    = reflect.TypeFor[time.Duration]()
)

func readsText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textUnmarshaler) }

// many reports whether a type takes any number of texts.
func many(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && !readsText(t) && single(t.Elem())
}

// single reports whether a type can be made of one text.
func single(t reflect.Type) bool {
	if readsText(t) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}

func setValue(v reflect.Value, text string) error {
	t := v.Type()
	switch {
	case !single(t):
		return fmt.Errorf("a %s is not made of text", t)
	case !utf8.ValidString(text):
		return errors.New("no UTF-8")
	case readsText(t):
		if v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)) != nil {
			return fmt.Errorf("no %s", t)
		}
		return nil
	case t == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("no %s", t)
		}
		v.SetInt(int64(d))
		return nil
	case t.Kind() == reflect.String:
		v.SetString(text)
		return nil
	case t.Kind() == reflect.Bool:
		return setBool(v, text)
	}
	return setNumber(v, text)
}

// setBool takes what HTML forms and programs write.
func setBool(v reflect.Value, text string) error {
	switch text {
	case "on", "true", "1":
		v.SetBool(true)
	case "off", "false", "0":
		v.SetBool(false)
	default:
		return errors.New("neither true nor false")
	}
	return nil
}

// setNumber takes what JSON takes for a number: no NaN, no hexadecimal, no null.
func setNumber(v reflect.Value, text string) error {
	if strings.Trim(text, "+-.0123456789eE") != "" || json.Unmarshal([]byte(text), v.Addr().Interface()) != nil {
		return fmt.Errorf("no %s", v.Type())
	}
	return nil
}
