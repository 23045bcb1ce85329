package middleware

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"

	"github.com/kahu-go/kahu/app"
)

// CORSOptions say which pages of other sites may read answers (the Fetch standard's CORS). Nobody
// may without this layer.
type CORSOptions struct {
	// Origins are those of the pages: "https://app.shire.example", with a port if it is not the
	// scheme's own; "*" is everybody's. At least one.
	Origins []string

	// Methods and Headers are what pages may send beside GET, HEAD, POST and Content-Type:
	// "DELETE", say, and "Authorization" if they send tokens.
	Methods, Headers []string

	// Expose are headers of answers that pages may read beside the usual ones.
	Expose []string

	// Credentials lets pages send cookies and read what is answered to them. Not with "*".
	Credentials bool

	// MaxAge is how long a browser remembers; 0: 10 minutes, at most a day.
	MaxAge time.Duration
}

// CORS returns a layer that lets pages of Origins read answers, errors too, and answers what
// browsers ask before a request (a preflight), of which nothing below hears. It panics without
// Origins, for what is no origin, for "null", which any page can be, for "*" with Credentials,
// which would let every page act as its visitor, and for names that cannot match. It lets nobody
// into a session: unsafe requests with its cookie are still refused to other sites, unless
// [app.SessionOptions].TrustedOrigins names them.
func CORS(o CORSOptions) app.Middleware {
	o.check()
	c := cors.New(cors.Options{
		AllowedOrigins: o.Origins, AllowCredentials: o.Credentials, MaxAge: int(o.MaxAge / time.Second),
		AllowedMethods: slices.Concat([]string{http.MethodGet, http.MethodHead, http.MethodPost}, o.Methods),
		AllowedHeaders: slices.Concat([]string{"Content-Type"}, o.Headers), ExposedHeaders: o.Expose,
	})
	return func(ctx *app.Context, next app.Handler) error {
		c.HandlerFunc(ctx.Writer(), ctx.Request)
		if ctx.Sent() {
			return nil // a preflight
		}
		return next(ctx)
	}
}

func (o *CORSOptions) check() {
	if len(o.Origins) == 0 {
		panic("middleware: CORS needs Origins")
	}
	for _, origin := range o.Origins {
		switch {
		case origin == "*" && o.Credentials:
			panic("middleware: CORS: every page could act as its visitor with Credentials and *: name the Origins")
		case origin == "*" && len(o.Origins) > 1:
			panic("middleware: CORS: * and other Origins")
		case origin != "*" && !isOrigin(origin):
			panic(fmt.Sprintf("middleware: CORS: %q is no origin as browsers write it, such as https://shire.example", origin))
		}
	}
	for _, name := range slices.Concat(o.Methods, o.Headers, o.Expose) {
		mustHeader("CORSOptions: "+name, name)
		if name == "*" {
			panic("middleware: CORS: name the Methods and Headers, * is none")
		}
	}
	for _, m := range o.Methods {
		if m != strings.ToUpper(m) {
			panic("middleware: CORS: methods are in upper case, not " + m)
		}
	}
	switch {
	case o.MaxAge == 0:
		o.MaxAge = 10 * time.Minute
	case o.MaxAge < time.Second || o.MaxAge > 24*time.Hour:
		panic("middleware: CORSOptions.MaxAge: from a second to a day")
	}
}

// isOrigin reports whether browsers would write an origin like this: no port of the scheme's own,
// no letters but ASCII.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme+"://"+u.Host != text || u.Hostname() == "" || strings.HasSuffix(text, ":") {
		return false
	}
	ownPort := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	return ownPort != "" && u.Port() != ownPort && strings.Trim(u.Host, hostChars) == ""
}

const hostChars = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._:[]"
