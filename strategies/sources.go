package strategies

import (
	"net/http"
	"strings"

	"github.com/kahu-go/kahu/app"
)

// A Source is a place in a request where a token may be.
type Source struct {
	find func(ctx *app.Context) (string, error)

	// deliberate: no page of another site can make a browser send it.
	deliberate bool

	name string // for Explain
}

// FromAuthorization takes the token from the Authorization header with the scheme Bearer,
// in any case (RFC 6750 section 2.1).
func FromAuthorization() Source {
	return Source{func(ctx *app.Context) (string, error) { return authorization(ctx, false) }, true, "the Authorization header"}
}

// FromAuthorizationOrBare takes a header that is nothing but a token, too.
func FromAuthorizationOrBare() Source {
	return Source{func(ctx *app.Context) (string, error) { return authorization(ctx, true) }, true, "the Authorization header"}
}

// FromHeader takes the token from another header, which holds nothing else. It panics for
// what cannot be the name of one.
func FromHeader(name string) Source {
	return FromHeaderFunc(name, func(value string) string { return value })
}

// FromHeaderFunc takes what find makes of a header that is there; "" says that there is no
// token in it. It panics for what cannot be the name of a header.
func FromHeaderFunc(name string, find func(value string) string) Source {
	name = http.CanonicalHeaderKey(name)
	if !isToken(name) || name == "Cookie" || find == nil {
		panic("strategies: " + name + " is no header for a token")
	}
	return Source{func(ctx *app.Context) (string, error) {
		value, err := once(ctx.Request.Header[name])
		if value == "" || err != nil {
			return "", err
		}
		return find(value), nil
	}, true, "the header " + name}
}

// FromCookie takes the token from a cookie. Because browsers send cookies by themselves,
// an unsafe request from another site is refused with 403, as those with a session are,
// unless it comes from a trusted origin such as "https://shire.example". It panics for
// what is no name or no origin.
func FromCookie(name string, trustedOrigins ...string) Source {
	if !isToken(name) {
		panic("strategies: FromCookie needs the name of a cookie")
	}
	origins := http.NewCrossOriginProtection()
	for _, origin := range trustedOrigins {
		if err := origins.AddTrustedOrigin(origin); err != nil {
			panic("strategies: FromCookie: " + err.Error())
		}
	}
	return Source{func(ctx *app.Context) (string, error) {
		var values []string
		for _, c := range ctx.Request.CookiesNamed(name) {
			values = append(values, c.Value)
		}
		text, err := once(values)
		if text == "" || err != nil {
			return "", err
		}
		if err := ctx.CheckOrigin(origins); err != nil {
			return "", &app.Error{Status: http.StatusForbidden, Message: "Cross-site request refused", Cause: err}
		}
		return text, nil
	}, false, "the cookie " + name}
}

// FromFunc takes the token from wherever find does; "" says that it is not there. Other
// sites' pages must be taken to be able to put it there.
func FromFunc(find func(ctx *app.Context) (string, error)) Source {
	if find == nil {
		panic("strategies: FromFunc needs a function")
	}
	return Source{find, false, "a place of the application's"}
}

// once returns the one value that is there. The same twice is one.
func once(values []string) (string, error) {
	for i := range values {
		if values[i] != values[0] {
			return "", badRequest("Send the token once")
		}
	}
	if len(values) == 0 {
		return "", nil
	}
	return values[0], nil
}

// isToken reports whether text is a token as RFC 9110 section 5.6.2 has it.
func isToken(text string) bool {
	return text != "" && strings.Trim(text, schemeChars) == ""
}
