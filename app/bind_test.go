package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// A signup has a field of each kind that bodies can set.
type signup struct {
	Username string            `json:"username"`
	Password string            `json:"password"`
	Age      int8              `json:"age"`
	Height   float64           `json:"height"`
	Member   bool              `json:"member"`
	Rings    []string          `json:"rings"`
	Home     *place            `json:"home"`
	Friends  []place           `json:"friends"`
	ByName   map[string]place  `json:"byName"`
	Tags     map[string]string `json:"tags"`
	Raw      json.RawMessage   `json:"raw"`
	Admin    bool              `json:"-"`
	secret   string
}

type place struct {
	Name string `json:"name"`
}

// bind runs Bind for one request.
func bind(r *http.Request, v any) *httptest.ResponseRecorder {
	return serve(r, last(func(ctx *app.Context) error {
		ctx.Status = http.StatusNoContent
		return ctx.Bind(v)
	}))
}

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
		When    *strings.Reader `json:"-,"`
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

func TestBindForm(t *testing.T) {
	var v signup
	w := bind(post("/", formType, "username=fr%C3%B6do+b&age=-51&height=1.2&member=on&rings=one&rings=two&unknown=1&unknown=2"), &v)
	require.Equal(t, http.StatusNoContent, w.Code, w.Body)
	assert.Equal(t, signup{Username: "frödo b", Age: -51, Height: 1.2, Member: true, Rings: []string{"one", "two"}}, v)

	m := map[string]any{"before": true}
	require.Equal(t, http.StatusNoContent, bind(post("/", formType, "a=1&b="), &m).Code)
	assert.Equal(t, map[string]any{"a": "1", "b": ""}, m)
}

func TestBindRefusesForms(t *testing.T) {
	tests := []struct {
		name, body string
		any        bool // wrong for a map too
	}{
		{"a field twice", "username=a&username=b", true},
		{"a field twice, once escaped", "username=a&%75sername=b", true},
		{"a percent sign alone", "username=100%", true},
		{"percent without hexadecimal", "username=%zz", true},
		{"percent cut short", "username=%4", true},
		{"a bad name", "%zz=1", true},
		{"a semicolon", "username=a;password=b", true},
		{"escaped invalid UTF-8", "username=%ff", true},
		{"an escaped surrogate", "username=%ed%a0%80", true},
		{"invalid UTF-8", "username=\xff", true},
		{"invalid UTF-8 in a name", "%fe=1", true},
		{"text for a number", "age=old", false},
		{"nothing for a number", "age=", false},
		{"null for a number", "age=null", false},
		{"NaN for a number", "height=NaN", false},
		{"a hexadecimal number", "height=0x1p-2", false},
		{"a number that is too large", "age=128", false},
		{"a number in brackets", "age=[1]", false},
		{"an object for a struct", `home={"name":"x"}`, false},
		{"a map", "tags=1", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var v signup
			assert.Equal(t, http.StatusBadRequest, bind(post("/", formType, test.body), &v).Code)
			if test.any {
				assert.Equal(t, http.StatusBadRequest, bind(post("/", formType, test.body), &map[string]any{}).Code)
			}
		})
	}
}

// TestBindSetsOnlyWhatIsNamed: a body reaches no field but those with the exact name.
func TestBindSetsOnlyWhatIsNamed(t *testing.T) {
	type Rights struct{ Admin bool }
	type account struct {
		Name   string `json:"name"`
		Rights `json:"-"`
		Role   struct{ Rights } `json:"role"`
	}
	type renamed struct {
		Rights `json:"rights"`
	}
	type shadow struct {
		Rights
		Admin string
	}
	t.Run("json", func(t *testing.T) {
		var v signup
		bind(post("/", jsonType, `{"Admin":true,"-":true,"secret":"x","unknown":1}`), &v)
		assert.Equal(t, signup{}, v)
		var a account
		bind(post("/", jsonType, `{"Admin":true,"Rights":{"Admin":true}}`), &a)
		assert.Equal(t, account{}, a)
	})
	t.Run("form", func(t *testing.T) {
		var v signup
		require.Equal(t, http.StatusNoContent, bind(post("/", formType, "Admin=1&-=1&secret=x&USERNAME=x&u%C5%BFername=x"), &v).Code)
		assert.Equal(t, signup{}, v)
		var a account
		require.Equal(t, http.StatusNoContent, bind(post("/", formType, "Admin=1&Rights=1&Rights.Admin=1"), &a).Code)
		assert.Equal(t, account{}, a)
		var n renamed
		require.Equal(t, http.StatusNoContent, bind(post("/", formType, "Admin=1"), &n).Code)
		assert.Equal(t, renamed{}, n)
		var s shadow
		require.Equal(t, http.StatusNoContent, bind(post("/", formType, "Admin=1"), &s).Code)
		assert.Equal(t, shadow{Admin: "1"}, s)
	})
	t.Run("through an embedded pointer, which is made", func(t *testing.T) {
		var v struct{ *Rights }
		require.Equal(t, http.StatusNoContent, bind(post("/", formType, "Admin=1"), &v).Code)
		require.NotNil(t, v.Rights)
		assert.True(t, v.Admin)
		var own struct{ *place }
		assert.Equal(t, http.StatusBadRequest, bind(post("/", formType, "name=x"), &own).Code, "not to be made")
	})
	t.Run("a type that holds itself", func(t *testing.T) {
		var v recursive
		require.Equal(t, http.StatusNoContent, bind(post("/", formType, "Name=x"), &v).Code)
		assert.Equal(t, "x", v.Name)
	})
	t.Run("a map has the names that it has", func(t *testing.T) {
		var v signup
		require.Equal(t, http.StatusNoContent, bind(post("/", jsonType, `{"byName":{"Name":{"name":"x"},"name":{},"NAME":{}}}`), &v).Code)
		assert.Len(t, v.ByName, 3)
	})
	t.Run("the query is not read", func(t *testing.T) {
		var v signup
		require.Equal(t, http.StatusNoContent, bind(post("/?username=sam&password=x", formType, "username=frodo"), &v).Code)
		require.Equal(t, http.StatusNoContent, bind(post("/?username=sam&password=x", jsonType, `{"age":1}`), &v).Code)
		require.Equal(t, http.StatusNoContent, bind(get("/?username=sam&password=x"), &v).Code)
		assert.Equal(t, signup{Username: "frodo", Age: 1}, v)
	})
}

type recursive struct {
	*recursive
	Name string
}

func TestBindContentType(t *testing.T) {
	tests := []struct {
		name   string
		types  []string
		status int
	}{
		{"JSON", []string{"application/json"}, 204},
		{"JSON with a charset", []string{"application/json; charset=utf-8"}, 204},
		{"JSON with a quoted charset", []string{`application/json;charset="UTF-8"`}, 204},
		{"JSON in capitals", []string{"Application/JSON"}, 204},
		{"none", nil, 415},
		{"an empty one", []string{""}, 415},
		{"text", []string{"text/plain"}, 415},
		{"text that calls itself JSON", []string{"text/plain; application/json"}, 415},
		{"a file", []string{"application/octet-stream"}, 415},
		{"multipart", []string{"multipart/form-data; boundary=x"}, 415},
		{"problem details", []string{"application/problem+json"}, 415},
		{"JSON of a vendor", []string{"application/vnd.api+json"}, 415},
		{"two types in a line", []string{"application/json, text/plain"}, 415},
		{"two lines that differ", []string{"application/json", "text/plain"}, 415},
		{"two lines that are the same", []string{"application/json", "application/json"}, 415},
		{"a parameter twice", []string{"application/json; charset=utf-8; charset=latin1"}, 415},
		{"a broken parameter", []string{"application/json; charset"}, 415},
		{"a slash too many", []string{"application/json/x"}, 415},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := post("/", "", `{"username":"frodo"}`)
			r.Header["Content-Type"] = test.types
			assert.Equal(t, test.status, bind(r, new(signup)).Code)
		})
	}
}

func TestBindContentEncoding(t *testing.T) {
	for _, lines := range [][]string{{"gzip"}, {"identity"}, {"br, gzip"}, {"", "gzip"}} {
		r := post("/", jsonType, `{}`)
		r.Header["Content-Encoding"] = lines
		assert.Equal(t, http.StatusUnsupportedMediaType, bind(r, new(signup)).Code, lines)
	}
}

// sized returns a JSON object of n bytes.
func sized(n int) string {
	return `{"username":"` + strings.Repeat("x", n-len(`{"username":""}`)) + `"}`
}

