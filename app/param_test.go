package app_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

// paramOf answers with the part of the path that is named v, on a route of net/http's own.
func paramOf[T any](pattern, path string) (status int, body string) {
	a := quiet().Use(last(func(ctx *app.Context) error {
		v, err := app.Param[T](ctx, "v")
		ctx.Status, ctx.Body = http.StatusOK, fmt.Sprint(v)
		return err
	}))
	mux := http.NewServeMux()
	mux.Handle(pattern, a)
	w := record(mux, get(path))
	return w.Code, w.Body.String()
}

func TestParam(t *testing.T) {
	const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	for _, test := range []struct {
		name          string
		ask           func(pattern, path string) (int, string)
		pattern, path string
		status        int
		want          string
	}{
		{"an int", paramOf[int], "GET /rings/{v}", "/rings/9", 200, "9"},
		{"a string", paramOf[string], "/rings/{v}", "/rings/a%2Fb%20c", 200, "a/b c"},
		{"a UUID", paramOf[uuid.UUID], "/rings/{v}", "/rings/" + id, 200, id},
		{"a duration", paramOf[time.Duration], "/rings/{v}", "/rings/90s", 200, "1m30s"},
		{"the rest of the path", paramOf[string], "/rings/{v...}", "/rings/a/b", 200, "a/b"},
		{"no rest of the path", paramOf[string], "/rings/{v...}", "/rings/", 200, ""},

		{"no int", paramOf[int], "/rings/{v}", "/rings/one", 404, ""},
		{"an int with a null byte", paramOf[int], "/rings/{v}", "/rings/1%00", 404, ""},
		{"an int that is too large", paramOf[int8], "/rings/{v}", "/rings/128", 404, ""},
		{"no UUID", paramOf[uuid.UUID], "/rings/{v}", "/rings/" + id + "0", 404, ""},
		{"no UTF-8", paramOf[string], "/rings/{v}", "/rings/%ff", 404, ""},
		{"nothing for an int", paramOf[int], "/rings/{v...}", "/rings/", 404, ""},

		{"a name that the pattern has not", paramOf[string], "/rings/{id}", "/rings/9", 500, ""},
		{"a slice", paramOf[[]string], "/rings/{v}", "/rings/9", 500, ""},
		{"a pointer", paramOf[*int], "/rings/{v}", "/rings/9", 500, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, body := test.ask(test.pattern, test.path)
			assert.Equal(t, test.status, status)
			if test.status == http.StatusOK {
				assert.Equal(t, test.want, body)
			}
		})
	}
}
