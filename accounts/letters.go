package accounts

import (
	"strings"

	"golang.org/x/text/language"

	"github.com/kahu-go/kahu/app"
)

// letters are the mails in our languages. {link} stands for the page.
var letters = map[language.Tag]map[Purpose]Mail{
	language.English: {
		PurposeReset: {Subject: "Choose a new password", Text: "Somebody, hopefully you, asked for a new password. To choose one, open this page:\n\n{link}\n\n" +
			"If it was not you, do nothing: your password stays as it is.\n"},
		PurposeVerify: {Subject: "Confirm your address", Text: "Welcome. To confirm that this address is yours, open this page:\n\n{link}\n\n" +
			"If you did not sign up, do nothing.\n"},
		PurposeEmail: {Subject: "Confirm your new address", Text: "To use this address for your account from now on, open this page:\n\n{link}\n\n" +
			"If you have no account with us, do nothing.\n"},
		PurposeNotice: {Subject: "Your address is about to change", Text: "Somebody who knows your password asked to use another address for your account. " +
			"If it was not you, change your password now.\n"},
	},
	language.German: {
		PurposeReset: {Subject: "Neues Passwort wählen", Text: "Jemand, hoffentlich du selbst, hat ein neues Passwort angefordert. Auf dieser Seite kannst du es wählen:\n\n{link}\n\n" +
			"Wenn du es nicht warst, tu nichts: Dein Passwort bleibt, wie es ist.\n"},
		PurposeVerify: {Subject: "Bestätige deine Adresse", Text: "Willkommen. Auf dieser Seite bestätigst du, dass diese Adresse dir gehört:\n\n{link}\n\n" +
			"Wenn du dich nicht registriert hast, tu nichts.\n"},
		PurposeEmail: {Subject: "Bestätige deine neue Adresse", Text: "Auf dieser Seite bestätigst du, dass dein Konto von nun an diese Adresse hat:\n\n{link}\n\n" +
			"Wenn du kein Konto bei uns hast, tu nichts.\n"},
		PurposeNotice: {Subject: "Deine Adresse soll sich ändern", Text: "Jemand, der dein Passwort kennt, möchte für dein Konto eine andere Adresse verwenden. " +
			"Wenn du es nicht warst, ändere jetzt dein Passwort.\n"},
	},
}

// compose writes a mail in the language of the request.
func (a *Accounts) compose(ctx *app.Context, p Purpose, link string) Mail {
	if a.o.Mail.Compose != nil {
		return a.o.Mail.Compose(ctx, p, link)
	}
	texts, ok := letters[a.catalogue(ctx).Language]
	if !ok {
		texts = letters[language.English]
	}
	m := texts[p]
	m.Text = strings.ReplaceAll(m.Text, "{link}", link)
	return m
}
