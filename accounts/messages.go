package accounts

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/kahu-go/kahu/app"
)

// A Key names a message. Those with api_guard's names have api_guard's English texts.
type Key string

// The messages.
const (
	Success Key = "response.success"
	Error   Key = "response.error"

	SignedUp       Key = "registration.signed_up"
	AccountDeleted Key = "registration.account_deleted"

	SignedIn                Key = "authentication.signed_in"
	SignedOut               Key = "authentication.signed_out"
	InvalidLoginCredentials Key = "authentication.invalid_login_credentials"

	PasswordChanged Key = "password.changed"
	PasswordReset   Key = "password.reset"
	ResetRequested  Key = "password.reset_requested"

	AccessRefreshed Key = "access_token.refreshed"
	AccessMissing   Key = "access_token.missing"
	AccessInvalid   Key = "access_token.invalid"
	AccessExpired   Key = "access_token.expired"
	RefreshInvalid  Key = "refresh_token.invalid"
	RefreshMissing  Key = "refresh_token.missing"

	EmailVerified   Key = "email.verified"
	EmailChanged    Key = "email.changed"
	VerifyRequested Key = "email.verification_requested"
	ChangeRequested Key = "email.change_requested"

	EmailBlank       Key = "errors.email.blank"
	EmailInvalid     Key = "errors.email.invalid"
	EmailTaken       Key = "errors.email.taken"
	PasswordBlank    Key = "errors.password.blank"
	PasswordUnequal  Key = "errors.password_confirmation.confirmation"
	PasswordShort    Key = "errors.password.too_short"
	PasswordLong     Key = "errors.password.too_long"
	PasswordCommon   Key = "errors.password.common"
	PasswordUnusable Key = "errors.password.invalid"
	CurrentWrong     Key = "errors.current_password.invalid"
	FieldInvalid     Key = "errors.field.invalid"
	FieldTaken       Key = "errors.field.taken"
	LinkInvalid      Key = "errors.token.invalid"
	TooManyRequests  Key = "errors.too_many_requests"
)

// A Catalogue has the messages in one language. {min} and {field} stand for what the
// message is about.
type Catalogue struct {
	Language language.Tag
	Texts    map[Key]string
}

// With returns a Catalogue with other texts for some keys.
func (c Catalogue) With(texts map[Key]string) Catalogue {
	own := maps.Clone(c.Texts)
	maps.Copy(own, texts)
	return Catalogue{c.Language, own}
}

// English has the texts of api_guard, where it has one.
var English = Catalogue{language.English, map[Key]string{
	Success: "success", Error: "error",
	SignedUp:                "Signed up successfully",
	AccountDeleted:          "Account deleted successfully",
	SignedIn:                "Signed in successfully",
	SignedOut:               "Signed out successfully",
	InvalidLoginCredentials: "Invalid login credentials",
	PasswordChanged:         "Password changed successfully",
	PasswordReset:           "Password changed successfully",
	ResetRequested:          "If there is such an account, a mail is on its way",
	AccessRefreshed:         "Token refreshed successfully",
	AccessMissing:           "Access token is missing in the request",
	AccessInvalid:           "Invalid access token",
	AccessExpired:           "Access token expired",
	RefreshInvalid:          "Invalid refresh token",
	RefreshMissing:          "Refresh token is missing in the request",
	EmailVerified:           "Email confirmed successfully",
	EmailChanged:            "Email changed successfully",
	VerifyRequested:         "If there is such an account, a mail is on its way",
	ChangeRequested:         "A mail is on its way to the new address",
	EmailBlank:              "Email can't be blank",
	EmailInvalid:            "Email is invalid",
	EmailTaken:              "Email has already been taken",
	PasswordBlank:           "Password can't be blank",
	PasswordUnequal:         "Password confirmation doesn't match Password",
	PasswordShort:           "Password is too short (minimum is {min} characters)",
	PasswordLong:            "Password is too long",
	PasswordCommon:          "Password is too common",
	PasswordUnusable:        "Password is invalid",
	CurrentWrong:            "Current password is invalid",
	FieldInvalid:            "{field} is invalid",
	FieldTaken:              "{field} has already been taken",
	LinkInvalid:             "The link is not valid any more",
	TooManyRequests:         "Too many requests, try again later",
}}

