package strategies_test

import (
	"encoding/json"
	"slices"
	"strings"
)

func jsonText(v any) ([]byte, error) { return json.Marshal(v) }

const (
	fewParts  = "it has fewer than three parts"
	manyParts = "it has more than three parts"
	noBase64  = "no base64url"
)

// rewritten are forgeries with one reason, whose texts are changed.
func rewritten(reason string, want verdict, rows map[string]func(good string) string) []forgery {
	var list []forgery
	for name, after := range rows {
		list = append(list, forgery{name, reason, nil, after, "", want})
	}
	slices.SortFunc(list, func(a, b forgery) int { return strings.Compare(a.name, b.name) })
	return list
}

// parts are texts that are not three parts, or too long.
func parts() []forgery {
	cut := func(n int) func(string) string {
		return func(good string) string { return strings.Join(strings.Split(good, ".")[:n], ".") }
	}
	without := func(i int) func(string) string {
		return func(good string) string {
			p := strings.Split(good, ".")
			p[i] = ""
			return strings.Join(p, ".")
		}
	}
	list := rewritten(fewParts, invalid, map[string]func(string) string{
		"one part": cut(1), "two parts": cut(2), "two parts and a dot": func(good string) string { return cut(2)(good) + "." }, "a dot": instead("."), "two dots": instead(".."),
		"no header": without(0), "no signature": without(2), "a word": instead("precious"), "a JSON object": instead("{}"),
	})
	list = append(list, rewritten(manyParts, invalid, map[string]func(string) string{
		"four parts": behind(".e30"), "a dot behind": behind("."), "five parts, as what is encrypted has": func(good string) string {
			return encoded(`{"alg":"dir","enc":"A128GCM","kid":"key-ES256","typ":"at+jwt"}`) + "..AAAAAAAAAAAAAAAA." + encoded(good) + ".AAAAAAAAAAAAAAAAAAAAAA"
		}, "the token twice": func(good string) string { return good + "." + good },
	})...)
	list = append(list, rewritten("it is longer than 8 KiB", invalid, map[string]func(string) string{
		"a hundred thousand dots": instead(strings.Repeat(".", 100_000)), "a megabyte": instead(strings.Repeat("a", 1<<20)), "a hundred thousand letters behind": behind(strings.Repeat("A", 100_000)),
	})...)
	list = append(list, rewritten("", malformed, map[string]func(string) string{
		"no text": instead(""), "a space behind": behind(" "), "a space before": func(good string) string { return " " + good }, "a space inside": inside(" "), "a tab inside": inside("\t"),
		"a comma behind": behind(","), "the JSON serialization": func(good string) string {
			p := strings.Split(good, ".")
			return `{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`
		},
	})...)
	empty := func(string) string {
		return signed(encoded(newDraft("ES256").header.String())+".", newDraft("ES256").sign)
	}
	return append(list, forgery{"no claims", "no JSON", nil, empty, "", invalid},
		forgery{"8 KiB and a byte", "it is longer than 8 KiB", nil, instead(ofLength(8<<10 + 1)), "", invalid})
}

// ofLength is a good token of n bytes, but perhaps for its length.
func ofLength(n int) string {
	for i := range 4 {
		for pad := n/4*3 - 500; pad < n/4*3; pad++ {
			d := newDraft("ES256")
			header("x", quote(strings.Repeat("a", i)))(d)
			claim("x", quote(strings.Repeat("a", pad)))(d)
			if text := d.text(); len(text) == n {
				return text
			}
		}
	}
	panic("no token has this length")
}

// base64s are other texts for the same bytes. Where the part is signed, it is so as it stands.
func base64s() []forgery {
	// resigned changes the first two parts and signs what comes of it.
	resigned := func(change func(head, body string) (string, string)) func(string) string {
		return func(good string) string {
			p := strings.Split(good, ".")
			head, body := change(p[0], p[1])
			return signed(head+"."+body, newDraft("ES256").sign)
		}
	}
	first := func(change func(string) string) func(string) string {
		return resigned(func(head, body string) (string, string) { return change(head), body })
	}
	second := func(change func(string) string) func(string) string {
		return resigned(func(head, body string) (string, string) { return head, change(body) })
	}
	rows := map[string]func(string) string{
		"padding behind": behind("=="), "one sign of padding behind": behind("="), "a newline behind": behind("\n"), "a carriage return behind": behind("\r"), "a NUL behind": behind("\x00"),
		"an exclamation mark inside": inside("!"), "a letter beyond ASCII inside": inside("é"), "bytes that are no UTF-8 inside": inside("\xff"), "a percent sign inside": inside("%2E"), "quotes around": func(good string) string { return `"` + good + `"` },
		"a newline before": func(good string) string { return "\n" + good }, "unused bits of the signature": unusedBits,
	}
	for name, change := range map[string]func(string) string{
		"padding":                  padded,
		"a newline":                inside("\n"),
		"a carriage return":        inside("\r"),
		"a newline and its return": inside("\r\n"),
		"a NUL":                    inside("\x00"),
		"one letter too many":      func(part string) string { return part[:len(part)/4*4] + "A" },
	} {
		rows[name+" in the header"], rows[name+" in the claims"] = first(change), second(change)
	}
	rows["unused bits of the header"], rows["unused bits of the claims"] = first(oddLength), second(oddLength)
	for _, f := range []struct{ name, body string }{{"a plus for a hyphen", "-"}, {"a slash for an underscore", "_"}} {
		std := map[string]string{"-": "+", "_": "/"}[f.body]
		rows[f.name] = func(string) string {
			d := newDraft("ES256")
			claim("role", `"??>>>???>>>ÿÿþþ~~~"`)(d)
			head, body := encoded(d.header.String()), encoded(d.claims.String())
			return signed(head+"."+strings.ReplaceAll(body, f.body, std), d.sign)
		}
	}
	return rewritten(noBase64, invalid, rows)
}

