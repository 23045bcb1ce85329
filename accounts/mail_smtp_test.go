package accounts_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
)

var letter = accounts.Mail{To: "frodo@shire.example", Subject: "Your pässword, Mr. Underhill",
	Text: "Open\n\nhttps://shire.example/reset?token=s3cret\n.\n..\nThis line is longer than a line of a mail may be, so that it has to be broken somewhere — and put together again.\n"}

func TestAMailGoesOverTLS(t *testing.T) {
	for name, change := range map[string]func(*mailServer){
		"by STARTTLS":          nil,
		"from the first byte":  func(s *mailServer) { s.implicitTLS = true },
		"whatever QUIT says":   func(s *mailServer) { s.answers["QUIT"] = "500 never" },
		"without RSET or NOOP": func(s *mailServer) { s.answers["RSET"], s.answers["NOOP"] = "500 no", "500 no" },
	} {
		t.Run(name, func(t *testing.T) {
			s := startMailServer(t, change)
			o := s.options()
			o.ImplicitTLS = s.implicitTLS
			o.Username, o.Password = "shire", "mellon"
			require.NoError(t, accounts.NewSMTP(o).Send(t.Context(), letter))
			lines, secure, received := s.said()
			assert.Contains(t, secure, "AUTH PLAIN AHNoaXJlAG1lbGxvbg==")
			assert.Contains(t, secure, "MAIL FROM:<no-reply@shire.example> BODY=8BITMIME")
			assert.Contains(t, secure, "RCPT TO:<frodo@shire.example>")
			if !s.implicitTLS {
				assert.Equal(t, []string{"EHLO bag-end.shire.example", "STARTTLS"}, lines[:2], "and nothing more in the clear")
				assert.Equal(t, lines[2:], secure)
			}
			require.Len(t, received, 1)
			assertLetter(t, received[0])
		})
	}
}

// assertLetter requires that what was received is the letter.
func assertLetter(t *testing.T, received string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(strings.ReplaceAll(received, "\r\n..", "\r\n.")))
	require.NoError(t, err)
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	require.NoError(t, err)
	assert.Equal(t, strings.ReplaceAll(letter.Text, "\n", "\r\n"), strings.ReplaceAll(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n", "\r\n"))
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	assert.Equal(t, letter.Subject, subject)
	assert.Equal(t, `"The Shire" <no-reply@shire.example>`, m.Header.Get("From"))
	assert.Equal(t, "<frodo@shire.example>", m.Header.Get("To"))
	assert.Equal(t, "auto-generated", m.Header.Get("Auto-Submitted"))
	assert.NotEmpty(t, m.Header.Get("Message-Id"))
	assert.Empty(t, m.Header.Get("User-Agent")+m.Header.Get("X-Mailer"))
	date, err := m.Header.Date()
	require.NoError(t, err)
	assert.True(t, start.Truncate(time.Second).Equal(date), date)
	for _, line := range strings.Split(received, "\r\n") {
		assert.LessOrEqual(t, len(line), 78)
	}
}

func TestNothingIsSentWithoutTLS(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*mailServer)
		client func(*accounts.SMTPOptions)
		want   string
	}{
		"a server without STARTTLS": {func(s *mailServer) { s.noSTARTTLS = true }, nil, "offers no STARTTLS"},
		"one that refuses it":       {func(s *mailServer) { s.answers["STARTTLS"] = "454 not now" }, nil, "accounts: smtp: connecting: 454"},
		"a certificate of nobody":   {nil, func(o *accounts.SMTPOptions) { o.TLS = nil }, "certificate"},
		"another's certificate":     {nil, func(o *accounts.SMTPOptions) { o.TLS.ServerName = "mordor.example" }, "certificate"},
		"an old version of TLS": {nil, func(o *accounts.SMTPOptions) {
			o.TLS.MinVersion, o.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}, "accounts: smtp: "},
		"TLS where there is none at first": {nil, func(o *accounts.SMTPOptions) { o.ImplicitTLS = true }, "tls: first record does not look like a TLS handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startMailServer(t, c.change)
			o := s.options()
			o.Username, o.Password = "shire", "mellon"
			if c.client != nil {
				c.client(&o)
			}
			err := accounts.NewSMTP(o).Send(t.Context(), letter)
			require.ErrorContains(t, err, c.want)
			lines, _, received := s.said()
			assert.Empty(t, received)
			assert.NotContains(t, strings.Join(lines, "\n"), "AUTH")
		})
	}
}

func TestInsecurePlaintext(t *testing.T) {
	s := startMailServer(t, func(s *mailServer) { s.noSTARTTLS = true })
	o := s.options()
	o.TLS, o.InsecurePlaintext = nil, true
	require.NoError(t, accounts.NewSMTP(o).Send(t.Context(), letter))
	_, secure, received := s.said()
	assert.Empty(t, secure)
	require.Len(t, received, 1)
	assertLetter(t, received[0])
}

