package main

import (
	"fmt"

	"github.com/kahu-go/kahu/app"
)

func (s *site) endDeviceForm(ctx *app.Context, u *User) error {
	there, err := s.jwt.Revoke(ctx.Context(), u, ctx.Param("id"))
	if err != nil {
		return err
	}
	if !there {
		return flash(ctx, "error", "That device is gone already.", "/dashboard")
	}
	return flash(ctx, "info", "The device was logged out. Its tokens work no more.", "/dashboard")
}

func (s *site) endAllDevicesForm(ctx *app.Context, u *User) error {
	n, err := s.jwt.RevokeAll(ctx.Context(), u, "")
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%d devices were logged out.", n)
	if n == 1 {
		text = "One device was logged out."
	}
	return flash(ctx, "info", text, "/dashboard")
}
