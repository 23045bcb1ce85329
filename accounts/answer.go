package accounts

import (
	"net/http"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// Done is what was done, for a [Format] to say.
type Done struct {
	Key    Key
	User   any                   // nil if there is none any more
	View   any                   // what may be shown of the user
	Tokens *strategies.TokenPair // to sign in with; nil: none
}

// A Format says what answers look like. It sets the Status, the Body and headers of the
// Context, and asks nobody. say returns a message in the language of the request.
type Format interface {
	Done(ctx *app.Context, d Done, say func(Key, ...string) string)
	Failed(ctx *app.Context, f *Failure, say func(Key, ...string) string)
}

// answer prepares what the Format makes of what was done, or of a Failure. Faults are
// returned.
func (a *Accounts) answer(ctx *app.Context, d Done, err error) error {
	if err != nil {
		return a.fail(ctx, err)
	}
	if d.User != nil && a.o.View != nil {
		d.View = a.o.View(d.User)
	}
	ctx.Header().Set("Cache-Control", "no-store")
	a.o.Format.Done(ctx, d, a.saying(ctx))
	return nil
}

func (a *Accounts) fail(ctx *app.Context, err error) error {
	f := failureOf(err)
	if f == nil {
		return err
	}
	h := ctx.Header()
	h.Set("Cache-Control", "no-store")
	for name, values := range f.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	if f.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", a.guard.Challenge(ctx, f.Cause))
	}
	a.o.Format.Failed(ctx, f, a.saying(ctx))
	return nil
}

func (a *Accounts) saying(ctx *app.Context) func(Key, ...string) string {
	return func(key Key, about ...string) string { return a.say(ctx, key, about...) }
}

// maxBody is how many bytes of a body are read.
const maxBody = 16 << 10

// body returns the named fields of the request's body.
func (a *Accounts) body(ctx *app.Context, names ...string) (map[string]string, error) {
	return ctx.BindStrings(maxBody, names...)
}