func TestBindLimit(t *testing.T) {
	tests := []struct {
		name        string
		limit, size int
		status      int
	}{
		{"1 MiB, the default", 0, 1 << 20, 204},
		{"one byte over", 0, 1<<20 + 1, 413},
		{"far over", 0, 4 << 20, 413},
		{"another limit", 64, 64, 204},
		{"over another limit", 64, 65, 413},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := quiet().Use(last(func(ctx *app.Context) error {
				ctx.Status = http.StatusNoContent
				return ctx.Bind(new(signup))
			}))
			a.BodyLimit = int64(test.limit)
			server := start(t, a)
			for name, body := range map[string]io.Reader{
				"with its length": strings.NewReader(sized(test.size)),
				"chunked":         io.MultiReader(strings.NewReader(sized(test.size))),
			} {
				res, err := http.Post(server.URL, jsonType, body)
				require.NoError(t, err, name)
				res.Body.Close()
				assert.Equal(t, test.status, res.StatusCode, name)
			}
		})
	}
}

func TestBindAgain(t *testing.T) {
	t.Run("the body is kept", func(t *testing.T) {
		serve(post("/", jsonType, `{"username":"frodo"}`), last(func(ctx *app.Context) error {
			var one, two signup
			assert.NoError(t, ctx.Bind(&one))
			assert.NoError(t, ctx.Bind(&two))
			assert.Equal(t, "frodo", two.Username)
			assert.Equal(t, one, two)
			assert.Equal(t, `{"username":"frodo"}`, text(t, ctx.Request.Body), "for handlers further down")
			return nil
		}))
	})
	t.Run("the rest of a body that was too large is not another body", func(t *testing.T) {
		tail := `{"username":"sam"}`
		r := post("/", jsonType, strings.Repeat(" ", 1<<20+1)+tail)
		serve(r, last(func(ctx *app.Context) error {
			var v signup
			assertStatus(t, http.StatusRequestEntityTooLarge, ctx.Bind(&v))
			assertStatus(t, http.StatusRequestEntityTooLarge, ctx.Bind(&v))
			assert.Empty(t, v.Username)
			return nil
		}))
	})
	t.Run("nor is that of one that broke off", func(t *testing.T) {
		r := post("/", jsonType, "")
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"a":`), broken{}, strings.NewReader(`{"username":"sam"}`)))
		serve(r, last(func(ctx *app.Context) error {
			var v signup
			assertStatus(t, http.StatusBadRequest, ctx.Bind(&v))
			assertStatus(t, http.StatusBadRequest, ctx.Bind(&v))
			return nil
		}))
	})
}

// broken fails to read.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBoom }

func assertStatus(t *testing.T, status int, err error) {
	t.Helper()
	var e *app.Error
	if assert.ErrorAs(t, err, &e) {
		assert.Equal(t, status, e.Status)
	}
}

func TestBindWithoutABody(t *testing.T) {
	for _, kind := range []string{jsonType, formType, "", "text/plain"} {
		v := signup{Username: "as it was"}
		assert.Equal(t, http.StatusNoContent, bind(post("/", kind, ""), &v).Code)
		assert.Equal(t, "as it was", v.Username)
	}
	r := get("/")
	r.Body = nil
	assert.Equal(t, http.StatusNoContent, bind(r, new(signup)).Code)
}

func TestBindIntoAMap(t *testing.T) {
	var m map[string]any
	w := bind(post("/", jsonType, `{"PASSWORD":"x","password":"y","n":null,"deep":{"a":[1]}}`), &m)
	require.Equal(t, http.StatusNoContent, w.Code)
	assert.Equal(t, map[string]any{"PASSWORD": "x", "password": "y", "n": nil, "deep": map[string]any{"a": []any{1.0}}}, m)
}

func TestBindWrongTarget(t *testing.T) {
	var none *signup
	for _, v := range []any{nil, none, signup{}, map[string]any{}, new(string), new(any), &[]signup{}, &map[string]string{}, new(*signup)} {
		var reported error
		a := app.New()
		a.OnError = func(_ *app.Context, err error) { reported = err }
		w := httptest.NewRecorder()
		a.Use(last(func(ctx *app.Context) error { return ctx.Bind(v) })).ServeHTTP(w, post("/", jsonType, `{}`))
		assert.Equal(t, http.StatusInternalServerError, w.Code, "%T", v)
		assert.ErrorContains(t, reported, "Bind takes a pointer", "%T", v)
	}
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
