package app_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// hostile returns bodies of nearly n bytes that take far more memory than that when decoded without care.
func hostile(n int) map[string][2]string {
	fill := func(open, end string, part func(i int) string) string {
		var b strings.Builder
		b.WriteString(open)
		for i := 0; b.Len() < n-len(end)-20; i++ {
			b.WriteString(part(i))
		}
		return strings.TrimRight(b.String(), ",&") + end
	}
	each := func(part string) func(int) string { return func(int) string { return part } }
	numbered := func(format string) func(int) string {
		return func(i int) string { return fmt.Sprintf(format, i) }
	}
	return map[string][2]string{
		"zeros":         {jsonType, fill(`{"x":[`, `]}`, each(`0,`))},
		"empty objects": {jsonType, fill(`{"x":[`, `]}`, each(`{},`))},
		"empty arrays":  {jsonType, fill(`{"x":[`, `]}`, each(`[],`))},
		"small objects": {jsonType, fill(`{"x":[`, `]}`, each(`{"":0},`))},
		"names":         {jsonType, fill(`{`, `}`, numbered(`"%x":0,`))},
		"escaped names": {jsonType, fill(`{`, `}`, numbered(`"\n%x":0,`))},
		"fields":        {formType, fill("", "", numbered("%x&"))},
		"one field":     {formType, fill("", "", each("a&"))},
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

func TestBindBoundsWhatABodyCosts(t *testing.T) {
	const size = 1 << 20
	for name, body := range hostile(size) {
		t.Run(name, func(t *testing.T) {
			for _, v := range []any{new(signup), &map[string]any{}} {
				r := post("/", body[0], body[1])
				cost := allocated(func() { assert.Equal(t, http.StatusBadRequest, bind(r, v).Code) })
				assert.Less(t, cost, 8*size, "%T", v)
			}
		})
	}
}

func TestBindTakesTenThousandValues(t *testing.T) {
	list := func(n int) string { return `{"x":[` + strings.Repeat("0,", n-2) + `0]}` } // with the list itself
	form := func(n int) string { return strings.Repeat("rings=x&", n-1) + "rings=x" }
	for _, v := range []any{new(signup), &map[string]any{}} {
		assert.Equal(t, http.StatusNoContent, bind(post("/", jsonType, list(10_000)), v).Code)
		assert.Equal(t, http.StatusBadRequest, bind(post("/", jsonType, list(10_001)), v).Code)
	}
	var v signup
	assert.Equal(t, http.StatusNoContent, bind(post("/", formType, form(10_000)), &v).Code)
	assert.Len(t, v.Rings, 10_000)
	assert.Equal(t, http.StatusBadRequest, bind(post("/", formType, form(10_001)), &v).Code)
}

// bindStrings runs BindStrings for one request.
func bindStrings(t *testing.T, limit int64, kind, body string) (found map[string]string, status int) {
	t.Helper()
	w := serve(post("/", kind, body), last(func(ctx *app.Context) (err error) {
		ctx.Status = http.StatusNoContent
		found, err = ctx.BindStrings(limit, "username", "password")
		return err
	}))
	return found, w.Code
}

func TestBindStrings(t *testing.T) {
	for _, c := range []struct {
		name, kind, body string
		want             map[string]string
	}{
		{"JSON", jsonType, `{"username":"frodo","x":{"password":"no"},"p\u0061ssword":"a\"\ud83d\udc8d","y":[{"username":1}]}`, map[string]string{"username": "frodo", "password": `a"💍`}},
		{"a form", formType, "username=fr%C3%B6do+b&password=&x=1&x=2&&", map[string]string{"username": "frödo b", "password": ""}},
		{"one of two", jsonType, ` { "password" : "x" , "USERNAME" : "frodo" } `, map[string]string{"password": "x"}},
		{"neither", formType, "a=b", map[string]string{}},
		{"no body", "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, status := bindStrings(t, 1000, c.kind, c.body)
			assert.Equal(t, http.StatusNoContent, status)
			assert.Equal(t, c.want, found)
		})
	}
	for _, c := range []struct {
		name, kind, body string
		status           int
	}{
		{"a number", jsonType, `{"username":1,"password":"x"}`, 400},
		{"null", jsonType, `{"username":null}`, 400},
		{"an object", jsonType, `{"username":{"username":"x"}}`, 400},
		{"a name twice", jsonType, `{"username":"a","username":"b"}`, 400},
		{"another name twice", jsonType, `{"x":1,"username":"b","x":1}`, 400},
		{"half a surrogate pair", jsonType, `{"username":"\ud83d"}`, 400},
		{"an array", jsonType, `[{"username":"a"}]`, 400},
		{"a field twice", formType, "username=a&username=a", 400},
		{"a bad escape anywhere", formType, "username=a&x=%zz", 400},
		{"invalid UTF-8 anywhere", formType, "username=a&%ff=1", 400},
		{"a semicolon", formType, "username=a;password=b", 400},
		{"too large", jsonType, sized(1001), 413},
		{"another type", "text/plain", "username=a", 415},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, status := bindStrings(t, 1000, c.kind, c.body)
			assert.Equal(t, c.status, status)
			assert.Nil(t, found)
		})
	}
}

func TestBindStringsAllocatesASmallMultipleOfTheBody(t *testing.T) {
	const size = 16 << 10
	for name, body := range hostile(size) {
		t.Run(name, func(t *testing.T) {
			r := post("/", body[0], body[1])
			cost := allocated(func() {
				_, status := bindStrings(t, size, r.Header.Get("Content-Type"), body[1])
				assert.Equal(t, http.StatusNoContent, status)
			})
			assert.Less(t, cost, 32*size) // the escaped names; the others take 8 at most
		})
	}
}

func TestBindUpTo(t *testing.T) {
	bindUpTo := func(limit int64, body string) error {
		var err error
		serve(post("/", jsonType, body), last(func(ctx *app.Context) error {
			err = ctx.BindUpTo(limit, new(signup))
			return nil
		}))
		return err
	}
	assert.NoError(t, bindUpTo(64, sized(64)))
	assertStatus(t, http.StatusRequestEntityTooLarge, bindUpTo(64, sized(65)))
	assert.NoError(t, bindUpTo(2<<20, sized(2<<20)), "more than the App's limit, too")
	for _, limit := range []int64{0, -1} {
		assert.ErrorContains(t, bindUpTo(limit, "{}"), "must be positive")
	}
	t.Run("counts what somebody read before", func(t *testing.T) {
		serve(post("/", jsonType, sized(100)), last(func(ctx *app.Context) error {
			require.NoError(t, ctx.Bind(new(signup)))
			assertStatus(t, http.StatusRequestEntityTooLarge, ctx.BindUpTo(99, new(signup)))
			_, err := ctx.BindStrings(99, "username")
			assertStatus(t, http.StatusRequestEntityTooLarge, err)
			assert.NoError(t, ctx.BindUpTo(100, new(signup)))
			return nil
		}))
	})
}
