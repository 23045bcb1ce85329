package main

import "github.com/kahu-go/kahu/app"

// home says what is here. Who is logged in sees the rings, too.
func (s *site) home(ctx *app.Context) error {
	data := struct {
		Login    loginData
		Rings    []Ring
		Accounts []User
		Password string
		Base     string
	}{Accounts: demoUsers, Password: demoPassword, Base: s.base}
	id, err := ctx.Identity()
	if err != nil {
		return err
	}
	if id != nil {
		if data.Rings, err = allRings(ctx.Context(), s.db); err != nil {
			return err
		}
	}
	return show(ctx, "home", page{Title: "Rings of power", Data: data})
}
