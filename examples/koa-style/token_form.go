package main

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// A tokenForm is what was typed and chosen for a new token, and what is wrong with it.
type tokenForm struct {
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
	Expiry string   `json:"expiry"`

	NameProblem   string `json:"-"`
	ChoiceProblem string `json:"-"`
}

// A choice is one of several that a form offers.
type choice struct {
	Value, Label string
	Chosen       bool
}

var (
	tokenScopes = []choice{
		{Value: "rings:read", Label: "see the rings"},
		{Value: "rings:write", Label: "destroy rings"},
	}
	tokenExpiries = []choice{
		{Value: "7", Label: "in 7 days"},
		{Value: "30", Label: "in 30 days"},
		{Value: "90", Label: "in 90 days"},
		{Value: "never", Label: "never"},
	}
	expiryOf = map[string]time.Duration{
		"7": 7 * 24 * time.Hour, "30": 30 * 24 * time.Hour, "90": 90 * 24 * time.Hour, "never": strategies.Never,
	}
)

func readTokenForm(ctx *app.Context) (f tokenForm, err error) {
	if err := ctx.Bind(&f); err != nil {
		return f, err
	}
	f.Name = strings.TrimSpace(f.Name)
	switch {
	case f.Name == "":
		f.NameProblem = "Give the token a name."
	case utf8.RuneCountInString(f.Name) > 50: // as the field says
		f.NameProblem = "A name has at most 50 characters."
	}
	if expiryOf[f.Expiry] == 0 || slices.ContainsFunc(f.Scopes, unknownScope) {
		f.ChoiceProblem = "Choose from what is offered."
	}
	return f, nil
}

func unknownScope(scope string) bool {
	return !slices.ContainsFunc(tokenScopes, func(c choice) bool { return c.Value == scope })
}

func (f tokenForm) wrong() bool { return f.NameProblem != "" || f.ChoiceProblem != "" }

func (f tokenForm) options(address string) strategies.TokenOptions {
	return strategies.TokenOptions{Name: f.Name, Scopes: f.Scopes, Expiry: expiryOf[f.Expiry], Address: address}
}

// scopes are those on offer, with the chosen ones marked.
func (f tokenForm) scopes() []choice {
	return marked(tokenScopes, func(value string) bool { return slices.Contains(f.Scopes, value) })
}

func (f tokenForm) expiries() []choice {
	return marked(tokenExpiries, func(value string) bool { return value == f.Expiry })
}

func marked(choices []choice, chosen func(value string) bool) []choice {
	out := slices.Clone(choices)
	for i := range out {
		out[i].Chosen = chosen(out[i].Value)
	}
	return out
}
