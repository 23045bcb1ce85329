package app

import (
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
		name, value, err := decodePair(pair)
		if err == nil {
			err = take(name, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decodePair reads name=value. The name is there, too, if only the value is malformed.
func decodePair(pair string) (name, value string, err error) {
	name, value, _ = strings.Cut(pair, "=")
	if name, err = decoded(name); err != nil {
		return "", "", err
	}
	if value, err = decoded(value); err == nil && strings.Contains(pair, ";") {
		err = errors.New("a semicolon that is not escaped")
	}
	return name, value, err
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
	return setValues(field, values)
}
