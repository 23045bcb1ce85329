package accounts

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
)

// PrintMailer returns a Mailer for development, which writes mails to w, such as os.Stderr,
// and sends none. Whoever can read w can take over accounts: it is nothing for production.
func PrintMailer(w io.Writer) Mailer {
	if w == nil {
		panic("accounts: PrintMailer needs a writer")
	}
	return &printMailer{w: w}
}

type printMailer struct {
	mu sync.Mutex
	w  io.Writer
}

func (p *printMailer) Send(ctx context.Context, m Mail) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.Check(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := fmt.Fprintf(p.w, "--- a mail that was not sent but printed, for development ---\nTo: %s\nSubject: %s\n\n%s\n---\n",
		m.To, m.Subject, strings.TrimRight(m.Text, "\n"))
	if err != nil {
		return fmt.Errorf("accounts: print a mail: %w", err)
	}
	return nil
}
