package app

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// A wish is one element of Accept or of a list like it.
type wish struct {
	name   string            // in small letters, without parameters
	params map[string]string // of a media type, without q
	q      float64           // from 0, which refuses, to 1
}

// dearer sorts the wishes that somebody likes best to the front.
func dearer(a, b wish) int { return cmp.Compare(b.q, a.q) }

// maxNegotiated bounds what is read of lists that clients can make long, in bytes.
const maxNegotiated = 8 << 10

// elements are those of a list that is written on some lines, which are not empty. What is
// longer than the bound is not read, nor is the element that it is in.
func elements(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		left := maxNegotiated
		for _, line := range lines {
			for line != "" {
				end := firstComma(line[:min(len(line), left+1)])
				element := line[:end]
				if left -= end + 1; left < 0 {
					return
				}
				line = line[min(end+1, len(line)):]
				if element = strings.Trim(element, " \t"); element != "" && !yield(element) {
					return
				}
			}
		}
	}
}

// firstComma returns where the first element of a list ends. A comma in a quoted string
// ends none.
func firstComma(list string) int {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch ch := list[i]; {
		case ch == '"':
			quoted = !quoted
		case ch == '\\' && quoted:
			i++
		case ch == ',' && !quoted:
			return i
		}
	}
	return len(list)
}

// tokens reads what is well-formed of a list of tokens with a weight each.
func tokens(lines []string) []wish {
	var wishes []wish
	for element := range elements(lines) {
		name, weight, weighted := strings.Cut(element, ";")
		w := wish{name: asciiLower(strings.TrimRight(name, " \t")), q: 1}
		if !isFieldToken(w.name) {
			continue
		}
		if weighted {
			key, text, _ := strings.Cut(strings.Trim(weight, " \t"), "=")
			q, ok := quality(text)
			if !ok || key != "q" && key != "Q" {
				continue
			}
			w.q = q
		}
		wishes = append(wishes, w)
	}
	return wishes
}

// quality reads a weight (RFC 9110 section 12.4.2), and some that old clients write: .2 and more digits.
func quality(text string) (q float64, ok bool) {
	if len(text) > 16 || strings.Trim(text, ".0123456789") != "" {
		return 0, false
	}
	q, err := strconv.ParseFloat(text, 64)
	return q, err == nil && q <= 1
}

// best returns the offer that the wishes like best: by weight, then by how closely the wish
// fits it, then by the order of the wishes, then by that of the offers. fit returns how
// closely a wish fits an offer, 0 for not at all. "": they like none.
func best(wishes []wish, offers []string, fit func(w *wish, offer int) int) string {
	chosen, top := "", rank{}
	for i, offer := range offers {
		if r := rankOf(wishes, i, fit); r.q > 0 && r.before(top) {
			chosen, top = offer, r
		}
	}
	return chosen
}

// A rank is what the wish that fits an offer most closely says of it.
type rank struct {
	q            float64
	close, order int
}

func (r rank) before(other rank) bool {
	return cmp.Or(cmp.Compare(other.q, r.q), other.close-r.close, r.order-other.order) < 0
}

func rankOf(wishes []wish, offer int, fit func(w *wish, offer int) int) (r rank) {
	for i := range wishes {
		w := &wishes[i]
		if n := fit(w, offer); n > r.close || n > 0 && n == r.close && w.q > r.q {
			r = rank{w.q, n, i}
		}
	}
	return r
}

// fitsToken returns how closely a wish for a token fits one, 0 for not at all.
func (w *wish) fitsToken(offer string) int {
	switch {
	case strings.EqualFold(w.name, offer):
		return 2
	case w.name == "*":
		return 1
	}
	return 0
}

// named returns the names of what the wishes take, the dearest first, or unsaid if there are none.
func named(wishes []wish, unsaid string) []string {
	if len(wishes) == 0 {
		return []string{unsaid}
	}
	wishes = slices.DeleteFunc(slices.Clone(wishes), func(w wish) bool { return w.q == 0 })
	slices.SortStableFunc(wishes, dearer)
	names := make([]string, len(wishes))
	for i := range wishes {
		names[i] = wishes[i].name
	}
	return names
}

func mustOffer(who string, offers []string) {
	if len(offers) == 0 {
		panic("app: " + who + " needs an offer")
	}
}
