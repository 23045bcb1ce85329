package main

import (
	"bytes"
	_ "embed"
	"html/template"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
)

//go:embed home.html
var homeSource string

var homePage = template.Must(template.New("home").Parse(homeSource))

// home says what is here. Who is logged in sees the rings, too.
func home(db *bun.DB) app.Handler {
	return func(ctx *app.Context) error {
		data := struct {
			User     *User
			Rings    []Ring
			Accounts []User
			Password string
		}{Accounts: accounts, Password: demoPassword}
		id, err := ctx.Identity()
		if err != nil {
			return err
		}
		if id != nil {
			data.User, _ = id.User.(*User)
			if data.Rings, err = allRings(ctx.Context(), db); err != nil {
				return err
			}
		}
		var page bytes.Buffer
		if err := homePage.Execute(&page, data); err != nil {
			return err
		}
		h := ctx.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		ctx.Body = page.Bytes()
		return nil
	}
}

func wantsPage(ctx *app.Context) bool {
	return ctx.Accepts("application/json", "text/html") == "text/html"
}
