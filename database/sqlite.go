package database

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
)

// sqliteMaxOpen is lower than for Postgres: there is one writer at a time, and the others wait by asking again and again.
const sqliteMaxOpen = 8

// parameter is a parameter of the driver, or a pragma, that is ours unless the address gives it.
type parameter struct{ key, value string }

var parameters = []parameter{
	// First, since the others may have to wait for a lock already.
	{"busy_timeout", "5000"},
	// Readers do not wait for the writer.
	{"journal_mode", "WAL"},
	// With NORMAL a power failure may undo the last commits, and sessions that were logged out would come back.
	{"synchronous", "FULL"},
	{"foreign_keys", "1"},
	// A transaction takes the write lock when it begins. A deferred one that reads and then writes fails at once, without any
	// wait, if somebody else wrote between.
	{"_txlock", "immediate"},
	// Bound times are compared as text with those that Bun wrote.
	{"_time_format", "sqlite"},
	{"_timezone", "UTC"},
}

// aliases are the driver's other names for our pragmas.
var aliases = map[string][]string{
	"busy_timeout": {"_busy_timeout", "_timeout"},
	"journal_mode": {"_journal_mode", "_journal"},
	"synchronous":  {"_synchronous", "_sync"},
	"foreign_keys": {"_foreign_keys", "_fk"},
}

func openSQLite(address string, s *settings) (*bun.DB, error) {
	if address == ":memory:" {
		address = "file::memory:"
	}
	path, query, _ := strings.Cut(address, "?")
	given, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	connector, err := sqlite.NewConnector(path + "?" + complete(query, given))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	memory := isMemory(path, given)
	if !memory && !given.Has("mode") && !given.Has("vfs") {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	db := pool(sqliteConnector{connector}, s)
	size := sqliteMaxOpen
	if memory {
		size = 1 // each connection has a memory of its own
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size) // and none is closed because of its age: the memory would be lost with it
	return bun.NewDB(db, sqlitedialect.New()), nil
}

// complete adds our parameters to the query that the user gave.
func complete(query string, given url.Values) string {
	ours := url.Values{}
	for _, p := range parameters {
		switch {
		case mentioned(p.key, given):
		case strings.HasPrefix(p.key, "_"):
			ours.Add(p.key, p.value)
		default:
			ours.Add("_pragma", p.key+"("+p.value+")")
		}
	}
	return strings.TrimSuffix(ours.Encode()+"&"+query, "&") // Encode keeps the order of pragmas
}

func mentioned(key string, given url.Values) bool {
	if given.Has(key) {
		return true
	}
	for _, alias := range aliases[key] {
		if given.Has(alias) {
			return true
		}
	}
	for _, pragma := range given["_pragma"] {
		name, _, _ := strings.Cut(pragma, "(")
		name, _, _ = strings.Cut(name, "=")
		if strings.EqualFold(strings.TrimSpace(name), key) {
			return true
		}
	}
	return false
}

func isMemory(path string, given url.Values) bool {
	name := strings.TrimPrefix(path, "file:")
	return name == "" || name == ":memory:" || given.Get("mode") == "memory"
}

// create makes a missing file before SQLite does, which would let other accounts read it. SQLite gives the files beside it the same permissions.
func create(address string) error {
	name, err := url.PathUnescape(strings.TrimPrefix(address, "file:"))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	if rest, found := strings.CutPrefix(name, "//"); found { // file:///path, file://localhost/path
		host, path, _ := strings.Cut(rest, "/")
		if host != "" && host != "localhost" {
			return fmt.Errorf("%w: a file on another host", ErrAddress)
		}
		name = "/" + path
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return file.Close()
}
