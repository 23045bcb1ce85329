package accounts

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"

	smtp "github.com/wneessen/go-mail"
)

// A line is the connection of one mail. It is kept here because go-mail leaves it open
// after a failed login, and does not heed a context that ends.
type line struct {
	conn net.Conn
	stop func() bool
}

func (l *line) open(ctx context.Context, network, address string, o SMTPOptions) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.conn = conn
	l.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if !o.ImplicitTLS {
		return conn, nil
	}
	secure := tls.Client(conn, o.TLS)
	return secure, secure.HandshakeContext(ctx)
}

func (l *line) close() {
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close()
	}
}

// smtpError keeps what a server wrote out of the error: it may repeat the password, and
// has the recipient's address.
func smtpError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("accounts: smtp: %w", ctx.Err())
	}
	if e, ok := errors.AsType[*smtp.SendError](err); ok {
		return statusError(e.Reason.String(), e.ErrorCode())
	}
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return statusError("connecting", e.Code)
	}
	if isConnection(err) {
		return fmt.Errorf("accounts: smtp: %w", err)
	}
	return errors.New("accounts: smtp: the server offers no STARTTLS or no way to log in, or says what is not understood")
}

func statusError(step string, status int) error {
	if status >= 500 {
		return fmt.Errorf("%w: smtp: %s: %d", ErrMailRefused, step, status)
	}
	return fmt.Errorf("accounts: smtp: %s: %d", step, status)
}

// isConnection reports errors that are of this side.
func isConnection(err error) bool {
	var network *net.OpError
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &network) || errors.As(err, &name) || errors.As(err, &certificate) || errors.As(err, &record)
}
