package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

func TestAcceptsEncodings(t *testing.T) {
	both := []string{"gzip", "identity"}
	for _, test := range []struct {
		name   string
		accept []string
		offers []string
		want   string
	}{
		{"nothing said is identity", nil, both, "identity"},
		{"nothing said and no identity", nil, []string{"gzip"}, ""},
		{"an empty line is identity", []string{""}, both, "identity"},
		{"named before identity", []string{"gzip"}, []string{"identity", "gzip"}, "gzip"},
		{"named though it is worth little", []string{"gzip;q=0.001"}, both, "gzip"},
		{"identity that is worth more", []string{"gzip;q=0.5, identity"}, both, "identity"},
		{"the weight decides", []string{"gzip;q=0.5, br"}, []string{"gzip", "br"}, "br"},
		{"another one only", []string{"br"}, both, "identity"},
		{"refused", []string{"gzip;q=0, *"}, both, "identity"},
		{"all but identity", []string{"identity;q=0, *"}, both, "gzip"},
		{"nothing at all", []string{"*;q=0"}, both, ""},
		{"only gzip", []string{"*;q=0, gzip"}, both, "gzip"},
		{"as given", []string{"GZIP"}, []string{"Gzip"}, "Gzip"},
		{"under its old name", []string{"x-gzip"}, both, "gzip"},
		{"in two lines", []string{"br;q=0.1", "gzip;q=0.2"}, []string{"br", "gzip"}, "gzip"},
		{"a weight of words counts as not said", []string{"gzip;q=NaN"}, both, "identity"},
		{"a weight without end counts as not said", []string{"gzip;q=1e999"}, both, "identity"},
		{"a weight over 1 counts as not said", []string{"gzip;q=1.5"}, both, "identity"},
		{"a parameter that there is not counts as not said", []string{"gzip;level=9"}, both, "identity"},
		{"no token", []string{"gz ip, \"gzip\", gzip\x00"}, both, "identity"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, accepts(t, "Accept-Encoding", test.accept, func(ctx *app.Context) string { return ctx.AcceptsEncodings(test.offers...) }))
		})
	}
}

func TestAcceptsCharsets(t *testing.T) {
	for _, test := range []struct {
		name   string
		accept []string
		want   string
	}{
		{"nothing said", nil, "utf-8"},
		{"as given", []string{"ISO-8859-1"}, "iso-8859-1"},
		{"the weight decides", []string{"utf-8;q=0.2, iso-8859-1;q=0.7"}, "iso-8859-1"},
		{"any", []string{"*"}, "utf-8"},
		{"any but one", []string{"*, utf-8;q=0"}, "iso-8859-1"},
		{"none of these", []string{"koi8-r"}, ""},
		{"only what is malformed", []string{"koi8-r;q=x"}, "utf-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, accepts(t, "Accept-Charset", test.accept, func(ctx *app.Context) string { return ctx.AcceptsCharsets("utf-8", "iso-8859-1") }))
		})
	}
}

func TestAcceptsLanguages(t *testing.T) {
	for _, test := range []struct {
		name   string
		accept []string
		offers []string
		want   string
	}{
		{"nothing said", nil, []string{"en", "de"}, "en"},
		{"as given", []string{"EN-gb"}, []string{"de", "en-GB"}, "en-GB"},
		{"the weight decides", []string{"fr;q=0.1, en;q=0.9"}, []string{"fr", "en"}, "en"},
		{"a region fits the language", []string{"en-GB, en;q=0.9"}, []string{"fr", "en"}, "en"},
		{"the language fits a region", []string{"en"}, []string{"fr", "en-GB"}, "en-GB"},
		{"a region fits another one", []string{"es-MX"}, []string{"es-ES", "es-419"}, "es-419"},
		{"the script of a region", []string{"zh-TW"}, []string{"zh-Hans", "zh-Hant"}, "zh-Hant"},
		{"an old name", []string{"iw"}, []string{"en", "he"}, "he"},
		{"a language that is read by its neighbours", []string{"nn"}, []string{"en", "no"}, "no"},
		{"none of these", []string{"ja"}, []string{"en", "de"}, ""},
		{"any", []string{"*"}, []string{"en", "de"}, "en"},
		{"any after the one that is named", []string{"de, *"}, []string{"en", "de"}, "de"},
		{"any before one that is worth less", []string{"de, *;q=0.5, fr;q=0.1"}, []string{"fr", "it"}, "it"},
		{"one that is worth less than any", []string{"de, *;q=0.5, fr;q=0.1"}, []string{"fr"}, "fr"},
		{"refused", []string{"en;q=0, *"}, []string{"en-GB", "de"}, "de"},
		{"refused though it would be understood", []string{"en-US, en-GB;q=0"}, []string{"en-GB"}, ""},
		{"behind a hundred others", []string{strings.Repeat("ja,", 100) + "de"}, []string{"en", "de"}, ""},
		{"the hundredth", []string{strings.Repeat("ja,", 99) + "de"}, []string{"en", "de"}, "de"},
		{"a region of what is refused", []string{"en-GB, en;q=0"}, []string{"en-US", "en-GB"}, "en-GB"},
		{"all but those named are refused", []string{"de, *;q=0"}, []string{"en", "de-AT"}, "de-AT"},
		{"all are refused", []string{"*;q=0"}, []string{"en"}, ""},
		{"a region that nobody knows", []string{"de-XX"}, []string{"en", "de"}, "de"},
		{"only what is malformed", []string{"x, en_, 123456789, de;q=x, \xff"}, []string{"en", "de"}, "en"},
		{"an offer that is no language", []string{"de"}, []string{"mordor-black-speech", "de"}, "de"},
		{"only offers that are none", []string{"*"}, []string{"?"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 2 { // the second time from what was kept
				assert.Equal(t, test.want, accepts(t, "Accept-Language", test.accept, func(ctx *app.Context) string { return ctx.AcceptsLanguages(test.offers...) }))
			}
		})
	}
}

