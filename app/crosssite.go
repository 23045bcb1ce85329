package app

import (
	"errors"
	"fmt"
)

var errCrossSite = errors.New("app: an unsafe request from another site")

// checkOrigin refuses an unsafe request from another site, unless a credential proved
// it that no page of another site can make a browser send.
func (x *Session) checkOrigin() error {
	if c := x.ctx; c.proven && c.identity != nil && c.identity.Deliberate {
		return nil
	}
	return x.refuseCrossSite()
}

func (x *Session) refuseCrossSite() error {
	if x.s.origin == nil {
		return nil
	}
	if err := x.s.origin.Check(x.ctx.Request); err != nil {
		if x.refused == nil {
			x.refused = x.ctx.denied(nil, &Error{Status: 403, Message: "Cross-site request refused", Cause: fmt.Errorf("%w: %w", errCrossSite, err)})
			x.ctx.note(x.s, nil, x.refused)
		}
		return x.refused
	}
	return nil
}
