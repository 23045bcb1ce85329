package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

const (
	postgresMaxOpen     = 20
	postgresMaxLifetime = 30 * time.Minute // so that the pool follows a failover or a changed name
	postgresMaxIdleTime = 5 * time.Minute
	connectTimeout      = 5 * time.Second
	statementTimeout    = "10s"
)

// required are the settings of a session without which Bun's queries are not safe. Bun writes values into the text of a query and escapes them by doubling
// quotes, which holds only while a backslash in quotes is an ordinary character, and while both sides read the same bytes as the same characters.
var required = map[string]string{"standard_conforming_strings": "on", "client_encoding": "UTF8"}

func openPostgres(address string, s *settings) (*bun.DB, error) {
	config, err := parsePostgres(address)
	if err != nil {
		return nil, err
	}
	// Each query of Bun's has another text, so that preparing it first, pgx's default, is a second round trip for nothing.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	// Sent at start-up these win over ALTER ROLE, ALTER DATABASE and what the address says.
	for name, value := range required {
		config.RuntimeParams[name] = value
	}
	if _, given := config.RuntimeParams["statement_timeout"]; !given && !s.pooler {
		config.RuntimeParams["statement_timeout"] = statementTimeout
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	connector := stdlib.GetConnector(*config, stdlib.OptionAfterConnect(refuseUnsafe), stdlib.OptionResetSession(dropUnsafe))
	if s.pooler {
		connector = poolerConnector{connector}
	}
	db := pool(connector, s)
	db.SetMaxOpenConns(postgresMaxOpen)
	db.SetMaxIdleConns(postgresMaxOpen) // the default of two would close and open connections all the time under load
	db.SetConnMaxLifetime(postgresMaxLifetime)
	db.SetConnMaxIdleTime(postgresMaxIdleTime)
	return bun.NewDB(db, pgdialect.New()), nil
}

// refuseUnsafe closes a new connection whose session has not the settings that it must have, since something between us and the server
// dropped them.
func refuseUnsafe(ctx context.Context, conn *pgx.Conn) error {
	for name, want := range required {
		got := conn.PgConn().ParameterStatus(name)
		if got == "" { // some poolers do not tell
			if err := conn.QueryRow(ctx, "SHOW "+name).Scan(&got); err != nil {
				return errors.Join(fmt.Errorf("SHOW %s: %w", name, err), conn.Close(ctx))
			}
		}
		if !strings.EqualFold(got, want) {
			return errors.Join(unsafeSetting(name, got, want), conn.Close(ctx))
		}
	}
	return nil
}

// dropUnsafe keeps a connection out of the pool on which somebody has changed such a setting since: the server reports each change.
func dropUnsafe(_ context.Context, conn *pgx.Conn) error {
	for name, want := range required {
		if got := conn.PgConn().ParameterStatus(name); got != "" && !strings.EqualFold(got, want) {
			return driver.ErrBadConn
		}
	}
	return nil
}

// parsePostgres is pgx.ParseConfig with errors that cannot contain a part of the password.
func parsePostgres(address string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(address)
	if err == nil && u.User == nil && strings.Contains(address, "@") {
		// The @ came after a /, ? or #, which then are in the password: what stands before would be taken for the host and told in errors.
		return nil, errPostgresAddress
	}
	config, err := pgx.ParseConfig(address)
	if err == nil {
		return config, nil
	}
	if u == nil {
		return nil, errPostgresAddress
	}
	withoutSecrets(u)
	if _, err := pgx.ParseConfig(u.String()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	return nil, errPostgresAddress
}

var errPostgresAddress = fmt.Errorf("%w: it cannot be read as a URL; special characters in the password must be percent-encoded", ErrAddress)

func withoutSecrets(u *url.URL) {
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	q.Del("password")
	q.Del("sslpassword")
	u.RawQuery = q.Encode()
}
