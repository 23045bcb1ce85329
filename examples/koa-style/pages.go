package main

import (
	"bytes"
	"embed"
	"html/template"
	"time"

	"github.com/kahu-go/kahu/app"
)

//go:embed pages
var pageSources embed.FS

var pages = parsePages("home", "login", "signup", "reset", "sent", "mailed", "dashboard", "account", "sessions", "confirm", "close")

// parsePages returns templates by name, each with the layout and the parts around it.
func parsePages(names ...string) map[string]*template.Template {
	shared := template.Must(template.New("layout.html").
		Funcs(template.FuncMap{"device": device, "day": day, "clock": clock, "iso": iso, "nth": nth}).
		ParseFS(pageSources, "pages/layout.html", "pages/parts.html"))
	all := map[string]*template.Template{}
	for _, name := range names {
		all[name] = template.Must(template.Must(shared.Clone()).ParseFS(pageSources, "pages/"+name+".html"))
	}
	return all
}

// A page is what the layout shows around Data, which is of the page's own type.
type page struct {
	Title   string
	Problem bool  // whether something has to be put right first
	User    *User // nil: nobody is logged in
	Flashes []app.Flash
	Data    any
}

// show answers with a page. Nothing on it comes from elsewhere, and nothing is inline,
// so that markup that somebody smuggles in does nothing.
func show(ctx *app.Context, name string, p page) (err error) {
	id, err := ctx.Identity()
	if err != nil {
		return err
	}
	if id != nil {
		p.User, _ = id.User.(*User)
	}
	session, err := ctx.Session()
	if err != nil {
		return err
	}
	if p.Flashes, err = session.Flashes(); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := pages[name].Execute(&out, p); err != nil {
		return err
	}
	h := ctx.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "same-origin") // not less: old browsers prove by it that a form is ours
	ctx.Body = out.Bytes()
	return nil
}

// flash keeps a message for the page that the client is sent to.
func flash(ctx *app.Context, kind, text, path string) error {
	session, err := ctx.Session()
	if err != nil {
		return err
	}
	if err := session.Flash(kind, text); err != nil {
		return err
	}
	return ctx.Redirect(path)
}

func wantsPage(ctx *app.Context) bool {
	return ctx.Accepts("application/json", "text/html") == "text/html"
}

// nth counts from one, as people do.
func nth(i int) int { return i + 1 }

func day(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

func clock(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04") }

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }
