package main

import (
	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
)

// A post is something to read for users and admins.
type post struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
}

// An asker is who asked, of which kind.
type asker struct {
	Kind  string `json:"kind"`
	Email string `json:"email"`
}

var posts = []post{{1, "A long-expected party"}, {2, "The shadow of the past"}, {3, "Three is company"}}

// listPosts says who asks, too. A guard above it lets in two kinds.
func listPosts(ctx *app.Context) error {
	by := asker{Kind: "user"}
	if admin, ok := app.User[*accounts.User](ctx); ok {
		by = asker{"admin", admin.Email}
	} else if u, ok := app.User[*User](ctx); ok {
		by.Email = u.Email
	}
	ctx.Body = struct {
		Data []post `json:"data"`
		By   asker  `json:"asked_by"`
	}{posts, by}
	return nil
}
