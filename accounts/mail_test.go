package accounts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
)

var goodAddresses = []string{
	"frodo@shire.example", "f.r+tag@shire.example", "o'brien@shire.example", "бильбо@шир.example", "a@b", "x_%!#$&*/?=^`{|}~-y@shire.example", "1@1.example",
	strings.Repeat("a", 64) + "@shire.example",
}

// badAddresses would be other headers, other recipients or commands, or are none.
var badAddresses = []string{
	"", "@", "frodo", "frodo@", "@shire.example", "frodo@shire.example\r\nBcc: sauron@mordor.example", "frodo@shire.example\nX: y", "frodo@shire.example\r",
	"frodo@shire.example\x00", "frodo@shire.example, sauron@mordor.example", "frodo@shire.example;sauron@mordor.example", "frodo@shire.example sauron@mordor.example",
	"Frodo <frodo@shire.example>", "<frodo@shire.example>", `"frodo"@shire.example`, `"a> NOTIFY=SUCCESS"@shire.example`, "a> SIZE=1@shire.example", "a b@shire.example",
	"frodo(comment)@shire.example", "frodo@(comment)shire.example", "frodo@[127.0.0.1]", "frodo@shire.example>", "frodo@@shire.example", "frodo@shire@mordor.example",
	".frodo@shire.example", "frodo.@shire.example", "fro..do@shire.example", "frodo@shire..example", "frodo@.example", "frodo@shire.example.", "frodo@-shire.example",
	" frodo@shire.example", "frodo@shire.example ", "frodo@shire.exa\tmple", "frodo@\u2028shire.example", "frodo\u202e@shire.example", "fr\xffodo@shire.example", "frodo@sh_ire.example",
	"=?utf-8?q?frodo?=@shire.example", strings.Repeat("a", 65) + "@shire.example", "a@" + strings.Repeat("b.", 130) + "example",
}

func TestAddressesOfMails(t *testing.T) {
	for _, address := range goodAddresses {
		require.NoError(t, accounts.Mail{To: address}.Check(), "%q", address)
	}
	for _, address := range badAddresses {
		require.ErrorIs(t, accounts.Mail{To: address}.Check(), accounts.ErrAddress, "%q", address)
	}
}

func FuzzAddress(f *testing.F) {
	for _, address := range append(goodAddresses, badAddresses...) {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if (accounts.Mail{To: address}).Check() != nil {
			return
		}
		for _, list := range []string{address, "<" + address + ">"} {
			parsed, err := mail.ParseAddressList(list)
			require.NoError(t, err)
			require.Len(t, parsed, 1)
			require.Equal(t, address, parsed[0].Address)
		}
		require.NotContains(t, address, " ")
		require.False(t, strings.ContainsAny(address, "<>\"()[],;:\\\r\n\t\x00"), "%q", address)
	})
}

func TestMailsThatNobodySends(t *testing.T) {
	var printed bytes.Buffer
	server := startMailServer(t, nil)
	queue := accounts.NewMailQueue(accounts.PrintMailer(&printed), accounts.MailQueueOptions{})
	for name, mailer := range map[string]accounts.Mailer{"PrintMailer": accounts.PrintMailer(&printed), "SMTP": accounts.NewSMTP(server.options()), "MailQueue": queue} {
		for what, m := range map[string]accounts.Mail{
			"a subject of two lines":   {To: "frodo@shire.example", Subject: "a\r\nBcc: sauron@mordor.example"},
			"a subject with a newline": {To: "frodo@shire.example", Subject: "a\nb"},
			"a subject with a NUL":     {To: "frodo@shire.example", Subject: "a\x00b"},
			"a subject of no text":     {To: "frodo@shire.example", Subject: "\xff"},
			"a subject that is long":   {To: "frodo@shire.example", Subject: strings.Repeat("a", 256)},
			"a text with an escape":    {To: "frodo@shire.example", Text: "\x1b[2J"},
			"a text with a return":     {To: "frodo@shire.example", Text: "a\r\n.\r\nMAIL FROM:<>"},
			"a text of no text":        {To: "frodo@shire.example", Text: "\xc3\x28"},
			"a text that is huge":      {To: "frodo@shire.example", Text: strings.Repeat("a", 1<<16+1)},
		} {
			require.ErrorIs(t, mailer.Send(t.Context(), m), accounts.ErrMailRefused, "%s: %s", name, what)
		}
		for _, address := range badAddresses {
			require.ErrorIs(t, mailer.Send(t.Context(), accounts.Mail{To: address, Subject: "a", Text: "b"}), accounts.ErrAddress, "%s: %q", name, address)
		}
	}
	assert.Empty(t, printed.String())
	lines, _, _ := server.said()
	assert.Empty(t, lines)
	assert.Equal(t, "queue of 0 mails", queue.String())
}

func TestAMailIsShownWithoutItsText(t *testing.T) {
	m := letter
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "mail", m, "in", struct{ M accounts.Mail }{m})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "mail", m, "pointer", &m)
	encoded, err := json.Marshal(m)
	require.NoError(t, err)
	queue := accounts.NewMailQueue(accounts.PrintMailer(&log), accounts.MailQueueOptions{})
	require.NoError(t, queue.Send(t.Context(), m))
	shown := log.String() + string(encoded) + fmt.Sprintf("%v %+v %#v %s %q %+v %+v %+v %#v", m, m, m, m, m, &m, []accounts.Mail{m}, queue, queue)
	assert.NotContains(t, shown, "s3cret")
	assert.Contains(t, shown, "frodo@shire.example")
	assert.Contains(t, shown, "queue of 1 mails")
}

func TestPrintMailer(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, accounts.PrintMailer(&out).Send(t.Context(), accounts.Mail{To: "frodo@shire.example", Subject: "Hello", Text: "Go to\nMordor\n"}))
	assert.Equal(t, "--- a mail that was not sent but printed, for development ---\nTo: frodo@shire.example\nSubject: Hello\n\nGo to\nMordor\n---\n", out.String())

	require.ErrorIs(t, accounts.PrintMailer(broken{}).Send(t.Context(), letter), errBroken)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, accounts.PrintMailer(&out).Send(over, letter), context.Canceled)
	assert.PanicsWithValue(t, "accounts: PrintMailer needs a writer", func() { accounts.PrintMailer(nil) })
}

var errBroken = errors.New("the pen is broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
