package router

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"path"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/kahu-go/kahu/app"
)

// Audit writes a line for each route: its mark, its method and path, and the guards that stand
// before it, with the layers above them, outermost first. The lines are sorted by path, so that a
// table which is kept with the program and compared in a test shows every route that was opened since.
func (r *Router) Audit(w io.Writer) error {
	lines := slices.SortedFunc(r.Routes(), func(a, b RouteInfo) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	var table bytes.Buffer
	tab := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		_, _ = fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", l.Mark, l.Method, l.Path, strings.Join(l.Guards, ", "))
	}
	_ = tab.Flush() // a buffer has no errors
	for line := range strings.Lines(table.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// guardNames are what the guards of a stack are called in the source.
func (s stack) guardNames() (names []string) {
	for _, m := range s.layers[:s.guards] {
		names = append(names, nameOf(m))
	}
	return names
}

var closure = regexp.MustCompile(`(?:\[\.\.\.\])?(?:\.func\d+|\.\d+|-range\d+)+$`)

// nameOf is what a guard is called in the source: app.RequireLogin; one that a function returned is
// called after that, whose package is where the compiler says that it stands: its own name depends
// on what was inlined.
func nameOf(m app.Middleware) string {
	f := runtime.FuncForPC(reflect.ValueOf(m).Pointer())
	if f == nil {
		return "?"
	}
	name := closure.ReplaceAllString(f.Name(), "")
	if name == f.Name() {
		return strings.NewReplacer("(*", "", ")", "", "-fm", "").Replace(path.Base(name))
	}
	file, _ := f.FileLine(f.Entry())
	return path.Base(path.Dir(file)) + name[strings.LastIndexByte(name, '.'):]
}
