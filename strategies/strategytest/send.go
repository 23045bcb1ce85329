package strategytest

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// InHeader sends a secret as the value of a header, as it is.
func InHeader(name string) func(r *http.Request, secret string) {
	return func(r *http.Request, secret string) { r.Header[http.CanonicalHeaderKey(name)] = []string{secret} }
}

// InAuthorization sends a secret behind a scheme, such as Bearer, in the Authorization header.
func InAuthorization(scheme string) func(r *http.Request, secret string) {
	return func(r *http.Request, secret string) { r.Header["Authorization"] = []string{scheme + " " + secret} }
}

// InBasic sends a password with a name as RFC 7617 wants it, in UTF-8.
func InBasic(name string) func(r *http.Request, secret string) {
	return func(r *http.Request, secret string) {
		InAuthorization("Basic")(r, base64.StdEncoding.EncodeToString([]byte(name+":"+secret)))
	}
}

// InCookie sends a secret as the value of a cookie, as it is, beside those that are there.
func InCookie(name string) func(r *http.Request, secret string) {
	return func(r *http.Request, secret string) {
		all := name + "=" + secret
		if others := r.Header.Get("Cookie"); others != "" {
			all = others + "; " + all
		}
		r.Header["Cookie"] = []string{all}
	}
}

// InQuery sends a secret as a parameter of the query.
func InQuery(name string) func(r *http.Request, secret string) {
	return func(r *http.Request, secret string) {
		query := r.URL.Query()
		query.Set(name, secret)
		r.URL.RawQuery = query.Encode()
	}
}

// InForm posts a secret as a field of a form. The others are fields and their values, in turn.
func InForm(field string, others ...string) func(r *http.Request, secret string) {
	if len(others)%2 != 0 {
		panic("strategytest: InForm: a field without a value")
	}
	return func(r *http.Request, secret string) {
		form := url.Values{field: {secret}}
		for i := 0; i < len(others); i += 2 {
			form.Set(others[i], others[i+1])
		}
		post(r, "application/x-www-form-urlencoded", form.Encode())
	}
}

func post(r *http.Request, contentType, body string) {
	r.Method = http.MethodPost
	r.Header["Content-Type"] = []string{contentType}
	setBody(r, body)
}

func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}
