// Package sqlerr says what a database driver's error means, without linking any driver: pgx's errors are known by their SQLSTATE,
// those of modernc's SQLite by their result code.
package sqlerr

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
)

// State is the SQLSTATE of a Postgres error in the tree of err, or "".
func State(err error) string {
	if err == nil {
		return ""
	}
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

// result is the extended result code of an SQLite error, or 0.
func result(err error) int {
	var e interface{ Code() int }
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// Unique tells whether err is the violation of a unique constraint or of a primary key.
func Unique(err error) bool {
	const uniqueViolation = "23505"
	if state := State(err); state != "" {
		return state == uniqueViolation
	}
	switch result(err) {
	case 2067, 1555, 2579: // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY, _ROWID
		return true
	}
	return false
}

// Retryable tells whether the same work may succeed if it is done again: serialization failures, deadlocks, a server that is restarting, out of
// connections or out of disk, lost connections, a busy SQLite file. Context errors never are, whatever they wrap: nobody waits any more.
// A lost connection leaves open whether the work was done, so what is done again must be idempotent.
func Retryable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if state := State(err); state != "" {
		return retryableState(state)
	}
	const busy, locked = 5, 6 // the low byte of an extended code is the primary one
	if code := result(err) & 0xff; code == busy || code == locked {
		return true
	}
	return lost(err)
}

// RolledBack tells whether the transaction of the work was rolled back for certain, by the database, and may succeed if it is done again:
// serialization failures, deadlocks, a busy SQLite file.
func RolledBack(err error) bool {
	state := State(err)
	return Retryable(err) && !lost(err) && (state == "40001" || state == "40P01" || state == "")
}

func retryableState(state string) bool {
	switch state {
	case "40001", "40P01", // serialization_failure, deadlock_detected
		"57P01", "57P02", "57P03", // admin_shutdown, crash_shutdown, cannot_connect_now
		"53300", "53100": // too_many_connections, disk_full
		return true
	}
	return strings.HasPrefix(state, "08") // connection exceptions
}

// lost tells whether the connection broke. database/sql has already tried other connections when it returns driver.ErrBadConn.
func lost(err error) bool {
	var network *net.OpError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}
