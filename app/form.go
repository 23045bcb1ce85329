package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kahu-go/kahu/internal/strictjson"
)

// eachField tells take the fields of a form in their order.
func eachField(body []byte, take func(name, value string) error) error {
	form := string(body)
	if strings.Count(form, "&") >= maxValues {
		return errTooManyValues
	}
	for pair := range strings.SplitSeq(form, "&") {
		if pair == "" {
			continue
		}
		if strings.Contains(pair, ";") {
			return errors.New("a semicolon that is not escaped")
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := decoded(name)
		if err != nil {
			return err
		}
		if value, err = decoded(value); err != nil {
			return err
		}
		if err := take(name, value); err != nil {
			return err
		}
	}
	return nil
}

func decoded(part string) (string, error) {
	text, err := url.QueryUnescape(part)
	if err == nil && !utf8.ValidString(text) {
		err = errors.New("no UTF-8")
	}
	return text, err
}

func bindForm(body []byte, target reflect.Value) error {
	if target.Type() == anyMap {
		return bindFormMap(body, target)
	}
	known, form := strictjson.Fields(target.Type()), url.Values{}
	err := eachField(body, func(name, value string) error {
		if _, ok := known[name]; ok {
			form.Add(name, value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, values := range form {
		if err := setField(known[name], target, values); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
	}
	return nil
}

// bindFormMap keeps one value as a string and refuses more.
func bindFormMap(body []byte, target reflect.Value) error {
	m := map[string]any{}
	err := eachField(body, func(name, value string) error {
		if _, twice := m[name]; twice {
			return fmt.Errorf("field %q is there twice", name)
		}
		m[name] = value
		return nil
	})
	if err == nil {
		target.Set(reflect.ValueOf(m))
	}
	return err
}

func formStrings(body []byte, names []string, found map[string]string) error {
	return eachField(body, func(name, value string) error {
		if !slices.Contains(names, name) {
			return nil
		}
		if _, twice := found[name]; twice {
			return fmt.Errorf("field %q is there twice", name)
		}
		found[name] = value
		return nil
	})
}

func setField(f strictjson.Field, target reflect.Value, values []string) error {
	field, err := f.Of(target)
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
