package strategies_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever is sent, nothing panics, garbage asks the store nothing, and only the cookie itself
// is let in. It is FRODO in what is sent, since each process of a fuzz has another one; its
// pieces are ID, PROOF and SECRET. The time stands still, so that it stays good.
func FuzzRememberCookie(f *testing.F) {
	h := newHearth()
	good := cookieOf(h.guest(f, "frodo"))
	p := partsOf(good)
	pieces := strings.NewReplacer("FRODO", good, "ID", p.id, "PROOF", p.proof, "SECRET", p.secret)
	for _, seed := range []string{
		"", "=", "=FRODO", "a=b; " + remembering + " = FRODO", "__host-remember=FRODO", remembering + "=FRODO; " + remembering + "=x",
		remembering, remembering + "=", remembering + "=FRODO", remembering + "=FRODO0", remembering + `="FRODO"`, remembering + "=FRODO; " + remembering + "=FRODO",
		remembering + "=kahu_remember_", remembering + "=kahu_remember_\xff\xfe", remembering + "=kahu_remember_IDPROOFSECRET000000",
		remembering + "=" + resummed("kahu_remember_"+strings.Repeat("0", 87)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		header = pieces.Replace(header)
		before := h.calls()
		r := httptest.NewRequest("GET", "https://example.com/direct", nil)
		r.Header["Cookie"] = []string{header}
		w := httptest.NewRecorder()
		h.app.ServeHTTP(w, r)
		mine, asks := map[string]bool{}, false
		for _, cookie := range r.CookiesNamed(remembering) {
			mine[cookie.Value] = true
			asks = asks || len(cookie.Value) == len(good)
		}
		in := len(mine) == 1 && mine[good]
		switch {
		case in != (w.Code == 200), !in && w.Code != 401:
			t.Fatalf("%d for %q", w.Code, header)
		case !asks && h.calls() != before:
			t.Fatalf("%q asked the store", header)
		}
	})
}
