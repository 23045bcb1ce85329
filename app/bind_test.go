package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
		assert.Empty(t, v.secret)
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
	//lint:ignore U1000 reflection looks for its fields, for ever if it is let
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
		{"multipart that is none", []string{"multipart/form-data; boundary=x"}, 400},
		{"multipart of another kind", []string{"multipart/mixed; boundary=x"}, 415},
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
