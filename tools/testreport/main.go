// Testreport reads the output of "go test -json", prints what "go test" prints, and lists at the end the tests that were skipped, with their reasons.
// With -forbid-skips it then exits with code 1 if there are any.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	forbid := flag.Bool("forbid-skips", false, "exit with code 1 if a test was skipped")
	flag.Parse()
	r := report{out: os.Stdout, tests: map[test]*strings.Builder{}}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	r.skips()
	if *forbid && len(r.skipped) > 0 {
		os.Exit(1)
	}
}

type test struct{ Package, Test string }

// event is a line of "go test -json", as "go doc test2json" tells.
type event struct {
	Action string
	test
	Output string
}

type skip struct {
	test
	reason string
}

type report struct {
	out     io.Writer
	tests   map[test]*strings.Builder // what the tests that have not ended printed
	skipped []skip
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil {
		r.print(line) // go itself says something
		return
	}
	switch e.Action {
	case "output", "build-output":
		r.output(e)
	case "pass":
		delete(r.tests, e.test)
	case "skip":
		r.skip(e.test)
	case "fail":
		r.fail(e.test)
	}
}

func (r *report) output(e event) {
	switch {
	case e.Test == "" && e.Output != "PASS\n":
		r.print(e.Output)
	case e.Test != "":
		if r.tests[e.test] == nil {
			r.tests[e.test] = &strings.Builder{}
		}
		r.tests[e.test].WriteString(e.Output)
	}
}

func (r *report) skip(t test) {
	if t.Test != "" { // else the package has no tests
		r.skipped = append(r.skipped, skip{t, reason(r.text(t))})
	}
	delete(r.tests, t)
}

// fail prints what the test printed; for a package, what its tests did that never came to an end.
func (r *report) fail(t test) {
	for other := range r.tests {
		if other == t || t.Test == "" && other.Package == t.Package {
			r.print(r.text(other))
			delete(r.tests, other)
		}
	}
}

func (r *report) text(t test) string {
	if b := r.tests[t]; b != nil {
		return b.String()
	}
	return ""
}

func (r *report) print(s string) { _, _ = io.WriteString(r.out, s) }

// reason is what a test printed without the lines of the frame: "=== RUN", "--- SKIP".
func reason(output string) string {
	var kept []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, " ")
}

func (r *report) skips() {
	if len(r.skipped) == 0 {
		r.print("skipped: none\n")
		return
	}
	fmt.Fprintf(r.out, "skipped: %d\n", len(r.skipped))
	for _, s := range r.skipped {
		fmt.Fprintf(r.out, "  %s %s: %s\n", s.Package, s.Test, s.reason)
	}
}