// What a server says is not repeated: it can have the password in it, and has the address.
func TestErrorsOfAServer(t *testing.T) {
	for name, c := range map[string]struct {
		command, answer, want string
		refused               bool
	}{
		"no greeting":                  {"GREETING", "554 frodo@shire.example go away", "smtp: connecting: 554", true},
		"a wrong password":             {"AUTH", "535 mellon is wrong", "smtp: connecting: 535", true},
		"a password that is not asked": {"AUTH", "334 !", "accounts: smtp: the server offers no STARTTLS or no way to log in, or says what is not understood", false},
		"a sender that is not allowed": {"MAIL", "550 mellon", "smtp: sending SMTP MAIL FROM command: 550", true},
		"a mailbox that is not there":  {"RCPT", "550 5.1.1 frodo@shire.example mellon", "smtp: sending SMTP RCPT TO command: 550", true},
		"a mailbox that is full":       {"RCPT", "452 4.2.2 frodo@shire.example", "accounts: smtp: sending SMTP RCPT TO command: 452", false},
		"no data":                      {"DATA", "451 later", "accounts: smtp: sending SMTP DATA command: 451", false},
		"a mail that is not taken":     {"RECEIVED", "554 spam: token=s3cret", "smtp: closing SMTP DATA writer: 554", true},
		"no SMTP at all":               {"MAIL", "HTTP/1.1 400 mellon", "accounts: smtp: sending SMTP MAIL FROM command: 0", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := startMailServer(t, func(s *mailServer) { s.answers[c.command] = c.answer })
			o := s.options()
			o.Username, o.Password = "shire", "mellon"
			err := accounts.NewSMTP(o).Send(t.Context(), letter)
			require.ErrorContains(t, err, c.want)
			assert.Equal(t, c.refused, errors.Is(err, accounts.ErrMailRefused))
			for _, secret := range []string{"mellon", "frodo", "s3cret", "AHNoaXJlAG1lbGxvbg"} {
				assert.NotContains(t, fmt.Sprintf("%v %+v", err, errors.Unwrap(err)), secret)
			}
		})
	}
}

func TestALoginThatCannotBeIsAnError(t *testing.T) {
	s := startMailServer(t, func(s *mailServer) { s.noAuth = true })
	o := s.options()
	o.Username, o.Password = "shire", "mellon"
	require.Error(t, accounts.NewSMTP(o).Send(t.Context(), letter))
	_, _, received := s.said()
	assert.Empty(t, received)
}

func TestAServerThatIsSilentHoldsNobodyUp(t *testing.T) {
	for _, command := range []string{"GREETING", "EHLO", "STARTTLS", "AUTH", "RCPT", "RECEIVED"} {
		t.Run(command, func(t *testing.T) {
			s := startMailServer(t, func(s *mailServer) { s.answers[command] = "" })
			o := s.options()
			o.Username, o.Password, o.Timeout = "shire", "mellon", 100*time.Millisecond
			err := accounts.NewSMTP(o).Send(t.Context(), letter)
			require.ErrorIs(t, err, context.DeadlineExceeded)

			o.Timeout = time.Hour
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, accounts.NewSMTP(o).Send(ctx, letter), context.DeadlineExceeded)
		})
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	o := startMailServer(t, nil).options()
	o.Port = listener.Addr().(*net.TCPAddr).Port
	err = accounts.NewSMTP(o).Send(t.Context(), letter)
	require.ErrorContains(t, err, "accounts: smtp: dial tcp")
	assert.NotErrorIs(t, err, accounts.ErrMailRefused, "it is tried again")
}

func TestASMTPMailerPrintsWithoutItsPassword(t *testing.T) {
	o := accounts.SMTPOptions{Host: "mail.shire.example", From: "no-reply@shire.example", Username: "shire", Password: "mellon"}
	s := accounts.NewSMTP(o)
	encoded, err := json.Marshal(o)
	require.NoError(t, err)
	held := struct{ Mailer accounts.Mailer }{s}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", o, o, o, o), fmt.Sprintf("%v %+v %#v %+v", s, s, s, held), o.LogValue().String(), string(encoded)} {
		assert.NotContains(t, text, "mellon")
		assert.Contains(t, text, "mail.shire.example")
	}
}

func TestSMTPOptionsThatAreWrongPanic(t *testing.T) {
	good := accounts.SMTPOptions{Host: "mail.shire.example", From: "no-reply@shire.example"}
	for want, change := range map[string]func(*accounts.SMTPOptions){
		`accounts: NewSMTP: "" is no host`:                                                        func(o *accounts.SMTPOptions) { o.Host = "" },
		`accounts: NewSMTP: "unix:///x" is no host`:                                               func(o *accounts.SMTPOptions) { o.Host = "unix:///x" },
		"accounts: NewSMTP: Port is none, or Timeout is negative":                                 func(o *accounts.SMTPOptions) { o.Port = -1 },
		`accounts: NewSMTP: From "" is no address`:                                                func(o *accounts.SMTPOptions) { o.From = "" },
		`accounts: NewSMTP: From "a@b.example, c@d.example" is no address`:                        func(o *accounts.SMTPOptions) { o.From = "a@b.example, c@d.example" },
		"accounts: NewSMTP: of Username and Password one is missing":                              func(o *accounts.SMTPOptions) { o.Password = "mellon" },
		"accounts: NewSMTP: InsecurePlaintext goes with neither TLS nor a Password":               func(o *accounts.SMTPOptions) { o.InsecurePlaintext, o.ImplicitTLS = true, true },
		`accounts: NewSMTP: From "The\nShire <no-reply@shire.example>" is no address`:             func(o *accounts.SMTPOptions) { o.From = "The\nShire <no-reply@shire.example>" },
		`accounts: NewSMTP: From "\"no reply\"@shire.example" is no address`:                      func(o *accounts.SMTPOptions) { o.From = `"no reply"@shire.example` },
		`accounts: NewSMTP: "mail.shire.example:25" is no host`:                                   func(o *accounts.SMTPOptions) { o.Host = "mail.shire.example:25" },
		`accounts: NewSMTP: From "no-reply@shire.example\r\nBcc: x@mordor.example" is no address`: func(o *accounts.SMTPOptions) { o.From += "\r\nBcc: x@mordor.example" },
	} {
		o := good
		change(&o)
		assert.PanicsWithValue(t, want, func() { accounts.NewSMTP(o) })
	}
	accounts.NewSMTP(good)
}
