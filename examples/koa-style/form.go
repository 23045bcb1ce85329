package main

import (
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
)

// A form is what a page shows of one, and what is wrong with it.
type form struct {
	Action, Button string
	Danger         bool
	Token          string // of a mail, which is good for another try
	Username       string // of who is logged in, for programs that keep passwords; it is not sent
	Again          string // where there is another mail; "": nowhere
	Fields         []field

	Problem string // that is no single field's
	wrong   bool
}

// A field is one of a form's. What was typed into one for a password is not shown again.
type field struct {
	ID, Name, Label, Hint, Type, Complete string

	Value, Problem string
	Focus          bool
}

func emailField(id, label, value string) field {
	return field{ID: id, Name: "email", Label: label, Type: "email", Complete: "email", Value: value}
}

// currentField asks for the password that somebody has.
func currentField(id, label string) field {
	return field{ID: id, Name: "current_password", Label: label, Type: "password", Complete: "current-password"}
}

// newPassword are the two fields for one that somebody chooses.
func newPassword(label string) []field {
	return []field{
		{ID: "password", Name: "password", Label: label, Type: "password", Complete: "new-password", Hint: passwordHint},
		{ID: "password-again", Name: "password_confirmation", Label: "The same again", Type: "password", Complete: "new-password"},
	}
}

// refuse notes in the form, and as the answer's status, what somebody who fills it in can
// put right. Whatever else err is is returned.
func (f *form) refuse(ctx *app.Context, err error) error {
	why, ok := errors.AsType[*accounts.Failure](err)
	if !ok {
		return err
	}
	f.wrong, ctx.Status = true, why.Status
	for name, values := range why.Header {
		ctx.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if why.Field == "token" {
		f.Token = "" // trying again is of no use
	}
	text := sentence(why)
	for i := range f.Fields {
		if f.Fields[i].Name == why.Field {
			f.Fields[i].Problem, f.Fields[i].Focus = text, true
			return nil
		}
	}
	f.Problem = text
	return nil
}

// sentence is what the package says, as these pages write.
func sentence(f *accounts.Failure) string {
	text := strings.NewReplacer(f.About...).Replace(accounts.English.Texts[f.Key])
	first, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[n:] + "."
}
