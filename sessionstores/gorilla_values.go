package sessionstores

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// maxDepth is how deep lists and objects may be nested in a value.
const maxDepth = 100

// encodeValues returns the values of a session of gorilla as data.
func encodeValues(values map[any]any) (map[string]json.RawMessage, error) {
	data := make(map[string]json.RawMessage, len(values))
	for k, v := range values {
		key, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("sessionstores: a session's key is a %T, not a string", k)
		}
		if !utf8.ValidString(key) {
			return nil, errors.New("sessionstores: a session's key is no valid UTF-8")
		}
		if err := storableValue(v, maxDepth); err != nil {
			return nil, fmt.Errorf("sessionstores: the session's value %q %w", key, err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("sessionstores: the session's value %q: %w", key, err)
		}
		data[key] = text
	}
	return data, nil
}

// storableValue reports what would not come back as it is.
func storableValue(v any, depth int) error {
	if depth == 0 {
		return fmt.Errorf("is nested more than %d deep", maxDepth)
	}
	switch v := v.(type) {
	case nil, bool:
		return nil
	case string:
		if !utf8.ValidString(v) {
			return errors.New("is no valid UTF-8")
		}
		return nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errors.New("is no finite number")
		}
		return nil
	case []any:
		return storableList(v, depth)
	case map[string]any:
		return storableObject(v, depth)
	}
	return fmt.Errorf("is a %T, which JSON gives back as something else: "+
		"use nil, bool, string, float64, []any or map[string]any", v)
}

func storableList(list []any, depth int) error {
	if list == nil {
		return errors.New("is a nil list, which JSON gives back as nil")
	}
	for _, v := range list {
		if err := storableValue(v, depth-1); err != nil {
			return err
		}
	}
	return nil
}

func storableObject(object map[string]any, depth int) error {
	if object == nil {
		return errors.New("is a nil map, which JSON gives back as nil")
	}
	for k, v := range object {
		if !utf8.ValidString(k) {
			return errors.New("has a key that is no valid UTF-8")
		}
		if err := storableValue(v, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// decodeValues is the inverse of encodeValues.
func decodeValues(data map[string]json.RawMessage) (map[any]any, error) {
	values := make(map[any]any, len(data))
	for key, text := range data {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			return nil, damaged("a value that is no JSON")
		}
		values[key] = v
	}
	return values, nil
}
