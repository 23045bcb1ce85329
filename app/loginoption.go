package app

import "time"

// A LoginOption changes one Login.
type LoginOption func(*loginOptions)

type loginOptions struct {
	keep      []string
	keepAll   bool
	loggedIn  time.Time // when that was proved; zero: now
	remember  bool
	maxAge    time.Duration // 0: Idle and Absolute
	noSession bool
	flash     *Flash // a message that begins with the login
}

// KeepSession carries the values of these names over into the new session, whosever the
// old one was. All others are dropped: what a visitor collected is not to become the
// user's by accident.
func KeepSession(names ...string) LoginOption {
	return func(o *loginOptions) { o.keep = append(o.keep, names...) }
}

// Remember has the client remembered, if yes: when the session is over,
// [SessionOptions].Remember brings its user back. Without a Remember it is an error.
func Remember(yes bool) LoginOption {
	return func(o *loginOptions) { o.remember = yes }
}

// WithoutSession makes the user that of this request, and writes and sets nothing. It takes no
// Sessions, and goes with no [Remember] and no [MaxAge].
func WithoutSession() LoginOption {
	return func(o *loginOptions) { o.noSession = true }
}

func loginOptionsOf(opts []LoginOption) (o loginOptions) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}
