package strictjson_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/strictjson"
)

type place struct {
	Name string `json:"name"`
}

type person struct {
	place
	Age     int              `json:"age"`
	Home    *place           `json:"home"`
	Friends []place          `json:"friends"`
	ByName  map[string]place `json:"byName"`
	Raw     json.RawMessage  `json:"raw"`
	Hidden  string           `json:"-"`
}

func TestDecode(t *testing.T) {
	var p person
	require.NoError(t, strictjson.Decode([]byte(` {"name":"frodo","age":51,"home":null,"friends":[{"name":"sam"}],"byName":{"x":{"name":"\ud83d\udc8d"}},"raw":{"Age":[null]},"AGES":1,"Hidden":1}`+"\n"), &p))
	assert.Equal(t, person{
		place: place{"frodo"}, Age: 51, Friends: []place{{"sam"}}, ByName: map[string]place{"x": {"💍"}}, Raw: json.RawMessage(`{"Age":[null]}`),
	}, p)
	assert.Error(t, strictjson.Decode([]byte(`{"age":"51"}`), &p), "what encoding/json refuses")
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"nothing", "", "no JSON"},
		{"a list", "[]", "no object"},
		{"null", "null", "no object"},
		{"two objects", "{}{}", "no JSON"},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", "no UTF-8"},
		{"a byte order mark", "\ufeff{}", "no JSON"},
		{"half of a surrogate pair", `{"a":"\udc8d"}`, "surrogate"},
		{"a name twice", `{"a":1,"b":2,"a":1}`, `"a" is there twice`},
		{"a name twice, once escaped", `{"a":1,"\u0061":1}`, `"a" is there twice`},
		{"a name twice further down", `{"raw":[{"a":1,"a":1}]}`, `"a" is there twice`},
		{"a name in capitals", `{"AGE":1}`, `"AGE" is not written`},
		{"a name of an embedded struct in capitals", `{"Name":"x"}`, `"Name" is not written`},
		{"a name in capitals behind a pointer", `{"home":{"NAME":"x"}}`, `"NAME" is not written`},
		{"a name in capitals in a list", `{"friends":[{},{"NAME":"x"}]}`, `"NAME" is not written`},
		{"a name in capitals in a map", `{"byName":{"NAME":{"nAme":"x"}}}`, `"nAme" is not written`},
		{"null for a number", `{"age":null}`, "null for a int"},
		{"null for a struct", `{"friends":[null]}`, "null for a"},
		{"65 levels", `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "nested too deep"},
		{"10,001 values", `{"a":[` + strings.Repeat("0,", 9999) + `0]}`, "more than 10000 values"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.ErrorContains(t, strictjson.Decode([]byte(c.text), new(person)), c.says)
		})
	}
}

func TestCheckTellsTheMembersOfTheObject(t *testing.T) {
	var told []string
	err := strictjson.Check([]byte(` { "b" : [1, {"c": 2}] , "\u0061":"\"" ,"A":null}`), nil, strictjson.Limits{Values: 6, Depth: 4}, func(name, raw string) {
		told = append(told, name+"="+raw)
	})
	require.NoError(t, err)
	assert.Equal(t, []string{`b=[1, {"c": 2}]`, `a="\""`, `A=null`}, told)
}

func TestCheckCountsWhatIsThere(t *testing.T) {
	text := []byte(`{"b":[1,{"c":2}],"a":0}`) // five values on four levels
	for _, c := range []struct {
		limits strictjson.Limits
		says   string
	}{
		{strictjson.Limits{Values: 5, Depth: 4}, ""},
		{strictjson.Limits{Values: 4, Depth: 4}, "more than 4 values"},
		{strictjson.Limits{Values: 5, Depth: 3}, "nested too deep"},
		{strictjson.Limits{Depth: 4}, "more than 0 values"},
	} {
		err := strictjson.Check(text, nil, c.limits, nil)
		if c.says == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, c.says)
		}
	}
}

func TestFields(t *testing.T) {
	type hidden struct{ Open string }
	type inner struct{ Deep string }
	type target struct {
		*inner
		hidden
		place
		Name int // above the embedded one, under another name
	}
	found := strictjson.Fields(reflect.TypeFor[**target]())
	var names []string
	for name := range found {
		names = append(names, name)
	}
	assert.ElementsMatch(t, []string{"Deep", "Open", "name", "Name"}, names)
	for _, other := range []reflect.Type{nil, reflect.TypeFor[int](), reflect.TypeFor[map[string]int](), reflect.TypeFor[json.Number](), reflect.TypeFor[reflect.Value]()} {
		assert.Empty(t, strictjson.Fields(other), fmt.Sprint(other))
	}

	var v target
	field, err := found["name"].Of(reflect.ValueOf(&v).Elem())
	require.NoError(t, err)
	field.SetString("frodo")
	assert.Equal(t, "frodo", v.place.Name)
	_, err = found["Deep"].Of(reflect.ValueOf(&v).Elem())
	assert.ErrorContains(t, err, "unexported")
}

// Whatever passes is read alike by who takes the first and who takes the last of two names.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{`{"name":"a","age":1}`, `{"a":{"a":[{}]},"b":null}`, `{"\u0061":1,"a":2}`, `{"a":"\ud83d\udc8d"}`, `{"a":"\\\ud83d"}`, `[[`, `{"NAME":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		told, count := map[string]string{}, 0
		err := strictjson.Check(text, reflect.TypeFor[person](), strictjson.Limits{Values: 100, Depth: 10}, func(name, raw string) {
			told[name] = raw
			count++
		})
		if err != nil {
			return
		}
		var all map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(text, &all))
		require.Len(t, all, count)
		for name, raw := range all {
			require.JSONEq(t, string(raw), told[name])
		}
	})
}
