package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestBindJSON(t *testing.T) {
	var v signup
	w := bind(post("/", jsonType, `{"username":"frodo","age":-51,"height":1.2e0,"member":true,"rings":["one"],"home":{"name":"Bag End"},
		"friends":[{"name":"Bree"}],"byName":{"x":{"name":"Moria"}},"tags":{"a":"b"},"raw":{"Username":[1]},"unknown":{"a":1},"\u0070assword":"\ud83d\udc8d"}`), &v)
	require.Equal(t, http.StatusNoContent, w.Code, w.Body)
	assert.Equal(t, signup{
		Username: "frodo", Password: "💍", Age: -51, Height: 1.2, Member: true, Rings: []string{"one"}, Home: &place{"Bag End"},
		Friends: []place{{"Bree"}}, ByName: map[string]place{"x": {"Moria"}}, Tags: map[string]string{"a": "b"}, Raw: json.RawMessage(`{"Username":[1]}`),
	}, v)
}

func TestBindRefusesJSON(t *testing.T) {
	tests := []struct{ name, body string }{
		{"a name in capitals", `{"PASSWORD":"x"}`},
		{"a name in mixed case", `{"Password":"x"}`},
		{"a name with a long s", `{"u` + "\u017f" + `ername":"x"}`},
		{"a name with an escaped long s", `{"u\u017fername":"x"}`},
		{"a folded name in a map's value", `{"byName":{"x":{"NAME":"x"}}}`},
		{"a folded name behind a pointer", `{"home":{"Name":"x"}}`},
		{"a folded name in a list", `{"friends":[{"name":"x"},{"nAme":"x"}]}`},
		{"a name twice", `{"password":"x","password":"y"}`},
		{"a name twice, once escaped", `{"password":"x","p\u0061ssword":"y"}`},
		{"a name twice, with the same value", `{"password":"x","password":"x"}`},
		{"an unknown name twice", `{"a":1,"a":1}`},
		{"a name twice further down", `{"home":{"name":"x","name":"y"}}`},
		{"a name twice in a list", `{"unknown":[[{"a":1,"a":2}]]}`},
		{"a name twice in a map", `{"tags":{"a":"1","a":"2"}}`},
		{"a name twice in raw JSON", `{"raw":{"a":1,"a":2}}`},
		{"a name that is empty, twice", `{"":1,"":2}`},
		{"an object behind the object", `{"username":"x"}{"username":"y"}`},
		{"text behind the object", `{"username":"x"} or so`},
		{"a brace behind the object", `{"username":"x"}}`},
		{"a NUL behind the object", "{\"username\":\"x\"}\x00"},
		{"an array", `[{"username":"x"}]`},
		{"an empty array", `[]`},
		{"null", `null`},
		{"a string", `"username"`},
		{"a number", `1`},
		{"true", `true`},
		{"blanks alone", " \n\t"},
		{"a number for a string", `{"username":1}`},
		{"an object for a string", `{"password":{"$ne":""}}`},
		{"an array for a string", `{"password":["x"]}`},
		{"true for a string", `{"password":true}`},
		{"null for a string", `{"password":null}`},
		{"null for a number", `{"age":null}`},
		{"null in a list of strings", `{"rings":[null]}`},
		{"null in a map of strings", `{"tags":{"a":null}}`},
		{"a string for a number", `{"age":"1"}`},
		{"a fraction for a whole number", `{"age":1.5}`},
		{"a number that is too large", `{"age":128}`},
		{"a number out of every range", `{"height":1e999}`},
		{"a high surrogate alone", `{"username":"\ud800"}`},
		{"a low surrogate alone", `{"username":"\udc00"}`},
		{"surrogates in the wrong order", `{"username":"\udc00\ud800"}`},
		{"two high surrogates", `{"username":"\ud800\ud800\udc00"}`},
		{"a surrogate before another escape", `{"username":"\ud800\n"}`},
		{"half a pair in capitals", `{"username":"\uD83D\u0041"}`},
		{"a lone surrogate in an unknown name", `{"\udfff":1}`},
		{"a lone surrogate behind a backslash", `{"username":"\\\ud800"}`},
		{"invalid UTF-8", "{\"username\":\"\xff\"}"},
		{"UTF-8 cut short", "{\"username\":\"\xe2\x82\"}"},
		{"an overlong slash", "{\"username\":\"\xc0\xaf\"}"},
		{"a surrogate as UTF-8", "{\"username\":\"\xed\xa0\x80\"}"},
		{"invalid UTF-8 in an unknown name", "{\"\xfe\":1}"},
		{"a byte order mark", "\ufeff{\"username\":\"x\"}"},
		{"UTF-16", "\xff\xfe{\x00}\x00"},
		{"single quotes", `{'username':'x'}`},
		{"a comment", `{"username":"x"/**/}`},
		{"a comma too many", `{"username":"x",}`},
		{"a name without quotes", `{username:"x"}`},
		{"a control character in a string", "{\"username\":\"a\nb\"}"},
		{"NaN", `{"height":NaN}`},
		{"a leading zero", `{"age":01}`},
		{"an object that does not end", `{"username":"x"`},
		{"65 levels", strings.Repeat(`{"a":`, 65) + `1` + strings.Repeat(`}`, 65)},
		{"100,000 arrays in one another", `{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`},
		{"100,000 objects in one another", strings.Repeat(`{"a":`, 100_000) + `1` + strings.Repeat(`}`, 100_000)},
		{"100,000 arrays that do not end", strings.Repeat("[", 100_000)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, target := range []any{new(signup), &map[string]any{}} {
				r := post("/", jsonType, test.body)
				r.Header.Set("Accept", jsonType)
				w := bind(r, target)
				if _, untyped := target.(*map[string]any); untyped && w.Code == http.StatusNoContent {
					continue // some are wrong for a struct's fields alone
				}
				assert.Equal(t, http.StatusBadRequest, w.Code)
				assert.JSONEq(t, `{"errors":[{"title":"Malformed body","status":400}]}`, w.Body.String())
			}
		})
	}
}