func padded(part string) string { return part + strings.Repeat("=", 4-len(part)%4) }

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// unusedBits sets the lowest bit of the last letter, which means nothing where it is unused.
func unusedBits(part string) string {
	last := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + string(alphabet[last|1])
}

// oddLength makes a part that has unused bits, of the same object with spaces, and sets them.
func oddLength(part string) string {
	for text := decodedPart(part); ; text += " " {
		if part = encoded(text); len(part)%4 != 0 {
			return unusedBits(part)
		}
	}
}

// jsons are truly signed texts that are no one JSON object in UTF-8.
func jsons(where string, write func(func(good string) string) edit) []forgery {
	var list []forgery
	add := func(reason, name string, change func(good string) string) {
		list = append(list, forgery{"the " + where + ": " + name, reason, write(change), nil, "", invalid})
	}
	for name, text := range map[string]string{"an array": "[]", "an object in an array": "[{}]", "a string": `"precious"`, "a number": "1", "null": "null", "true": "true"} {
		add("no object", name, instead(text))
	}
	for name, change := range map[string]func(string) string{
		"only spaces": instead("  "), "half of it": func(good string) string { return good[:len(good)/2] }, "two objects": behind("{}"), "a letter behind": behind("x"), "a comma behind": behind(","),
		"a NUL behind": behind("\x00"), "a comma after the last member": inside(","), "a comment": inside("/**/"), "a byte order mark": func(good string) string { return "\ufeff" + good },
		"single quotes": func(good string) string { return strings.ReplaceAll(good, `"`, "'") }, "a name without quotes": inside(`,precious:1`), "a newline in a string": inside(",\"x\":\"a\nb\""),
		"a wrong escape": inside(`,"x":"\x41"`), "NaN": inside(`,"x":NaN`), "Infinity": inside(`,"x":Infinity`), "a leading zero": inside(`,"x":01`), "a plus": inside(`,"x":+1`), "hexadecimal": inside(`,"x":0x1`), "UTF-16": utf16,
	} {
		reason := "no JSON"
		if name == "UTF-16" {
			reason = "no " // UTF-8, if a unit has such a byte, or else JSON
		}
		add(reason, name, change)
	}
	for name, more := range map[string]string{
		"a byte that is no UTF-8": "\xff", "a continuation alone": "\x80", "a letter cut short": "\xe2\x82", "an overlong slash": "\xc0\xaf", "a surrogate in UTF-8": "\xed\xa0\x80", "beyond Unicode": "\xf4\x90\x80\x80",
	} {
		add("no UTF-8", name, inside(`,"x":"`+more+`"`))
	}
	for name, more := range map[string]string{
		"a high surrogate alone": `,"x":"\ud800"`, "a low surrogate alone": `,"x":"\udc00"`, "surrogates in the wrong order": `,"x":"\udc00\ud800"`, "a high surrogate and a letter": `,"x":"\ud800a"`,
		"two high surrogates": `,"x":"\ud800\ud800\udc00"`, "a surrogate in a name": `,"\udfff":1`, "a surrogate deep inside": `,"x":[{"y":"\uDBFF"}]`,
	} {
		add("half of a surrogate pair", name, inside(more))
	}
	for name, more := range map[string]string{
		"a name twice": `,"x":1,"x":2`, "a name twice with one value": `,"x":1,"x":1`, "a name twice, once escaped": `,"x":1,"\u0078":2`, "a name twice deep inside": `,"x":[{"y":{"z":1,"z":2}}]`,
	} {
		add("is there twice", name, inside(more))
	}
	slices.SortFunc(list, func(a, b forgery) int { return strings.Compare(a.name, b.name) })
	return list
}

func utf16(good string) string {
	var b strings.Builder
	for _, r := range good {
		b.WriteString(string(rune(0)))
		b.WriteRune(r)
	}
	return b.String()
}

// depths are what takes memory or a stack to read.
func depths() []forgery {
	nested := func(n int) string { return `,"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) }
	return []forgery{
		{"claims nested too deep", "nested too deep", paid(inside(nested(64))), nil, "", invalid},
		{"claims nested thousands deep", "nested too deep", paid(inside(nested(2500))), nil, "", invalid},
		{"a header nested too deep", "nested too deep", headed(inside(nested(8))), nil, "", invalid},
		{"a header with a hundred members", "more than 100 values", headed(inside(`,"x":[` + strings.Repeat("0,", 100) + "0]")), nil, "", invalid},
	}
}