// German has them all too.
var German = Catalogue{language.German, map[Key]string{
	Success: "Erfolg", Error: "Fehler",
	SignedUp:                "Erfolgreich registriert",
	AccountDeleted:          "Konto erfolgreich gelöscht",
	SignedIn:                "Erfolgreich angemeldet",
	SignedOut:               "Erfolgreich abgemeldet",
	InvalidLoginCredentials: "Ungültige Anmeldedaten",
	PasswordChanged:         "Passwort erfolgreich geändert",
	PasswordReset:           "Passwort erfolgreich geändert",
	ResetRequested:          "Falls es dieses Konto gibt, ist eine E-Mail unterwegs",
	AccessRefreshed:         "Token erfolgreich erneuert",
	AccessMissing:           "In der Anfrage fehlt das Zugriffstoken",
	AccessInvalid:           "Ungültiges Zugriffstoken",
	AccessExpired:           "Zugriffstoken abgelaufen",
	RefreshInvalid:          "Ungültiges Erneuerungstoken",
	RefreshMissing:          "In der Anfrage fehlt das Erneuerungstoken",
	EmailVerified:           "E-Mail-Adresse erfolgreich bestätigt",
	EmailChanged:            "E-Mail-Adresse erfolgreich geändert",
	VerifyRequested:         "Falls es dieses Konto gibt, ist eine E-Mail unterwegs",
	ChangeRequested:         "Eine E-Mail an die neue Adresse ist unterwegs",
	EmailBlank:              "E-Mail-Adresse muss ausgefüllt werden",
	EmailInvalid:            "E-Mail-Adresse ist ungültig",
	EmailTaken:              "E-Mail-Adresse ist bereits vergeben",
	PasswordBlank:           "Passwort muss ausgefüllt werden",
	PasswordUnequal:         "Passwortbestätigung stimmt nicht mit dem Passwort überein",
	PasswordShort:           "Passwort ist zu kurz (mindestens {min} Zeichen)",
	PasswordLong:            "Passwort ist zu lang",
	PasswordCommon:          "Passwort ist zu verbreitet",
	PasswordUnusable:        "Passwort ist ungültig",
	CurrentWrong:            "Das bisherige Passwort ist ungültig",
	FieldInvalid:            "{field} ist ungültig",
	FieldTaken:              "{field} ist bereits vergeben",
	LinkInvalid:             "Der Link gilt nicht mehr",
	TooManyRequests:         "Zu viele Anfragen, bitte später erneut versuchen",
}}

// say returns a message in the language that the request wants most.
func (a *Accounts) say(ctx *app.Context, key Key, about ...string) string {
	text := a.catalogue(ctx).Texts[key]
	if text == "" {
		text = a.o.Catalogues[0].Texts[key]
	}
	if text == "" {
		text = English.Texts[key]
	}
	return strings.NewReplacer(about...).Replace(text)
}

func (a *Accounts) catalogue(ctx *app.Context) Catalogue {
	if len(a.o.Catalogues) == 1 {
		return a.o.Catalogues[0]
	}
	wanted := strings.Join(ctx.Request.Header["Accept-Language"], ",")
	if wanted == "" || len(wanted) > 1000 {
		return a.o.Catalogues[0]
	}
	tags, _, err := language.ParseAcceptLanguage(wanted)
	if err != nil {
		return a.o.Catalogues[0]
	}
	_, i, sure := a.languages.Match(tags...)
	if sure == language.No {
		return a.o.Catalogues[0]
	}
	return a.o.Catalogues[i]
}

// languagesOf are those of the catalogues, the default first.
func languagesOf(all []Catalogue) language.Matcher {
	tags := slices.Collect(func(yield func(language.Tag) bool) {
		for _, c := range all {
			if !yield(c.Language) {
				return
			}
		}
	})
	return language.NewMatcher(tags)
}
