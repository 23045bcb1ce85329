package accounts_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/text/language"

	"github.com/kahu-go/kahu/accounts"
)

func TestFormats(t *testing.T) {
	const tokens = `"access_token":"…","token_type":"Bearer","expires_in":900,"refresh_token":"…","scope":"*"`
	tests := map[string]struct {
		format          accounts.Format
		signedUp        string
		status          int
		taken, wrong    string
		contentType     string
		wrongStatus     int
		failContentType string
	}{
		"APIGuard": {accounts.APIGuard, `{"status":"success","message":"Signed up successfully","data":{"email":"frodo@shire.example"}}`, 200,
			`{"status":"error","error":"Email has already been taken"}`, `{"status":"error","error":"Invalid login credentials"}`, jsonType, 401, jsonType},
		"APIGuard with 422": {accounts.Unprocessable(accounts.APIGuard), `{"status":"success","message":"Signed up successfully","data":{"email":"frodo@shire.example"}}`, 200,
			`{"status":"error","error":"Email has already been taken"}`, `{"status":"error","error":"Invalid login credentials"}`, jsonType, 422, jsonType},
		"Adonis": {accounts.Adonis, `{"type":"bearer","token":"…","expires_at":"2031-03-04T05:21:07Z","expires_in":900,"refresh_token":"…"}`, 200,
			`{"errors":[{"message":"Email has already been taken","field":"email"}]}`, `{"errors":[{"message":"Invalid login credentials"}]}`, jsonType, 401, jsonType},
		"JSONAPI": {accounts.JSONAPI, `{"data":{"email":"frodo@shire.example"},"meta":{"message":"Signed up successfully","tokens":{` + tokens + `}}}`, 200,
			`{"errors":[{"status":"422","code":"errors.email.taken","title":"Email has already been taken","source":{"pointer":"/data/attributes/email"}}]}`,
			`{"errors":[{"status":"401","code":"authentication.invalid_login_credentials","title":"Invalid login credentials"}]}`, "application/vnd.api+json", 401, "application/vnd.api+json"},
		"Koa": {accounts.Koa, `{"data":{"email":"frodo@shire.example"},"tokens":{` + tokens + `}}`, 201,
			`{"errors":[{"title":"Email has already been taken","status":422}]}`, `{"errors":[{"title":"Invalid login credentials","status":401}]}`, jsonType, 401, jsonType},
		"Problem": {accounts.Problem, `{` + tokens + `}`, 200,
			`{"type":"about:blank","title":"Email has already been taken","status":422,"code":"errors.email.taken","field":"email"}`,
			`{"type":"about:blank","title":"Invalid login credentials","status":401,"code":"authentication.invalid_login_credentials"}`, jsonType, 401, "application/problem+json"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newShire(t, func(s *shire, o *accounts.Options) {
				o.Format = test.format
				o.View = func(user any) any {
					return fields{"email": s.store.Status(user).Email}
				}
			})
			c := s.caller(t)
			r := c.send("POST", "/users/sign_up", fields{"email": email, "password": password})
			assert.Equal(t, test.status, r.Status)
			assert.JSONEq(t, test.signedUp, hideTokens(r.Body))
			assert.Equal(t, test.contentType, r.Header.Get("Content-Type"))
			r = c.send("POST", "/users/sign_up", fields{"email": email, "password": password})
			assert.Equal(t, http.StatusUnprocessableEntity, r.Status)
			assert.JSONEq(t, test.taken, r.Body)
			assert.Equal(t, test.failContentType, r.Header.Get("Content-Type"))
			r = c.signIn("sauron-was-here-99")
			assert.Equal(t, test.wrongStatus, r.Status)
			assert.JSONEq(t, test.wrong, r.Body)
			assert.Equal(t, test.wrongStatus == 401, r.Header.Get("WWW-Authenticate") != "")
		})
	}
}

const jsonType = "application/json; charset=utf-8"

func TestMessagesAreInTheLanguageOfTheRequest(t *testing.T) {
	s := newShire(t, nil)
	french := accounts.Catalogue{Language: language.French, Texts: map[accounts.Key]string{accounts.InvalidLoginCredentials: "Identifiants invalides"}}
	own := newShire(t, func(_ *shire, o *accounts.Options) {
		o.Catalogues = []accounts.Catalogue{french, accounts.English.With(map[accounts.Key]string{accounts.InvalidLoginCredentials: "Speak, friend, and enter"})}
	})
	tests := map[string]struct {
		s             *shire
		accept, wants string
	}{
		"English unless another is asked for": {s, "", `{"status":"error","error":"Invalid login credentials"}`},
		"German":                              {s, "de", `{"status":"Fehler","error":"Ungültige Anmeldedaten"}`},
		"German of Austria":                   {s, "de-AT,en;q=0.5", `{"status":"Fehler","error":"Ungültige Anmeldedaten"}`},
		"the one that is wanted more":         {s, "de;q=0.3,en;q=0.7", `{"status":"error","error":"Invalid login credentials"}`},
		"English for what is not there":       {s, "qya", `{"status":"error","error":"Invalid login credentials"}`},
		"English for nonsense":                {s, ";;;=,,\x01", `{"status":"error","error":"Invalid login credentials"}`},
		"a catalogue of one's own":            {own, "", `{"status":"error","error":"Identifiants invalides"}`},
		"a text of one's own":                 {own, "en", `{"status":"error","error":"Speak, friend, and enter"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := test.s.caller(t)
			if test.accept != "" {
				c.Header.Set("Accept-Language", test.accept)
			}
			assert.JSONEq(t, test.wants, c.signIn("sauron-was-here-99").Body)
		})
	}
}

func TestBothCataloguesHaveEveryMessage(t *testing.T) {
	for key, text := range accounts.English.Texts {
		assert.NotEmpty(t, text, key)
		assert.NotEmpty(t, accounts.German.Texts[key], key)
	}
	assert.Len(t, accounts.German.Texts, len(accounts.English.Texts))
}

func TestMailsAreInTheLanguageOfTheRequest(t *testing.T) {
	s := newShire(t, nil)
	c := s.caller(t)
	c.Header.Set("Accept-Language", "de")
	c.signUp()
	assert.Equal(t, "Bestätige deine Adresse", s.post.sent[0].Subject)
}
