// Package database opens the databases that kahu keeps its data in. It is the only package that links drivers: pgx for Postgres, modernc's
// translation of SQLite, which needs no C compiler, for everything that fits into one file.
//
//	db, err := database.Open("file:app.db")
//	db, err := database.Open("postgres://frodo@db.example/app?sslmode=verify-full")
package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/internal/sqlerr"
)

// ErrAddress is in every error about an address that [Open] does not understand.
var ErrAddress = errors.New("database: unusable address")

// openTimeout bounds the one connection that Open makes to see whether the address is right.
const openTimeout = 5 * time.Second

type settings struct {
	pooler bool
	wrap   []func(driver.Connector) driver.Connector
}

// Option changes what [Open] does.
type Option func(*settings)

// BehindPooler is for a Postgres that is reached through a pooler which hands out another server connection for each transaction, such as
// PgBouncer with pool_mode=transaction. Nothing is prepared then, and statement_timeout is not sent, because poolers refuse such start-up
// parameters: set it where the pooler logs in, with ALTER ROLE … SET statement_timeout. The hot look-ups cost about twice as much.
// On SQLite it changes nothing.
func BehindPooler() Option { return func(s *settings) { s.pooler = true } }

// Wrap lets connections be made by a connector around ours: to count, to trace, to break them in tests. Wrappers given later are further outside.
func Wrap(around func(driver.Connector) driver.Connector) Option {
	if around == nil {
		panic("database: Wrap needs a function")
	}
	return func(s *settings) { s.wrap = append(s.wrap, around) }
}

// Open opens a pool of connections and makes one of them, so that a wrong address or password is an error here and not with the first request.
// The address of a database is one of
//
//   - file:app.db, file:/var/lib/app.db: SQLite in that file, which is made if it is missing, with access for this account only. It is opened with
//     write-ahead log, synchronous=FULL, foreign keys, immediate transactions and a wait of 5 s for locks; parameters in the
//     address, such as ?_pragma=busy_timeout(1000), come instead of ours. At most 8 connections.
//   - :memory: or file::memory:: SQLite that is gone when the pool is closed. It has one connection: while a transaction runs, others wait.
//   - postgres://… or postgresql://…: Postgres, with the parameters that libpq knows. statement_timeout is 10 s and connect_timeout 5 s unless the
//     address says otherwise. sslmode is "prefer" as everywhere; use verify-full across networks. At most 20 connections, each of
//     which lives half an hour.
//
// The limits can be changed with [sql.DB.SetMaxOpenConns] and its like. An error is [ErrAddress] or the driver's, and never contains the password.
func Open(address string, options ...Option) (*bun.DB, error) {
	s := &settings{}
	for _, option := range options {
		option(s)
	}
	open, err := opener(address)
	if err != nil {
		return nil, err
	}
	db, err := open(address, s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if err := reach(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), db.Close())
	}
	return db, nil
}

// reach makes a connection. A new SQLite file is locked while another process turns
// its log on, and SQLite does not wait for that by itself.
func reach(ctx context.Context, db *bun.DB) error {
	for {
		err := db.PingContext(ctx)
		if err == nil || db.Dialect().Name() != dialect.SQLite || !sqlerr.Retryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Millisecond + rand.N(20*time.Millisecond)):
		}
	}
}

func opener(address string) (func(string, *settings) (*bun.DB, error), error) {
	scheme, _, found := strings.Cut(address, ":")
	switch {
	case strings.HasPrefix(address, "postgres://"), strings.HasPrefix(address, "postgresql://"):
		return openPostgres, nil
	case found && scheme == "file", address == ":memory:":
		return openSQLite, nil
	}
	return nil, fmt.Errorf("%w: it starts with file: (SQLite) or postgres://", ErrAddress) // the address may hold a password
}

// pool makes the pool, with the wrappers around the connector.
func pool(connector driver.Connector, s *settings) *sql.DB {
	for _, wrap := range s.wrap {
		connector = wrap(connector)
	}
	return sql.OpenDB(connector)
}