func TestBindBoundsWhatDeepJSONCosts(t *testing.T) {
	body := `{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`
	perBody := testing.AllocsPerRun(5, func() { bind(post("/", jsonType, body), &map[string]any{}) })
	assert.Less(t, perBody, 1000.0, "as many allocations as levels would be a way in")
}

func TestBindJSONIntoStructsInStructs(t *testing.T) {
	type Base struct {
		ID   int `json:"id"`
		Name string
	}
	type Kind string
	type hidden struct{ Open string }
	type target struct {
		Base
		*place
		hidden
		Kind
		Named   Base         `json:"named"`
		At      *json.Number `json:"at"`
		Anybody any          `json:"anybody"`
		Deep    []map[string][]*place
		Numbers [2]int
		//lint:ignore SA5008 the comma makes "-" a name
		When *strings.Reader `json:"-,"`
	}
	good := `{"id":1,"Name":"n","name":"behind the pointer","Open":"o","Kind":"k","named":{"id":2},"at":1.50,"anybody":{"ID":1,"id":2},"Deep":[{"a":[{"name":"x"}]}],"Numbers":[1,2],"-":{}}`
	for _, name := range []string{"ID", "Id", "iD", "OPEN", "KIND", "\u212aind", "NAMED", "AT", "DEEP"} {
		w := bind(post("/", jsonType, `{"`+name+`":null}`), new(target))
		assert.Equal(t, http.StatusBadRequest, w.Code, name)
	}
	for _, body := range []string{`{"named":{"ID":1}}`, `{"Deep":[{"a":[{"Name":"x"}]}]}`, `{"Deep":[{"a":[null,{"NAME":"x"}]}]}`} {
		w := bind(post("/", jsonType, body), new(target))
		assert.Equal(t, http.StatusBadRequest, w.Code, body)
	}
	var v target
	w := serve(post("/", jsonType, good), last(func(ctx *app.Context) error {
		err := ctx.Bind(&v)
		assert.ErrorContains(t, err, "unexported", "encoding/json cannot set that either")
		return nil
	}))
	assert.Equal(t, http.StatusNotFound, w.Code)
}

func FuzzBind(f *testing.F) {
	for _, seed := range []string{
		`{"username":"frodo","password":"x"}`, `{"PASSWORD":1}`, `{"home":{"name":"\ud800"}}`, `{"a":1,"a":2}`, `{"\udbff\udfff":[{}]}`,
		"\ufeff{}", `{"raw":{"a":[1,2,{"b":null}]},"friends":[{"name":"x"}],"byName":{"":{"name":""}}}`, `{"age":1e2}`, "{\"\xff\":1}", `[[[[`,
	} {
		f.Add(true, []byte(seed))
	}
	for _, seed := range []string{"username=a&rings=1&rings=2", "age=%31&height=1e3", "a;b", "%", "member=on&home=x", "=&="} {
		f.Add(false, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, asJSON bool, body []byte) {
		for _, v := range []any{new(signup), &map[string]any{}} {
			kind := formType
			if asJSON {
				kind = jsonType
			}
			w := bind(post("/", kind, string(body)), v)
			switch w.Code {
			case http.StatusBadRequest:
				continue
			case http.StatusNoContent:
			default:
				t.Fatalf("%d for %q", w.Code, body)
			}
			if len(body) == 0 {
				continue
			}
			if asJSON {
				require.NoError(t, strict(body, reflect.TypeOf(v) == reflect.TypeFor[*signup]()), "%q was accepted", body)
			} else {
				_, err := url.ParseQuery(string(body))
				require.NoError(t, err)
			}
			again, err := json.Marshal(v)
			require.NoError(t, err)
			require.NoError(t, strict(again, false))
		}
	})
}

// strict is a check of its own: one object in UTF-8, names once, no lone surrogates,
// and no name that only looks like a signup's.
func strict(body []byte, names bool) error {
	if !utf8.Valid(body) {
		return errors.New("no UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return errors.New("no object")
	}
	if err := strictValue(d, names); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one value")
	}
	return strictEscapes(string(body))
}

func strictValue(d *json.Decoder, names bool) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[any]bool{}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			if err != nil || seen[name] {
				return fmt.Errorf("%v: %v", name, err)
			}
			seen[name] = true
			for _, known := range []string{"username", "password", "age", "height", "member", "rings", "home", "friends", "byName", "tags", "raw"} {
				if names && name != known && strings.EqualFold(name.(string), known) {
					return fmt.Errorf("%q looks like %q", name, known)
				}
			}
		}
		if err := strictValue(d, false); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// strictEscapes splits at backslash pairs and looks at every \u that is left.
func strictEscapes(body string) error {
	for part := range strings.SplitSeq(body, `\\`) {
		units := strings.Split(part, `\u`)
		high := rune(0)
		for i, unit := range units[1:] {
			var r rune
			fmt.Sscanf(unit[:4], "%x", &r)
			paired := high != 0 && units[i] != "" && len(units[i]) == 4
			switch {
			case high != 0 && (!paired || !utf16.IsSurrogate(r) || r < 0xdc00):
				return errors.New("a high surrogate alone")
			case high == 0 && r >= 0xdc00 && r < 0xe000:
				return errors.New("a low surrogate alone")
			}
			if high = 0; r >= 0xd800 && r < 0xdc00 {
				high = r
			}
		}
		if high != 0 {
			return errors.New("a high surrogate alone")
		}
	}
	return nil
}
