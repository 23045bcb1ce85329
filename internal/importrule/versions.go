package importrule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// least are the versions below which a module has a known hole that our use of it opens.
var least = map[string]string{
	bun:                            "v1.3.0", // values that break out of the query's text
	"github.com/jackc/pgx/v5":      "v5.9.2", // confusion of messages after a size overflow
	redis:                          "v9.7.3", // answers that reach another caller after a timeout
	"github.com/golang-jwt/jwt/v5": "v5.2.2", // excessive memory for a malformed token
}

// OldVersions are sentences about modules in the text of a go.mod that are too old. Bun and its dialects must be of one version, or the program
// panics when it starts.
func OldVersions(gomod string) []string {
	var found []string
	versions := required(gomod)
	for name, version := range versions {
		if want, ok := least[name]; ok && older(version, want) {
			found = append(found, fmt.Sprintf("%s is %s and must be at least %s", name, version, want))
		}
		if strings.HasPrefix(name, bun+"/") && version != versions[bun] {
			found = append(found, fmt.Sprintf("%s is %s and must be %s as Bun is", name, version, versions[bun]))
		}
	}
	slices.Sort(found)
	return found
}

// required are the modules and versions of the require lines.
func required(gomod string) map[string]string {
	versions := map[string]string{}
	for line := range strings.Lines(gomod) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			versions[fields[0]] = fields[1]
		}
	}
	return versions
}

// older compares versions as semver.org does, except that all pre-releases of a version are equal.
func older(a, b string) bool {
	numbersA, preA := parse(a)
	numbersB, preB := parse(b)
	if c := slices.Compare(numbersA, numbersB); c != 0 {
		return c < 0
	}
	return preA && !preB
}

func parse(version string) (numbers []int, pre bool) {
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "v"), "+")
	version, _, pre = strings.Cut(version, "-")
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, true
		}
		numbers = append(numbers, n)
	}
	return numbers, pre
}
