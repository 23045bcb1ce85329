package passwords

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

var (
	// ErrTooShort says that a new password has fewer characters than the policy wants.
	ErrTooShort = errors.New("passwords: the password is too short")

	// ErrCommon says that a new password is one of the first that anybody would guess: one that many people have, or little more
	// than a name that goes with the user or the application.
	ErrCommon = errors.New("passwords: the password is easy to guess")
)

const (
	leastCharacters   = 8  // NIST SP 800-63B, ASVS 6.2.1
	defaultCharacters = 15 // what it takes where the password is all there is
	leastLimit        = 64 // bytes; ASVS 6.2.9
)

// PolicyOptions configures [NewPolicy]. The zero value is the default.
type PolicyOptions struct {
	// MinLength is how many characters a password has at least; 0: 15. Less than 8 is refused.
	MinLength int

	// MaxBytes is how many bytes a password has at most, 64 to 1024; 0: 72, which is what bcrypt reads. With [NewArgon2id] alone it
	// may be 1024. More than the hasher takes would be answered by the hasher's [ErrTooLong].
	MaxBytes int

	// Words are what anybody would try first here: the names of the application, its makers, its places (ASVS 6.2.11). Their case
	// does not count, and each word of a text stands for itself.
	Words []string
}

// A Policy says which new passwords are good enough. Length is what counts: there are no rules of composition, every character of
// Unicode is welcome, and so is a sentence. Refused are the passwords that many people have (ASVS 6.2.4: 11,611 of eight characters or
// more, compared in lower case), those that are little more than names that go with the user, and what a hash cannot tell apart: NUL,
// and more bytes than it reads. Passwords that exist already are not asked again. It is safe for use by several goroutines.
type Policy struct {
	min, limit int
	words      []string
}

// NewPolicy returns a policy. It panics if a number is out of its range.
func NewPolicy(o PolicyOptions) *Policy {
	p := &Policy{min: orDefault(o.MinLength, defaultCharacters), limit: orDefault(o.MaxBytes, bcryptBytes), words: wordsOf(o.Words)}
	if p.limit < leastLimit || p.limit > argon2Bytes {
		panic(fmt.Sprintf("passwords: a policy's MaxBytes is %d to %d, not %d", leastLimit, argon2Bytes, p.limit))
	}
	if p.min < leastCharacters || p.min > p.limit {
		panic(fmt.Sprintf("passwords: a policy's MinLength is %d to %d, not %d", leastCharacters, p.limit, p.min))
	}
	return p
}

// MinLength returns how many characters a password has at least.
func (p *Policy) MinLength() int { return p.min }

// MaxBytes returns how many bytes a password has at most.
func (p *Policy) MaxBytes() int { return p.limit }

// Check returns nil for a password that is good enough, or [ErrTooShort], [ErrTooLong], [ErrNUL] or [ErrCommon], whose texts are for the
// one who chose it. Characters are counted, not bytes.
//
// Pass what is known about the user: names, and the e-mail address, of which the part before the @ counts. A password is refused if
// more than a third of it is made of such words, or of the policy's, and fewer than eight characters are not; and if it is a common
// one beside them.
func (p *Policy) Check(password string, about ...string) error {
	if err := acceptable(password, p.limit); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(password); n < p.min {
		return fmt.Errorf("%w: it takes %d characters", ErrTooShort, p.min)
	}
	if isCommon(password) {
		return fmt.Errorf("%w: many people have it", ErrCommon)
	}
	if madeOf(password, p.words, wordsOf(about)) {
		return fmt.Errorf("%w: it is little more than a name", ErrCommon)
	}
	return nil
}
