package strategies

import (
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/kahu-go/kahu/app"
)

// places looks for the token where the options allow it. In two places at once it is
// invalid (RFC 6750 section 2).
func (o *BearerOptions) places(ctx *app.Context) (string, error) {
	text, err := authorization(ctx, o.SchemeOptional)
	if err != nil {
		return "", err
	}
	found := text != ""
	for _, place := range []func(*app.Context, bool) ([]string, error){o.form, o.query} {
		values, err := place(ctx, text != "")
		switch {
		case err != nil:
			return "", err
		case len(values) == 0:
			continue
		case found || len(values) > 1:
			return "", badRequest("Send the token once")
		}
		text, found = values[0], true
	}
	if !found {
		return "", app.ErrNoCredentials
	}
	return text, nil
}

// authorization returns the token of the Authorization header, "" if there is none of ours.
func authorization(ctx *app.Context, schemeOptional bool) (string, error) {
	scheme, rest, err := authorizationHeader(ctx)
	switch {
	case err != nil:
		return "", err
	case schemeOptional && rest == "" && !strings.EqualFold(scheme, "Bearer"):
		return scheme, nil
	case !strings.EqualFold(scheme, "Bearer"):
		return "", nil // another strategy's
	}
	text, spaced := strings.CutPrefix(rest, " ")
	if !spaced || text == "" || strings.ContainsAny(text, " \t,") {
		return "", badRequest("Malformed Authorization header")
	}
	return text, nil
}

// authorizationHeader splits the one Authorization header where the scheme, a token
// (RFC 9110 section 5.6.2), ends. Without a header the scheme is "".
func authorizationHeader(ctx *app.Context) (scheme, rest string, err error) {
	lines := ctx.Request.Header["Authorization"]
	if len(lines) > 1 {
		return "", "", badRequest("Send one Authorization header")
	}
	if len(lines) == 0 {
		return "", "", nil
	}
	end := strings.IndexFunc(lines[0], func(r rune) bool { return !strings.ContainsRune(schemeChars, r) })
	if end < 0 {
		end = len(lines[0])
	}
	return lines[0][:end], lines[0][end:], nil
}

const schemeChars = digits + "!#$%&'*+-.^_`|~"

// form returns the values of the form's field. A form that cannot be read is nobody's
// concern if the header has the token.
func (o *BearerOptions) form(ctx *app.Context, inHeader bool) ([]string, error) {
	kind, _, err := mime.ParseMediaType(ctx.Request.Header.Get("Content-Type"))
	if o.Form == "" || err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, nil
	}
	found, err := ctx.BindStrings(0, o.Form)
	switch e, ok := errors.AsType[*app.Error](err); {
	case err != nil && inHeader:
		return nil, nil
	case ok && e.Status == http.StatusBadRequest:
		return nil, badRequest("Send the token once, in a form that can be read")
	case err != nil:
		return nil, err
	}
	if text, ok := found[o.Form]; ok {
		return []string{text}, nil
	}
	return nil, nil
}

func (o *BearerOptions) query(ctx *app.Context, _ bool) ([]string, error) {
	if o.InsecureQuery == "" {
		return nil, nil
	}
	return ctx.Request.URL.Query()[o.InsecureQuery], nil
}
