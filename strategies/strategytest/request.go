package strategytest

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
)

func blank() *http.Request { return httptest.NewRequest(http.MethodGet, "https://example.com/", nil) }

// request has a credential.
func (k *kit) request(c Credential) *http.Request {
	r, _ := k.requestOf(c)
	return r
}

// requestOf returns the request and the secret that is on it.
func (k *kit) requestOf(c Credential) (r *http.Request, secret string) {
	if secret = c.Secret; c.Fresh != nil {
		secret = c.Fresh()
	}
	return k.with(c, secret), secret
}

// with has another secret in the place of the credential's.
func (k *kit) with(c Credential, secret string) *http.Request {
	r := blank()
	if c.Send != nil {
		c.Send(r, secret)
	} else {
		k.Send(r, secret)
	}
	return r
}

// again returns a request that can be sent twice, and a copy of it.
func again(r *http.Request) (first, second *http.Request) {
	body := bodyOf(r)
	second = r.Clone(r.Context())
	if body != "" {
		setBody(second, body)
	}
	return r, second
}

// bodyOf returns the body, and leaves it to be read.
func bodyOf(r *http.Request) string {
	if r.Body == nil {
		return ""
	}
	all, _ := io.ReadAll(r.Body)
	setBody(r, string(all))
	return string(all)
}

// keepCookies does with the request what a browser would that was given these cookies.
func keepCookies(r *http.Request, header http.Header) {
	fresh := (&http.Response{Header: header}).Cookies()
	if len(fresh) == 0 {
		return
	}
	old := r.Cookies()
	r.Header.Del("Cookie")
	for _, c := range old {
		if !slices.ContainsFunc(fresh, func(f *http.Cookie) bool { return f.Name == c.Name }) {
			InCookie(c.Name)(r, c.Value)
		}
	}
	for _, c := range fresh {
		if c.MaxAge >= 0 {
			InCookie(c.Name)(r, c.Value)
		}
	}
}

// A named request is one with a name for failed tests.
type named struct {
	name string
	*http.Request
	secret string // on it; "": none
}

// foreign requests have nothing of the strategy's own.
func (k *kit) foreign() []named {
	all := []named{
		{"an empty request", blank(), ""},
		{"a POST without a body", func() *http.Request { r := blank(); r.Method = "POST"; return r }(), ""},
		{"another scheme in the Authorization header", sent(InAuthorization("Palantir")), ""},
		{"a header of another's", sent(InHeader("X-Palantir")), ""},
		{"a cookie of another's", sent(InCookie("palantir")), ""},
		{"a query of another's", sent(InQuery("palantir")), ""},
		{"a form of another's", sent(InForm("palantir")), ""},
		{"JSON of another's", foreignJSON(), ""},
	}
	for i, f := range k.Foreign {
		r := blank()
		f(r)
		all = append(all, named{fmt.Sprintf("Foreign[%d]", i), r, ""})
	}
	return all
}

func sent(send func(*http.Request, string)) *http.Request {
	r := blank()
	send(r, "stone-of-Orthanc")
	return r
}

func foreignJSON() *http.Request {
	r := blank()
	post(r, "application/json", `{"palantir":"stone-of-Orthanc"}`)
	return r
}

// own requests have credentials, the good ones first.
func (k *kit) own() (all []named) {
	for i, c := range k.Good {
		r, secret := k.requestOf(c)
		all = append(all, named{fmt.Sprintf("Good[%d]", i), r, secret})
	}
	for i, c := range k.Wrong {
		r, secret := k.requestOf(c)
		all = append(all, named{fmt.Sprintf("Wrong[%d]", i), r, secret})
	}
	return all
}

// wireForms are the secret and what of the request's headers encodes it.
func wireForms(r *http.Request, secret string) []string {
	forms := []string{secret}
	for _, values := range r.Header {
		for _, value := range values {
			for field := range strings.FieldsSeq(value) {
				if encodes(field, secret) {
					forms = append(forms, field)
				}
			}
		}
	}
	return forms
}

func encodes(text, secret string) bool {
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		if plain, err := e.DecodeString(text); err == nil && strings.Contains(string(plain), secret) {
			return true
		}
	}
	return false
}
