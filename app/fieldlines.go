package app

import (
	"iter"
	"net/http"
	"strings"
)

// onlyLine returns the value of a header that stands there once, "" for none and for several.
func onlyLine(h http.Header, name string) string {
	if lines := h[name]; len(lines) == 1 {
		return lines[0]
	}
	return ""
}

// listed are the elements of a list that is written on some lines, with commas between; they may be empty. For one that
// clients can make long there is [elements].
func listed(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for element := range strings.SplitSeq(line, ",") {
				if !yield(strings.TrimSpace(element)) {
					return
				}
			}
		}
	}
}
