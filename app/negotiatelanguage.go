package app

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// AcceptsLanguages returns which of the offers, language tags such as "en-GB", the client
// likes best, as given; "" if it would understand none (RFC 9110 section 12.5.4). Languages
// are matched as people read them, by the tables of CLDR: "en" or "en-US" fits the offer
// "en-GB", zh-TW fits zh-Hant, nn fits no. The first offer wins if the client did not say,
// and what is malformed counts as not said. AcceptsLanguages panics without an offer.
//
// The answer varies with Accept-Language then, and says so.
func (c *Context) AcceptsLanguages(offers ...string) string {
	mustOffer("AcceptsLanguages", offers)
	wishes := c.languages()
	if len(wishes) == 0 {
		return offers[0]
	}
	left := slices.DeleteFunc(slices.Clone(offers), func(offer string) bool { return refusedLanguage(wishes, offer) })
	if len(left) < len(offers) {
		return newSpeech(left).suits(wishes)
	}
	return speechOf(offers).suits(wishes)
}

// AcceptedLanguages returns the languages that the client reads in their canonical form,
// such as "en-GB", the ones that it likes best first; "*" if it did not say.
func (c *Context) AcceptedLanguages() []string {
	wishes := slices.Clone(c.languages())
	for i := range wishes {
		wishes[i].name = wishes[i].canonical()
	}
	return named(wishes, anyLanguage)
}

const (
	anyLanguage = "*"

	// maxLanguages bounds how many are looked at, which takes more work than other lists.
	maxLanguages = 100
)

// languages reads what is well-formed of Accept-Language.
func (c *Context) languages() []wish {
	addVary(c.Header(), "Accept-Language")
	wishes := tokens(c.Request.Header["Accept-Language"])
	wishes = wishes[:min(len(wishes), maxLanguages)]
	return slices.DeleteFunc(wishes, func(w wish) bool { return w.name != anyLanguage && w.canonical() == "" })
}

// canonical returns the tag of a wish as everybody writes it, "" for what is no language.
func (w *wish) canonical() string {
	if w.name == anyLanguage {
		return anyLanguage
	}
	if tag, ok := tagOf(w.name); ok {
		return tag.String()
	}
	return ""
}

// tagOf reads a tag, and leaves out the parts of one that nobody knows.
func tagOf(text string) (tag language.Tag, ok bool) {
	tag, err := language.Parse(text)
	if _, unknown := errors.AsType[language.ValueError](err); err != nil && !unknown {
		return language.Und, false
	}
	return tag, tag != language.Und
}

// A speech is what is offered in some languages.
type speech struct {
	offers  []string
	matcher language.Matcher // of the offers that are languages, if there are any
}

func newSpeech(offers []string) *speech {
	s, tags := &speech{}, []language.Tag(nil)
	for _, offer := range offers {
		if tag, ok := tagOf(offer); ok {
			s.offers, tags = append(s.offers, offer), append(tags, tag)
		}
	}
	if len(tags) > 0 {
		s.matcher = language.NewMatcher(tags)
	}
	return s
}

// speeches are those of whole lists of offers, since to make a matcher takes far longer than
// to ask it. A program has few such lists; of what is more than maxSpeeches none is kept.
var speeches struct {
	sync.Mutex
	of map[string]*speech
}

const maxSpeeches = 100

func speechOf(offers []string) *speech {
	speeches.Lock()
	defer speeches.Unlock()
	key := strings.Join(offers, ",")
	s := speeches.of[key]
	if s == nil {
		s = newSpeech(slices.Clone(offers))
		if speeches.of == nil {
			speeches.of = map[string]*speech{}
		}
		if len(speeches.of) < maxSpeeches {
			speeches.of[key] = s
		}
	}
	return s
}

// suits returns the offer that the wishes like best. A language that they name goes before
// one that only * allows, unless it is worth less to them.
func (s *speech) suits(wishes []wish) string {
	wishes = slices.Clone(wishes)
	slices.SortStableFunc(wishes, dearer)
	star := slices.IndexFunc(wishes, func(w wish) bool { return w.name == anyLanguage })
	if star < 0 || wishes[star].q == 0 {
		return s.understood(wishes)
	}
	level := wishes[star].q
	dear := slices.DeleteFunc(slices.Clone(wishes), func(w wish) bool { return w.q < level })
	if offer := s.understood(dear); offer != "" {
		return offer
	}
	for _, offer := range s.offers {
		if rankOf(wishes, 0, fitsLanguage(offer)).q == level {
			return offer
		}
	}
	return s.understood(wishes)
}

// understood returns the offer that fits the languages which the wishes name, the first of
// them before the others.
func (s *speech) understood(wishes []wish) string {
	var wanted []language.Tag
	for _, w := range wishes {
		if tag, ok := tagOf(w.name); ok && w.q > 0 {
			wanted = append(wanted, tag)
		}
	}
	if len(wanted) == 0 || s.matcher == nil {
		return ""
	}
	_, i, confidence := s.matcher.Match(wanted...)
	if confidence == language.No {
		return ""
	}
	return s.offers[i]
}

// refusedLanguage reports whether the wish that names an offer most closely refuses it.
func refusedLanguage(wishes []wish, offer string) bool {
	r := rankOf(wishes, 0, fitsLanguage(offer))
	return r.close > 0 && r.q == 0
}

// fitsLanguage is for [rankOf]: how much of an offer a range names (RFC 4647 section 3.3.1).
func fitsLanguage(offer string) func(w *wish, _ int) int {
	return func(w *wish, _ int) int {
		switch {
		case w.name == anyLanguage:
			return 1
		case len(offer) >= len(w.name) && strings.EqualFold(offer[:len(w.name)], w.name) && (len(offer) == len(w.name) || offer[len(w.name)] == '-'):
			return 1 + len(w.name)
		}
		return 0
	}
}
