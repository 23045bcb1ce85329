package main

import (
	"net/http"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// A deviceView is a device and whether it is the one that asks.
type deviceView struct {
	strategies.Device
	This bool `json:"this"`
}

func (s *site) listDevices(ctx *app.Context, u *User) error {
	this, err := s.claims(ctx)
	if err != nil {
		return err
	}
	devices, err := s.jwt.Devices(ctx.Context(), u)
	if err != nil {
		return err
	}
	list := make([]deviceView, len(devices))
	for i, d := range devices {
		for _, t := range []*time.Time{&d.Created, &d.LastUsed, &d.Expires} {
			*t = t.Truncate(time.Second)
		}
		list[i] = deviceView{d, d.ID == this.Device}
	}
	ctx.Body = map[string][]deviceView{"data": list}
	return nil
}

// endDevice logs a device of the user's out, the one that asks too. Another user's is as
// good as none.
func (s *site) endDevice(ctx *app.Context, u *User) error {
	there, err := s.jwt.Revoke(ctx.Context(), u, ctx.Param("id"))
	switch {
	case err != nil:
		return err
	case !there:
		return ctx.Throw(http.StatusNotFound, "No such device")
	}
	ctx.Status = http.StatusNoContent
	return nil
}

// endOtherDevices logs out all but the one that asks. Who wants that ended too logs out
// next.
func (s *site) endOtherDevices(ctx *app.Context, u *User) error {
	this, err := s.claims(ctx)
	if err != nil {
		return err
	}
	n, err := s.jwt.RevokeAll(ctx.Context(), u, this.Device)
	if err != nil {
		return err
	}
	ctx.Body = map[string]int{"ended": n}
	return nil
}
