package strategies_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/strategies"
)

func TestCanonicalName(t *testing.T) {
	for in, want := range map[string]string{
		"frodo": "frodo", "Frodo": "frodo", "  frodo\t": "frodo", "FRODO@SHIRE.EXAMPLE": "frodo@shire.example",
		"e\u0301omer": "\u00e9omer", "\u00c9OMER": "\u00e9omer", "Frodo Baggins": "frodo baggins", "佛羅多": "佛羅多",
	} {
		got, err := strategies.CanonicalName(in)
		assert.NoError(t, err, in)
		assert.Equal(t, want, got)
		again, err := strategies.CanonicalName(got)
		assert.NoError(t, err)
		assert.Equal(t, got, again, "canonical is stable")
	}
	for _, in := range []string{"", " ", "a\x00b", "a\nb", "a\x7fb", "\xff", "a\u202eb", "a\u200bb", "\ufffd", strings.Repeat("a", 257), strings.Repeat("\u0390", 200)} {
		_, err := strategies.CanonicalName(in)
		assert.ErrorIs(t, err, strategies.ErrName, "%q", in)
	}
}

func TestCanonicalNameRefusesWhatDoesNotShow(t *testing.T) {
	for name, r := range map[string]rune{
		"a line separator": 0x2028, "a paragraph separator": 0x2029, "a soft hyphen": 0xad, "a zero width joiner": 0x200d,
		"a Hangul filler": 0x3164, "a half-width Hangul filler": 0xffa0, "a Hangul choseong filler": 0x115f, "a Hangul jungseong filler": 0x1160,
		"a blank of Braille": 0x2800, "a combining grapheme joiner": 0x34f, "a Khmer inherent vowel": 0x17b4, "a variation selector": 0xfe0f,
		"a Mongolian variation selector": 0x180b, "one of the supplement": 0xe0101, "a tag": 0xe0041, "one reserved to be ignored": 0xe0fff,
		"a noncharacter": 0xfdd0, "the last noncharacter": 0x10ffff, "a byte order mark": 0xfeff, "next line": 0x85,
	} {
		for _, in := range []string{"fro" + string(r) + "do", string(r)} {
			_, err := strategies.CanonicalName(in)
			assert.ErrorIs(t, err, strategies.ErrName, "%s: %+q", name, in)
		}
	}
	_, err := strategies.CanonicalName("frod\u043e")
	assert.NoError(t, err, "a Cyrillic o is another letter")
}

// Whatever letter is in a name, alone or below a mark, the canonical name is canonical.
func TestCanonicalNameIsStableForEveryLetter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.In(r, unicode.L, unicode.M) || unicode.In(r, unicode.Han, unicode.Hangul) {
			continue // nothing happens to those
		}
		for _, in := range []string{"a" + string(r), string(r) + "\u0345\u0301b"} {
			got, err := strategies.CanonicalName(in)
			if err != nil {
				continue
			}
			if again, err := strategies.CanonicalName(got); err != nil || again != got {
				t.Fatalf("%+q is canonical for %+q, but %+q (%v) for itself", got, in, again, err)
			}
		}
	}
}

func FuzzCanonicalName(f *testing.F) {
	for _, seed := range []string{"frodo", "\u0130", "e\u0301", "\xff", "a\x00", "ΑΣ", "a\u2800", "\u180b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := strategies.CanonicalName(in)
		if err != nil {
			return
		}
		again, err := strategies.CanonicalName(got)
		if err != nil || again != got {
			t.Errorf("%q is canonical for %q, but %q (%v) for itself", got, in, again, err)
		}
	})
}
