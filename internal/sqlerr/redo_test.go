package sqlerr_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/internal/sqlerr"
)

var refused = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}

func TestRolledBackIsTrueOnlyIfItIsCertain(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"serialization failure":                         {postgresError("40001"), true},
		"deadlock":                                      {postgresError("40P01"), true},
		"wrapped":                                       {fmt.Errorf("tokenstores: rotate: %w", postgresError("40P01")), true},
		"SQLITE_BUSY":                                   {sqliteError(5), true},
		"SQLITE_BUSY_SNAPSHOT":                          {sqliteError(517), true},
		"SQLITE_LOCKED_SHAREDCACHE":                     {sqliteError(262), true},
		"the outcome of a commit is unknown":            {postgresError("40003"), false},
		"the server is being stopped":                   {postgresError("57P01"), false},
		"another backend crashed":                       {postgresError("57P02"), false},
		"the server is starting":                        {postgresError("57P03"), false},
		"too many connections":                          {postgresError("53300"), false},
		"disk full":                                     {postgresError("53100"), false},
		"connection failure":                            {postgresError("08006"), false},
		"it is unknown who decided":                     {postgresError("08007"), false},
		"a transaction that failed before":              {postgresError("25P02"), false},
		"bad connection":                                {driver.ErrBadConn, false},
		"the connection ended within an answer":         {io.ErrUnexpectedEOF, false},
		"connection refused":                            {refused, false},
		"nil":                                           {nil, false},
		"no rows":                                       {sql.ErrNoRows, false},
		"the transaction is over":                       {sql.ErrTxDone, false},
		"unique violation":                              {postgresError("23505"), false},
		"SQLITE_CONSTRAINT_UNIQUE":                      {sqliteError(2067), false},
		"SQLITE_INTERRUPT":                              {sqliteError(9), false},
		"canceled":                                      {context.Canceled, false},
		"a deadlock of which nobody waits for the end":  {errors.Join(postgresError("40P01"), context.Canceled), false},
		"a busy file of which nobody waits for the end": {errors.Join(sqliteError(5), context.DeadlineExceeded), false},
		"a serialization failure beside a lost connection":    {errors.Join(postgresError("40001"), driver.ErrBadConn), false},
		"a busy file beside a connection that was lost":       {errors.Join(sqliteError(5), refused), false},
		"an SQLSTATE that says no beside a code that says so": {errors.Join(postgresError("23505"), sqliteError(5)), false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, sqlerr.RolledBack(c.err)) })
	}
}

func TestRedoDoesTheWorkAtMostThreeTimesAndOnlyIfItWasRolledBack(t *testing.T) {
	deadlock, restart, wrong := postgresError("40P01"), postgresError("57P01"), errors.New("wrong")
	for name, c := range map[string]struct {
		answers []error
		want    error
	}{
		"success":                        {[]error{nil}, nil},
		"an error that stays":            {[]error{wrong}, wrong},
		"success at the second try":      {[]error{deadlock, nil}, nil},
		"success at the third try":       {[]error{deadlock, sqliteError(5), nil}, nil},
		"another error at the second":    {[]error{deadlock, wrong}, wrong},
		"no success":                     {[]error{deadlock, deadlock, deadlock}, deadlock},
		"a lost connection":              {[]error{driver.ErrBadConn}, driver.ErrBadConn},
		"a restart":                      {[]error{restart}, restart},
		"a lost connection at the third": {[]error{deadlock, deadlock, refused}, refused},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries, start := 0, time.Now()
				err := sqlerr.Redo(t.Context(), func(context.Context) error {
					tries++
					return c.answers[tries-1]
				})
				assert.Equal(t, c.want, err)
				assert.Equal(t, len(c.answers), tries)
				assert.Equal(t, tries > 1, time.Since(start) >= 10*time.Millisecond, "a pause before each further try")
			})
		})
	}
}

func TestRedoStopsWhenTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		tries := 0
		err := sqlerr.Redo(ctx, func(context.Context) error { tries++; return postgresError("40P01") })
		assert.Equal(t, postgresError("40P01"), err)
		assert.Equal(t, 1, tries)
	})
}

func TestWithTheContextOfOnceRetryDoesEverythingOnce(t *testing.T) {
	for _, err := range []error{postgresError("40001"), sqliteError(5), driver.ErrBadConn, refused, nil} {
		tries := 0
		ctx := context.WithoutCancel(sqlerr.Once(t.Context())) // as the sessions' writes have it
		assert.Equal(t, err, sqlerr.Retry(ctx, func(context.Context) error { tries++; return err }))
		assert.Equal(t, 1, tries)
	}
}
