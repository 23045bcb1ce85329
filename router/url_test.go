package router_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

func TestURL(t *testing.T) {
	r := router.New()
	r.Get("/", reply("")).Name("home")
	r.Group("/rings", func(r *router.Router) {
		r.Get("/:id", reply("")).Name("ring")
		r.Get("/{id}/bearers/{bearer}/", reply("")).Name("bearer")
	})
	r.Get("/files/{path...}", reply("")).Name("file")
	r.Get("/Zürich/10%3A30%2f", reply("")).Name("literal")
	p := func(params ...string) []string { return params }
	for _, tc := range []struct {
		name, route string
		params      []string
		want, err   string
	}{
		{"no parameter", "home", nil, "/", ""},
		{"one parameter", "ring", p("3"), "/rings/3", ""},
		{"two parameters and a slash", "bearer", p("1", "frodo"), "/rings/1/bearers/frodo/", ""},
		{"a slash in a parameter", "ring", p("a/b"), "/rings/a%2Fb", ""},
		{"dots with a slash", "ring", p("../x"), "/rings/..%2Fx", ""},
		{"a question mark and a hash", "ring", p("a?b#c"), "/rings/a%3Fb%23c", ""},
		{"a percent sign", "ring", p("100%"), "/rings/100%25", ""},
		{"a space and other letters", "ring", p("é x"), "/rings/%C3%A9%20x", ""},
		{"line ends", "ring", p("a\r\nb"), "/rings/a%0D%0Ab", ""},
		{"a backslash", "ring", p(`\x`), "/rings/%5Cx", ""},
		{"a rest keeps its slashes", "file", p("a b/c?.txt"), "/files/a%20b/c%3F.txt", ""},
		{"a rest may be empty", "file", p(""), "/files/", ""},
		{"a rest may end in a slash", "file", p("a/"), "/files/a/", ""},
		{"literals are encoded", "literal", nil, "/Z%C3%BCrich/10:30%2F", ""},
		{"an unknown name", "sword", nil, "", `"sword"`},
		{"no name", "", nil, "", `""`},
		{"a missing parameter", "bearer", p("1"), "", "{bearer} is missing"},
		{"a parameter too many", "ring", p("1", "2"), "", "1 parameters too many"},
		{"an empty parameter", "ring", p(""), "", "{id}"},
		{"a dot", "ring", p("."), "", "{id}"},
		{"two dots", "ring", p(".."), "", "{id}"},
		{"a slash alone, which ServeMux mistakes", "ring", p("/"), "", "{id}"},
		{"dots in a rest", "file", p("a/../b"), "", "{path...}"},
		{"a rest that begins with a slash", "file", p("/etc"), "", "{path...}"},
		{"an empty segment in a rest", "file", p("a//b"), "", "{path...}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := r.URL(tc.route, tc.params...)
			assert.Equal(t, tc.want, got)
			if tc.err == "" {
				assert.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.err)
			assert.True(t, strings.HasPrefix(err.Error(), "router: "))
		})
	}
}

// FuzzURL shows that the URL of a route leads to the route, with the same parameters.
func FuzzURL(f *testing.F) {
	for _, seed := range [][2]string{{"1", "a/b"}, {"a/b", ""}, {"%2F", "%2e"}, {"..", "../.."}, {"\x00\xff", "/"}, {"/", "."}, {"a+b c;d", "a\\b"}, {"//", "x//y"}} {
		f.Add(seed[0], seed[1])
	}
	var id, rest string
	r := router.New()
	r.Get("/rings/{id}/files/{path...}", func(ctx *app.Context) error {
		id, rest = ctx.Param("id"), ctx.Param("path")
		ctx.Status = 204
		return nil
	}).Name("file")
	a := quiet(r.Layer)
	f.Fuzz(func(t *testing.T, wantID, wantRest string) {
		u, err := r.URL("file", wantID, wantRest)
		if err != nil {
			return
		}
		require.Equal(t, 204, do(t, a, "GET", u).Code, u)
		assert.Equal(t, wantID, id, u)
		assert.Equal(t, wantRest, rest, u)
	})
}