func TestAcceptedLists(t *testing.T) {
	types, encodings, charsets, languages := (*app.Context).AcceptedTypes, (*app.Context).AcceptedEncodings, (*app.Context).AcceptedCharsets, (*app.Context).AcceptedLanguages
	for _, test := range []struct {
		name, header, line string
		list               func(*app.Context) []string
		want               string
	}{
		{"types", "Accept", "text/plain;q=0.3, TEXT/html;level=1, image/*;q=0.2, a/b;q=0, application/json;q=0.3", types, "text/html text/plain application/json image/*"},
		{"types not said", "Accept", "", types, "*/*"},
		{"encodings", "Accept-Encoding", "gzip;q=0.2, br, x;q=0", encodings, "br gzip identity"},
		{"encodings that refuse identity", "Accept-Encoding", "gzip, identity;q=0", encodings, "gzip"},
		{"encodings with identity in front", "Accept-Encoding", "gzip;q=0.5, identity", encodings, "identity gzip"},
		{"encodings that are none", "Accept-Encoding", "gzip, \"br\", b r, \x00", encodings, "gzip identity"},
		{"encodings not said", "Accept-Encoding", "", encodings, "identity"},
		{"charsets", "Accept-Charset", "iso-8859-1;q=0.2, UTF-8;q=0.7", charsets, "utf-8 iso-8859-1"},
		{"charsets not said", "Accept-Charset", "", charsets, "*"},
		{"languages", "Accept-Language", "de;q=0.5, en-gb, *;q=0.1, fr;q=0", languages, "en-GB de *"},
		{"languages not said", "Accept-Language", "", languages, "*"},
		{"all refused", "Accept-Language", "*;q=0", languages, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, accepts(t, test.header, []string{test.line}, func(ctx *app.Context) string { return strings.Join(test.list(ctx), " ") }))
		})
	}
}

// negotiateAll asks everything that there is to ask of lists that clients write.
func negotiateAll(ctx *app.Context) error {
	ctx.Accepts("json", "html", "text/html;level=1", "")
	ctx.AcceptsEncodings("br", "gzip", "identity")
	ctx.AcceptsCharsets("utf-8", "latin1")
	ctx.AcceptsLanguages("en", "de-AT", "zh-Hant", "?")
	ctx.AcceptedTypes()
	ctx.AcceptedEncodings()
	ctx.AcceptedCharsets()
	ctx.AcceptedLanguages()
	return ok(ctx)
}

func sayingOfAll(line string) *http.Request {
	r := get("/")
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Charset", "Accept-Language"} {
		r.Header[name] = []string{line}
	}
	return r
}

// TestHostileListsAreCheap: what lists cost does not grow with what clients write beyond what is read.
func TestHostileListsAreCheap(t *testing.T) {
	for name, element := range map[string]string{
		"commas":           ",",
		"the same type":    "text/html,",
		"types":            "a/b;q=0.1,",
		"parameters":       "a/b;c=d;e=f;g=h,",
		"one with many":    ";a=b",
		"languages":        "aa,",
		"long languages":   "de-u-co-phonebk-x-a-b-c,",
		"one with hyphens": "a-",
		"quotes":           `"`,
		"quoted commas":    `a/b;x=",",`,
		"backslashes":      `"\\`,
		"weights":          "gzip;q=1e999,",
		"refusals":         "en;q=0,",
	} {
		t.Run(name, func(t *testing.T) {
			few := testing.AllocsPerRun(2, func() { serve(sayingOfAll(strings.Repeat(element, 10<<10/len(element))), last(negotiateAll)) })
			lots := testing.AllocsPerRun(2, func() { serve(sayingOfAll(strings.Repeat(element, 1<<20/len(element))), last(negotiateAll)) })
			assert.LessOrEqual(t, lots, few*1.2+100)
		})
	}
}

func FuzzNegotiate(f *testing.F) {
	for _, seed := range []string{"gzip, br;q=0.1", "en-GB, *;q=0", ";=,;=", "de-u-co-phonebk;q=.2", "x-gzip;q=1e999", "\x00/*;q=NaN", `a/b;c="\",", c`, "i-klingon,zh-min-nan,art-lojban"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		assert.Equal(t, http.StatusOK, serve(sayingOfAll(line), last(negotiateAll)).Code)
		serve(sayingOfAll(line), last(func(ctx *app.Context) error {
			assert.Contains(t, []string{"", "json", "html"}, ctx.Accepts("json", "html"))
			assert.Contains(t, []string{"", "gzip", "identity"}, ctx.AcceptsEncodings("gzip", "identity"))
			assert.Contains(t, []string{"", "en", "de"}, ctx.AcceptsLanguages("en", "de"))
			return nil
		}))
	})
}
