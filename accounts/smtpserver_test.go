package accounts_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/accounts"
)

// A mailServer speaks enough SMTP to take mails on the loopback, with STARTTLS.
type mailServer struct {
	listener    net.Listener
	certificate tls.Certificate
	trusted     *x509.CertPool

	noSTARTTLS, implicitTLS, noAuth bool
	answers                         map[string]string // by command, instead of the usual ones; "": none at all

	mu       sync.Mutex
	lines    []string // all that was said
	secure   []string // what of it was encrypted
	received []string // mails, with the dots of SMTP
}

func startMailServer(t *testing.T, change func(*mailServer)) *mailServer {
	t.Helper()
	s := &mailServer{answers: map[string]string{}}
	s.certificate, s.trusted = selfSigned(t)
	if change != nil {
		change(s)
	}
	var err error
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		assert.NoError(t, s.listener.Close())
		wg.Wait() // a connection that a client left open would hang here
	})
	return s
}

// options are those of a client that trusts the server.
func (s *mailServer) options() accounts.SMTPOptions {
	return accounts.SMTPOptions{
		Host: "127.0.0.1", Port: s.listener.Addr().(*net.TCPAddr).Port, From: "The Shire <no-reply@shire.example>", Hello: "bag-end.shire.example",
		TLS: &tls.Config{RootCAs: s.trusted}, Clock: func() time.Time { return start },
	}
}

func (s *mailServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if s.implicitTLS {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.certificate}})
	}
	in := bufio.NewReader(conn)
	if !s.say(conn, s.answer("GREETING", "220 shire ESMTP")) {
		_, _ = in.ReadByte() // silence, until the client goes away
		return
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		command := s.note(conn, strings.TrimRight(line, "\r\n"))
		answer := s.answer(command, map[string]string{"EHLO": s.hello(conn), "STARTTLS": "220 go", "AUTH": "235 welcome", "DATA": "354 go on", "QUIT": "221 bye"}[command])
		if !s.say(conn, answer) {
			_, _ = in.ReadByte() // silence, until the client goes away
			return
		}
		switch {
		case command == "STARTTLS" && strings.HasPrefix(answer, "220"):
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.certificate}})
			in = bufio.NewReader(conn)
		case command == "DATA" && strings.HasPrefix(answer, "354"):
			if !s.receive(in) || !s.say(conn, s.answer("RECEIVED", "250 taken")) {
				_, _ = in.ReadByte()
				return
			}
		case command == "QUIT":
			return
		}
	}
}

func (s *mailServer) hello(conn net.Conn) string {
	lines := []string{"shire"}
	if _, secure := conn.(*tls.Conn); !secure && !s.noSTARTTLS {
		lines = append(lines, "STARTTLS")
	}
	if !s.noAuth {
		lines = append(lines, "AUTH PLAIN")
	}
	return "250-" + strings.Join(lines, "\r\n250-") + "\r\n250 8BITMIME"
}

// note records a line and returns its command.
func (s *mailServer) note(conn net.Conn, line string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
	if _, secure := conn.(*tls.Conn); secure {
		s.secure = append(s.secure, line)
	}
	command, _, _ := strings.Cut(line, " ")
	return strings.ToUpper(command)
}

func (s *mailServer) answer(command, usual string) string {
	if answer, found := s.answers[command]; found {
		return answer
	}
	if usual == "" {
		return "250 fine"
	}
	return usual
}

func (s *mailServer) say(conn net.Conn, answer string) bool {
	if answer == "" {
		return false
	}
	_, err := conn.Write([]byte(answer + "\r\n"))
	return err == nil
}

func (s *mailServer) receive(in *bufio.Reader) bool {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.received = append(s.received, text.String())
			return true
		}
		text.WriteString(line)
	}
}

// said returns the lines that were said, those that were encrypted, and the mails.
func (s *mailServer) said() (lines, secure, received []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines, s.secure, s.received
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
