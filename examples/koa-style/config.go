package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
)

// A config is what the environment says.
type config struct {
	port        string              // PORT, default 3000
	baseURL     *url.URL            // BASE_URL, default http://localhost:$PORT
	databaseURL string              // DATABASE_URL, default an SQLite file in this folder
	pooler      bool                // DATABASE_POOLER=1: that is a pooler's, such as PgBouncer's with pool_mode=transaction
	redisURL    string              // REDIS_URL: sessions and tokens are kept there if it is set
	keys        *app.Keys           // SECRET_KEYS, which sign cookies
	jwtKeys     *strategies.JWTKeys // in the files that JWT_KEY_FILE names
	smtp        *accounts.SMTP      // SMTP_URL and MAIL_FROM; nil: mails are printed
	hasher      passwords.Hasher    // the default, which tests have no time for
	log         *slog.Logger        // gets who logs in and out, and who is kept out
	proxies     *app.Proxies        // TRUSTED_PROXIES; nil: none
	warnings    []string
}

func readConfig(getenv func(string) string) (*config, error) {
	c := &config{port: getenv("PORT"), databaseURL: getenv("DATABASE_URL"), redisURL: getenv("REDIS_URL"), hasher: passwords.NewBcrypt(passwords.BcryptOptions{}), log: slog.Default()}
	if c.port == "" {
		c.port = "3000"
	}
	if n, err := strconv.ParseUint(c.port, 10, 16); err != nil || n == 0 {
		return nil, fmt.Errorf("PORT %q is no port", c.port)
	}
	if c.databaseURL == "" {
		c.databaseURL = "file:app.db"
	}
	if err := c.readPooler(getenv("DATABASE_POOLER")); err != nil {
		return nil, err
	}
	if err := c.readProxies(getenv("TRUSTED_PROXIES")); err != nil {
		return nil, err
	}
	if err := c.readBaseURL(getenv("BASE_URL")); err != nil {
		return nil, err
	}
	if err := c.readKeys(getenv("SECRET_KEYS")); err != nil {
		return nil, err
	}
	if err := c.readJWTKeys(getenv("JWT_KEY_FILE")); err != nil {
		return nil, err
	}
	return c, c.readSMTP(getenv("SMTP_URL"), getenv("MAIL_FROM"))
}

func (c *config) readPooler(text string) error {
	if text != "" && text != "0" && text != "1" {
		return fmt.Errorf("DATABASE_POOLER %q is neither 0 nor 1", text)
	}
	c.pooler = text == "1"
	return nil
}

func (c *config) readBaseURL(text string) (err error) {
	if text == "" {
		text = "http://localhost:" + c.port
	}
	c.baseURL, err = url.Parse(text)
	if err != nil || c.baseURL.Host == "" || c.baseURL.Scheme != "http" && c.baseURL.Scheme != "https" {
		return fmt.Errorf("BASE_URL %q is not http://host or https://host", text)
	}
	if !c.https() && !c.local() {
		c.warnings = append(c.warnings, "BASE_URL is http: cookies and passwords can be read on the way")
	}
	return nil
}

// readKeys takes the secrets, the newest first. Only development may do without.
func (c *config) readKeys(text string) (err error) {
	if text == "" {
		if c.https() {
			return errors.New("SECRET_KEYS is missing: set it to 32 random bytes or more, such as `openssl rand -base64 32` prints; several are separated by commas, the newest first")
		}
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return err
		}
		c.warnings = append(c.warnings, "SECRET_KEYS is not set: signed cookies are good until this program ends")
		c.keys, err = app.NewKeys(secret)
		return err
	}
	var secrets [][]byte
	for secret := range strings.SplitSeq(text, ",") {
		secrets = append(secrets, bytes.TrimSpace([]byte(secret)))
	}
	if c.keys, err = app.NewKeys(secrets...); err != nil {
		return fmt.Errorf("SECRET_KEYS: %w", err)
	}
	return nil
}

func (c *config) https() bool { return c.baseURL.Scheme == "https" }

// local reports whether only this machine is meant to reach the program.
func (c *config) local() bool {
	host := c.baseURL.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// listen is the address to listen on: none that others can reach in development.
func (c *config) listen() string {
	if c.https() || !c.local() {
		return ":" + c.port
	}
	return net.JoinHostPort(c.baseURL.Hostname(), c.port)
}
