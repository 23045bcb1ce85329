package accounts

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"time"

	smtp "github.com/wneessen/go-mail"
)

// SMTPOptions say where mails go. Host and From are required. It prints and encodes as JSON
// without the password.
type SMTPOptions struct {
	Host string
	Port int // 0: 587, or 465 with ImplicitTLS

	// Username and Password log in, by SCRAM-SHA-256, PLAIN or LOGIN; "": nobody does.
	Username string
	Password string `json:"-"`

	// From is who mails are from: "The Shire <no-reply@shire.example>".
	From string

	// Hello is the name of this machine for the server; "": the operating system's.
	Hello string

	// ImplicitTLS begins with TLS, as servers on port 465 want it, instead of with STARTTLS.
	// Without TLS nothing is sent in any case.
	ImplicitTLS bool

	// TLS has other certificates to trust than the system's, say. nil: TLS 1.2 at least.
	TLS *tls.Config `json:"-"`

	// InsecurePlaintext sends without TLS: whoever is on the way can read the mails and take
	// over accounts. It is for a server on this machine, and allows no Password.
	InsecurePlaintext bool

	// Timeout bounds one mail, from the look-up of the host to the end; 0: 30 seconds.
	Timeout time.Duration

	// Clock is the time in the mail; nil: time.Now.
	Clock func() time.Time `json:"-"`
}

// String keeps the password out of logs.
func (o SMTPOptions) String() string { return fmt.Sprintf("SMTP of %s:%d", o.Host, o.Port) }

// Format is String for every verb.
func (o SMTPOptions) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// LogValue is String for slog.
func (o SMTPOptions) LogValue() slog.Value { return slog.StringValue(o.String()) }

// SMTP is a Mailer that gives each mail to a mail server, by a connection of its own. It
// is safe for concurrent use.
type SMTP struct {
	o    SMTPOptions // without the password
	from *mail.Address
	pass func() string // a function, so that no printing of values can show it
}

var _ Mailer = (*SMTP)(nil)

// NewSMTP returns a Mailer for a server; it asks it nothing. It panics for options that are
// missing or contradict each other.
func NewSMTP(o SMTPOptions) *SMTP {
	if !o.ImplicitTLS {
		o.Port = cmp.Or(o.Port, 587)
	}
	o.Port = cmp.Or(o.Port, 465)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	from, err := mail.ParseAddress(o.From)
	switch {
	case !isDomain(o.Host) && net.ParseIP(o.Host) == nil:
		panic(fmt.Sprintf("accounts: NewSMTP: %q is no host", o.Host))
	case o.Port < 0 || o.Port > 65535 || o.Timeout < 0:
		panic("accounts: NewSMTP: Port is none, or Timeout is negative")
	case err != nil || (Mail{To: from.Address, Subject: from.Name}).Check() != nil:
		panic(fmt.Sprintf("accounts: NewSMTP: From %q is no address", o.From))
	case (o.Username == "") != (o.Password == ""):
		panic("accounts: NewSMTP: of Username and Password one is missing")
	case o.InsecurePlaintext && (o.Password != "" || o.ImplicitTLS || o.TLS != nil):
		panic("accounts: NewSMTP: InsecurePlaintext goes with neither TLS nor a Password")
	}
	o.TLS = tlsFor(o.Host, o.TLS)
	s := &SMTP{o: o, from: from, pass: func() string { return o.Password }}
	s.o.Password = ""
	return s
}

func tlsFor(host string, c *tls.Config) *tls.Config {
	if c == nil {
		c = &tls.Config{}
	}
	c = c.Clone()
	c.ServerName = cmp.Or(c.ServerName, host)
	if c.MinVersion < tls.VersionTLS12 {
		c.MinVersion = tls.VersionTLS12
	}
	return c
}

// String names the server.
func (s *SMTP) String() string { return s.o.String() }

// Format is String for every verb.
func (s *SMTP) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// Send returns when the server has taken the mail. An error wraps [ErrMailRefused] if the
// server answered with a status of 500 or more, which it will do again. Errors have neither
// the texts of the server nor the address of the recipient in them.
func (s *SMTP) Send(ctx context.Context, m Mail) error {
	if err := m.Check(); err != nil {
		return err
	}
	letter, err := s.letter(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	var line line
	defer line.close()
	client, err := s.client(func(_ context.Context, network, address string) (net.Conn, error) {
		return line.open(ctx, network, address, s.o)
	})
	if err != nil {
		return err
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return smtpError(ctx, err)
	}
	if err := client.SendWithSMTPClient(session, letter); err != nil {
		return smtpError(ctx, err)
	}
	_ = client.CloseWithSMTPClient(session) // the server has the mail, whatever it says to QUIT
	return nil
}

// letter is the mail as it is sent.
func (s *SMTP) letter(m Mail) (*smtp.Msg, error) {
	l := smtp.NewMsg(smtp.WithNoDefaultUserAgent())
	l.FromMailAddress(s.from)
	l.ToMailAddress(&mail.Address{Address: m.To})
	l.Subject(m.Subject)
	l.SetMessageID()
	l.SetDateWithValue(s.o.Clock().UTC())
	l.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's vacation answers it
	l.SetBodyString(smtp.TypeTextPlain, m.Text)
	return l, nil
}

// longest is how long go-mail waits; the context of a mail ends it earlier.
const longest = 24 * time.Hour

// client is one for one mail. It asks for no RSET after a mail: were that to fail, a mail
// that was sent would be sent again.
func (s *SMTP) client(dial smtp.DialContextFunc) (*smtp.Client, error) {
	policy := smtp.TLSMandatory
	if s.o.InsecurePlaintext {
		policy = smtp.NoTLS
	}
	options := []smtp.Option{
		smtp.WithPort(s.o.Port), smtp.WithTimeout(longest), smtp.WithTLSPolicy(policy), smtp.WithTLSConfig(s.o.TLS),
		smtp.WithDialContextFunc(dial), smtp.WithoutNoop(), smtp.WithoutRset(),
	}
	if s.o.ImplicitTLS {
		options = append(options, smtp.WithSSL())
	}
	if s.o.Hello != "" {
		options = append(options, smtp.WithHELO(s.o.Hello))
	}
	if s.o.Username != "" {
		options = append(options, smtp.WithUsername(s.o.Username), smtp.WithPassword(s.pass()),
			smtp.WithOpportunisticSMTPAuth(smtp.SMTPAuthSCRAMSHA256, smtp.SMTPAuthPlain, smtp.SMTPAuthLogin))
	}
	c, err := smtp.NewClient(s.o.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("accounts: smtp: %w", err)
	}
	return c, nil
}
