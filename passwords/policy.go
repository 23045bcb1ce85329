package passwords

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrTooShort says that a new password has fewer characters than the policy wants.
var ErrTooShort = errors.New("passwords: the password is too short")

const (
	leastCharacters   = 8  // NIST SP 800-63B, ASVS 6.2.1
	defaultCharacters = 15 // what it takes where the password is all there is
)

// PolicyOptions configures [NewPolicy]. The zero value is the default.
type PolicyOptions struct {
	// MinLength is how many characters a password has at least; 0: 15. Less than 8 is refused.
	MinLength int
}

// A Policy says which new passwords are good enough. Length is what counts: there are no rules of composition, every character of
// Unicode is welcome, and so is a sentence. What a hash cannot tell apart is refused: more than 72 bytes, which is at least 18
// characters of any script and 72 of ASCII, and NUL. Passwords that exist already are not asked again.
type Policy struct{ min int }

// NewPolicy returns a policy. It panics if MinLength is out of its range.
func NewPolicy(o PolicyOptions) *Policy {
	if o.MinLength == 0 {
		o.MinLength = defaultCharacters
	}
	if o.MinLength < leastCharacters || o.MinLength > longest {
		panic(fmt.Sprintf("passwords: a policy's MinLength is %d to %d, not %d", leastCharacters, longest, o.MinLength))
	}
	return &Policy{o.MinLength}
}

// Check returns nil for a password that is good enough, or [ErrTooShort], [ErrTooLong] or [ErrNUL], whose texts are for the one who
// chose it. Characters are counted, not bytes.
func (p *Policy) Check(password string) error {
	if err := acceptable(password); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(password); n < p.min {
		return fmt.Errorf("%w: it takes %d characters", ErrTooShort, p.min)
	}
	return nil
}
