package accounts

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
)

// A Failure is why something was not done that somebody asked for: not a fault, and
// nothing was changed. A handler of an application may return one of its own.
type Failure struct {
	Status int
	Key    Key
	About  []string    // pairs for the places in the message: "{min}", "15"
	Field  string      // of the body, if it is about one
	Header http.Header // set on the answer
	Cause  error       // for the log only
}

func (f *Failure) Error() string {
	if f.Cause != nil {
		return fmt.Sprintf("accounts: %s: %v", f.Key, f.Cause)
	}
	return "accounts: " + string(f.Key)
}

func (f *Failure) Unwrap() error { return f.Cause }

func unprocessable(field string, key Key, about ...string) *Failure {
	return &Failure{Status: http.StatusUnprocessableEntity, Key: key, Field: field, About: about}
}

func unauthorized(key Key, cause error) *Failure {
	return &Failure{Status: http.StatusUnauthorized, Key: key, Cause: cause}
}

// failureOf makes a Failure of what the parts below refuse, or returns nil for a fault.
func failureOf(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	e, ok := errors.AsType[*app.Error](err)
	switch {
	case ok && e.Status == http.StatusTooManyRequests:
		return &Failure{Status: e.Status, Key: TooManyRequests, Header: e.Header, Cause: err}
	case ok:
		return nil // a body that cannot be read, or a fault: answered as everywhere
	case errors.Is(err, app.ErrInvalidCredentials):
		return unauthorized(InvalidLoginCredentials, err)
	}
	return nil
}

// unfit says what is wrong with a new password.
func (a *Accounts) unfit(err error) error {
	switch {
	case errors.Is(err, passwords.ErrTooShort):
		return unprocessable("password", PasswordShort, "{min}", fmt.Sprint(a.o.Policy.MinLength()))
	case errors.Is(err, passwords.ErrTooLong):
		return unprocessable("password", PasswordLong)
	case errors.Is(err, passwords.ErrCommon):
		return unprocessable("password", PasswordCommon)
	case errors.Is(err, passwords.ErrNUL):
		return unprocessable("password", PasswordUnusable)
	}
	return err
}
