package middleware

import (
	"net/http"

	"github.com/kahu-go/kahu/app"
)

// HeadersOptions are the options of [Headers]: what is "" has the default that its line names,
// and "-" leaves the header out.
type HeadersOptions struct {
	ContentSecurityPolicy     string // default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'
	ReferrerPolicy            string // strict-origin-when-cross-origin
	FrameOptions              string // DENY
	CrossOriginOpenerPolicy   string // same-origin
	CrossOriginResourcePolicy string // same-origin; for files that other sites' pages embed: cross-origin
	PermissionsPolicy         string // camera=(), geolocation=(), microphone=()
	StrictTransportSecurity   string // max-age=63072000, two years; only over TLS. Hosts below: "max-age=63072000; includeSubDomains"
}

// Headers returns a layer that sets the headers that make browsers careful (ASVS 3.4) on every
// answer of what is below, an error's too. A handler that sets one itself has the last word; so has the
// app's own page for errors, with a stricter policy, its "nosniff" and, for answers that depend
// on who asks, its "no-store". Headers panics for values that cannot stand in a header.
func Headers(o HeadersOptions) app.Middleware {
	always, overTLS := o.fields()
	return func(ctx *app.Context, next app.Handler) error {
		set(ctx.Header(), always)
		if len(overTLS) > 0 && ctx.Secure() {
			set(ctx.Header(), overTLS)
		}
		return next(ctx)
	}
}

type field struct{ name, value string }

// set gives each a slice of its own: somebody below may change it.
func set(h http.Header, all []field) {
	values := make([]string, len(all))
	for i, f := range all {
		values[i] = f.value
		h[f.name] = values[i : i+1 : i+1]
	}
}

func (o *HeadersOptions) fields() (always, overTLS []field) {
	for _, f := range []struct{ name, value, unset string }{
		{"Content-Security-Policy", o.ContentSecurityPolicy, "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"},
		{"Referrer-Policy", o.ReferrerPolicy, "strict-origin-when-cross-origin"},
		{"X-Frame-Options", o.FrameOptions, "DENY"},
		{"Cross-Origin-Opener-Policy", o.CrossOriginOpenerPolicy, "same-origin"},
		{"Cross-Origin-Resource-Policy", o.CrossOriginResourcePolicy, "same-origin"},
		{"Permissions-Policy", o.PermissionsPolicy, "camera=(), geolocation=(), microphone=()"},
		{"Strict-Transport-Security", o.StrictTransportSecurity, "max-age=63072000"},
	} {
		value := f.value
		if value == "" {
			value = f.unset
		}
		mustValue("HeadersOptions: "+f.name, value)
		switch {
		case value == "-":
		case f.name == "Strict-Transport-Security":
			overTLS = append(overTLS, field{f.name, value})
		default:
			always = append(always, field{f.name, value})
		}
	}
	return always, overTLS
}

// mustValue panics for what cannot be the value of a header.
func mustValue(option, value string) {
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			panic("middleware: " + option + ": printable ASCII only")
		}
	}
}
