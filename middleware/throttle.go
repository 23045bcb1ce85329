package middleware

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/throttle"
)

// ThrottleOptions are the options of [Throttle]. Limit is required.
type ThrottleOptions struct {
	// Limit is how many requests each client may make in a Window.
	Limit  int
	Window time.Duration // whole seconds; 0: one minute

	// Name names the policy to clients; "": default. Throttles over one counter whose Name, Limit
	// and Window are the same count together, in other processes too; others do not.
	Name string

	// Key says who is counted; "" is nobody, who is not. nil: [ByAddress].
	Key func(ctx *app.Context) (string, error)

	// Deny refuses clients before anything is counted, with 403, and Skip lets them through
	// uncounted; nil: nobody.
	Deny, Skip func(ctx *app.Context) bool

	// NoHeaders leaves out the headers RateLimit and RateLimit-Policy (the IETF's draft), which
	// tell clients how much is left. LegacyHeaders writes X-RateLimit-Limit, -Remaining and -Reset
	// as well, as koa-ratelimit does; Reset is the second since 1970 when the window is over, a whole number.
	NoHeaders, LegacyHeaders bool

	// InsecureFailOpen lets everybody through while the counter does not answer; otherwise that is
	// answered 503. Logins are counted by their strategies all the same.
	InsecureFailOpen bool

	// Timeout bounds the question to the counter; 0: 2 seconds.
	Timeout time.Duration

	// Logger gets what InsecureFailOpen passes over; nil: slog.Default().
	Logger *slog.Logger

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

// Throttle returns a layer that bounds how many requests a client makes: one more than Limit in a
// Window is answered 429 with Retry-After, and nothing below runs. Counting is one atomic step
// before the work. It panics without a counter or a Limit, and for options out of range.
func Throttle(counter throttle.Counter, o ThrottleOptions) app.Middleware {
	if counter == nil {
		panic("middleware: Throttle needs a counter")
	}
	o.setDefaults()
	name := strconv.Quote(o.Name)
	policy := fmt.Sprintf("%s;q=%d;w=%d", name, o.Limit, o.Window/time.Second)
	t := &limiter{counter, o, name, policy, "request " + policy + " "}
	return t.layer
}

func (o *ThrottleOptions) setDefaults() {
	if o.Name == "" {
		o.Name = "default"
	}
	if o.Window == 0 {
		o.Window = time.Minute
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Key == nil {
		o.Key = ByAddress
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	mustHeader("ThrottleOptions.Name", o.Name)
	switch {
	case o.Limit <= 0 || o.Limit > 1_000_000:
		panic("middleware: ThrottleOptions.Limit: from one to a million")
	case o.Window < time.Second || o.Window > 366*24*time.Hour || o.Window%time.Second != 0:
		panic("middleware: ThrottleOptions.Window: whole seconds, at most a year")
	case o.Timeout < 0:
		panic("middleware: ThrottleOptions.Timeout is negative")
	}
}

// ByAddress counts by the client's address, of IPv6 by its /64, which is what one subscriber has.
// A client whose address is not known is counted together with all others like it.
func ByAddress(ctx *app.Context) (string, error) {
	if client := throttle.Client(ctx.Address()); client != "" {
		return "address " + client, nil
	}
	return "no address", nil
}

// ByUser counts by who is logged in, however that was proved, and those who are not by their address, as well
// as users whose strategy does not say their [app.Identity].Subject. It asks who it is, so such a Throttle
// belongs below what proves users, and not into [Standard]: there nobody is known.
func ByUser(ctx *app.Context) (string, error) {
	id, err := ctx.Identity()
	switch {
	case err != nil:
		return "", err
	case id != nil && id.Subject != "":
		// Two kinds of users, each with a table of its own, may have the same subjects.
		return fmt.Sprintf("user %T %s", id.User, id.Subject), nil
	}
	return ByAddress(ctx)
}

type limiter struct {
	counter      throttle.Counter
	o            ThrottleOptions
	name, policy string // as they stand in the headers
	prefix       string // of what is counted
}

func (t *limiter) layer(ctx *app.Context, next app.Handler) error {
	switch {
	case t.o.Deny != nil && t.o.Deny(ctx):
		return &app.Error{Status: http.StatusForbidden}
	case t.o.Skip != nil && t.o.Skip(ctx):
		return next(ctx)
	}
	key, err := t.o.Key(ctx)
	if err != nil {
		return err
	}
	if key == "" {
		return next(ctx)
	}
	now := t.o.Clock().UTC()
	count, err := t.count(ctx, key, now)
	switch {
	case err != nil && t.o.InsecureFailOpen:
		t.log().WarnContext(ctx.Context(), "requests are not counted", "error", err)
		return next(ctx)
	case err != nil:
		return &app.Error{Status: http.StatusServiceUnavailable, Cause: fmt.Errorf("middleware: count the request: %w", err)}
	}
	t.headers(ctx.Header(), count, now)
	if count.N > int64(t.o.Limit) {
		return &app.Error{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {count.RetryAfter(now)}}}
	}
	return next(ctx)
}

func (t *limiter) count(ctx *app.Context, key string, now time.Time) (throttle.Count, error) {
	c, cancel := context.WithTimeout(ctx.Context(), t.o.Timeout)
	defer cancel()
	return t.counter.Add(c, t.prefix+key, 1, now, t.o.Window)
}

func (t *limiter) headers(h http.Header, count throttle.Count, now time.Time) {
	left := strconv.FormatInt(max(0, int64(t.o.Limit)-count.N), 10)
	if !t.o.NoHeaders {
		h.Add("RateLimit-Policy", t.policy)
		h.Add("RateLimit", t.name+";r="+left+";t="+count.RetryAfter(now))
	}
	if t.o.LegacyHeaders {
		h.Set("X-RateLimit-Limit", strconv.Itoa(t.o.Limit))
		h.Set("X-RateLimit-Remaining", left)
		h.Set("X-RateLimit-Reset", strconv.FormatInt(count.Until.Add(time.Second-time.Nanosecond).Unix(), 10))
	}
}

func (t *limiter) log() *slog.Logger {
	if t.o.Logger == nil {
		return slog.Default()
	}
	return t.o.Logger
}
