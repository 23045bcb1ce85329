package accounts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Mailer sends mails, each before Send returns or not at all. [NewSMTP] is one,
// [PrintMailer] another for development; give [MailOptions] a [MailQueue] around it. What
// wraps [ErrMailRefused] or [ErrAddress] is not tried again. It is safe for concurrent use
// and heeds ctx.
type Mailer interface {
	Send(ctx context.Context, m Mail) error
}

// ErrMailRefused is in the error about a mail that a server will never take.
var ErrMailRefused = errors.New("accounts: the mail was refused for good")

// A Mail is a text to one person. It prints, is logged and is encoded as JSON without the
// text, which has a secret in it.
type Mail struct {
	To      string // one address without a name: frodo@shire.example
	Subject string // one line
	Text    string `json:"-"` // plain text, its lines end with \n
}

// String keeps the text out of logs.
func (m Mail) String() string { return fmt.Sprintf("mail to %q: %q", m.To, m.Subject) }

// Format is String for every verb.
func (m Mail) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }

// LogValue is String for slog.
func (m Mail) LogValue() slog.Value { return slog.StringValue(m.String()) }

// Check reports what is wrong with a mail; for an address that is [ErrAddress]. Nothing of
// what passes can become another header, another recipient or a command of SMTP. Every
// Mailer here calls it.
func (m Mail) Check() error {
	switch {
	case len(m.Subject) > 255 || !utf8.ValidString(m.Subject) || strings.ContainsFunc(m.Subject, notInLine):
		return fmt.Errorf("%w: its subject is not one line of at most 255 bytes", ErrMailRefused)
	case len(m.Text) > 1<<16 || !utf8.ValidString(m.Text) || strings.ContainsFunc(m.Text, notInText):
		return fmt.Errorf("%w: its text is no plain text of at most 64 KiB", ErrMailRefused)
	}
	return checkAddress(m.To)
}

func notInLine(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) }

func notInText(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
