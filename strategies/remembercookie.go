package strategies

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/rollback"
	"github.com/kahu-go/kahu/tokenstores"
)

// A standing is what one request has come to know of its client. The request's cookie says only
// what the client came with: it may have been used, replaced or ended since.
type standing struct {
	id  *app.Identity
	err error
}

type standingOf struct{ r *Remember }

// forgotten is the standing of a client that has been forgotten.
var forgotten = standing{err: app.ErrNoCredentials}

func (r *Remember) standing(ctx *app.Context) standing {
	s, _ := ctx.Value(standingOf{r}).(standing)
	return s
}

func (r *Remember) stand(ctx *app.Context, s standing) { ctx.SetValue(standingOf{r}, s) }

var errSeveral = errors.New("several cookies of this name that differ")

// presented returns the text in the request's cookie. Of several that differ none counts: which
// of them the browser means cannot be known, and one may have been planted.
func (r *Remember) presented(ctx *app.Context) (none refreshText, err error) {
	cookies := ctx.Request.CookiesNamed(r.cookie.Name)
	if len(cookies) == 0 || ctx.Sent() {
		return none, app.ErrNoCredentials
	}
	if r.origins != nil {
		if err := ctx.CheckOrigin(r.origins); err != nil {
			return none, &app.Error{Status: http.StatusForbidden, Message: "Cross-site request refused", Cause: err}
		}
	}
	for _, other := range cookies[1:] {
		if other.Value != cookies[0].Value {
			return none, notRemembered(errSeveral)
		}
	}
	sent, ok := parseRefreshText(r.o.Prefix, cookies[0].Value)
	if !ok {
		return none, notRemembered(errors.New("it cannot be one of ours"))
	}
	return sent, nil
}

// all returns the well-formed texts in all cookies of this name, eight at most, and whether
// there is any such cookie.
func (r *Remember) all(ctx *app.Context) (texts []refreshText, any bool) {
	for _, cookie := range ctx.Request.CookiesNamed(r.cookie.Name) {
		any = true
		if sent, ok := parseRefreshText(r.o.Prefix, cookie.Value); ok && !slices.Contains(texts, sent) && len(texts) < 8 {
			texts = append(texts, sent)
		}
	}
	return texts, any
}

// give sets the cookie for as long as the series lives if it is not used again.
func (r *Remember) give(ctx *app.Context, text refreshText, t *tokenstores.Token) error {
	ends := t.Expires
	if idle := t.Used().Add(t.IdleLimit); t.IdleLimit != 0 && idle.Before(ends) {
		ends = idle
	}
	cookie := r.cookie
	cookie.MaxAge = ends.Sub(r.now()).Truncate(time.Second)
	if cookie.MaxAge <= 0 { // 0 would be until the browser is closed
		return cookie.Clear(ctx)
	}
	return cookie.Set(ctx, text.String())
}

// take makes the client forget the cookie, and this request what it knew.
func (r *Remember) take(ctx *app.Context) error {
	rollback.On(ctx.Context(), r.before(ctx))
	r.stand(ctx, forgotten)
	return r.cookie.Clear(ctx)
}

// before returns what makes the cookie of the answer, and what is known of the client, as they
// are now: for a row that could not be written, and for a transaction of the application that
// does not last. A client with a secret that the store has forgotten would be taken for a thief.
func (r *Remember) before(ctx *app.Context) func() {
	s, mine := r.standing(ctx), r.lines(ctx.Header(), true)
	return func() {
		r.stand(ctx, s)
		ctx.Header()["Set-Cookie"] = append(r.lines(ctx.Header(), false), mine...)
	}
}

// lines returns the Set-Cookie lines that are, or are not, of this cookie.
func (r *Remember) lines(h http.Header, mine bool) (found []string) {
	for _, line := range h["Set-Cookie"] {
		if strings.HasPrefix(line, r.cookie.Name+"=") == mine {
			found = append(found, line)
		}
	}
	return found
}

// deviceName makes what a client calls itself fit to be stored and shown.
func deviceName(agent string) string {
	name := strings.Map(func(c rune) rune {
		if hidden(c) {
			return -1
		}
		return c
	}, agent)
	for len(name) > 255 {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return name
}
