package strategies

import (
	"strings"

	"github.com/kahu-go/kahu/app"
)

// places looks for the token where the options allow it. In two places at once it is
// invalid (RFC 6750 section 2).
func (o *BearerOptions) places(ctx *app.Context) (string, error) {
	text, err := o.header(ctx)
	if err != nil {
		return "", err
	}
	found := text != ""
	for _, place := range []func(*app.Context) ([]string, error){o.form, o.query} {
		values, err := place(ctx)
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

// header returns the token of the Authorization header, "" if there is none of ours.
func (o *BearerOptions) header(ctx *app.Context) (string, error) {
	lines := ctx.Request.Header["Authorization"]
	if len(lines) > 1 {
		return "", badRequest("Send one Authorization header")
	}
	if len(lines) == 0 || lines[0] == "" {
		return "", nil
	}
	scheme, rest, spaced := strings.Cut(lines[0], " ")
	switch {
	case o.SchemeOptional && !spaced && !strings.EqualFold(scheme, "Bearer"):
		return scheme, nil
	case !strings.EqualFold(scheme, "Bearer"):
		return "", nil // another strategy's
	case rest == "" || strings.ContainsAny(rest, " \t,"):
		return "", badRequest("Malformed Authorization header")
	}
	return rest, nil
}

// form returns the values of the form's field.
func (o *BearerOptions) form(ctx *app.Context) ([]string, error) {
	if o.Form == "" || !strings.HasPrefix(ctx.Request.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil, nil
	}
	var body map[string]any
	if err := ctx.Bind(&body); err != nil {
		return nil, err
	}
	if text, ok := body[o.Form].(string); ok {
		return []string{text}, nil
	}
	return nil, nil
}

func (o *BearerOptions) query(ctx *app.Context) ([]string, error) {
	if o.InsecureQuery == "" {
		return nil, nil
	}
	return ctx.Request.URL.Query()[o.InsecureQuery], nil
}
