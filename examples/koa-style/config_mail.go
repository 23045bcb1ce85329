package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"net/url"
	"strconv"

	"github.com/kahu-go/kahu/accounts"
)

// readSMTP reads which server mails go to, such as smtp://user:password@mail.shire.example,
// which begins with STARTTLS, or smtps://…, and whom they are from. Only development may do
// without.
func (c *config) readSMTP(text, from string) error {
	switch {
	case text == "" && c.https():
		return errors.New("SMTP_URL is missing: set it to smtp://user:password@host for a server with STARTTLS, or to smtps://…")
	case text == "":
		c.warnings = append(c.warnings, "SMTP_URL is not set: mails are printed here, and not sent")
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return errors.New("SMTP_URL is not smtp://user:password@host or smtps://user:password@host") // it has a secret
	}
	from = cmp.Or(from, "no-reply@"+c.baseURL.Hostname())
	if _, err := mail.ParseAddress(from); err != nil {
		return fmt.Errorf("MAIL_FROM %q is no address", from)
	}
	password, _ := u.User.Password()
	if (u.User.Username() == "") != (password == "") {
		return errors.New("SMTP_URL: of user and password one is missing")
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "0"), 10, 16) // 0: the scheme's own
	if err != nil {
		return fmt.Errorf("SMTP_URL: %s is no port", u.Port())
	}
	c.smtp = accounts.NewSMTP(accounts.SMTPOptions{
		Host: u.Hostname(), Port: int(port), Username: u.User.Username(), Password: password, From: from, ImplicitTLS: u.Scheme == "smtps",
	})
	return nil
}

// mailer sends mails, or prints them in development.
func (c *config) mailer(out io.Writer) accounts.Mailer {
	if c.smtp == nil {
		return accounts.PrintMailer(out)
	}
	return c.smtp
}
