package passwords

import (
	"context"
	"fmt"
	"strings"
)

// DeviseOptions configures [NewDevise].
type DeviseOptions struct {
	// Pepper is config.pepper of devise, which hashes it behind every password. It is needed: devise's hashes without one are
	// plain bcrypt, and [NewBcrypt] checks them.
	Pepper string

	// Prefix is what the import of the users wrote in front of each of these hashes, such as "devise:". It is needed beside
	// [NewBcrypt], whose hashes look the same; none otherwise.
	Prefix string

	// Bcrypt has the cost, the gate and the observer, as in [NewBcrypt]. Its cost is what a no costs at least.
	Bcrypt BcryptOptions
}

// String says whose options they are; the pepper is never printed.
func (o DeviseOptions) String() string { return "options of devise, with its pepper" }

// Format prints what String returns, for every verb.
func (o DeviseOptions) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, o.String()) }

// MarshalText returns what String returns.
func (o DeviseOptions) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Devise is a [Verifier] for the hashes of Rails applications with devise and a pepper. It makes none: give it to [NewAnyOf].
type Devise struct {
	bcrypt *Bcrypt
	prefix string
}

var _ Verifier = (*Devise)(nil)

// NewDevise returns a verifier of devise's hashes. It panics without a pepper, if that contains a NUL byte, and where [NewBcrypt]
// does.
func NewDevise(o DeviseOptions) *Devise {
	if o.Pepper == "" {
		panic("passwords: devise's hashes without a Pepper are plain bcrypt: NewBcrypt checks them")
	}
	if strings.IndexByte(o.Pepper, 0) >= 0 {
		panic("passwords: devise's Pepper cannot contain a NUL byte")
	}
	b := NewBcrypt(o.Bcrypt)
	b.suffix = func() string { return o.Pepper }
	return &Devise{b, o.Prefix}
}

// Prefixes returns bcrypt's $2a$, $2b$ and $2y$, behind the Prefix that was set.
func (d *Devise) Prefixes() []string {
	return []string{d.prefix + "$2a$", d.prefix + "$2b$", d.prefix + "$2y$"}
}

// Verify checks password against hash as [Bcrypt.Verify] does. Of password and pepper together bcrypt reads 72 bytes, here as in
// devise. A password that alone is longer matches nothing, although devise took it: it has to be reset.
func (d *Devise) Verify(ctx context.Context, hash, password string) error {
	text, ok := strings.CutPrefix(hash, d.prefix)
	if hash != "" && (!ok || strings.HasPrefix(text, phcBcryptPrefix)) {
		text = "not devise's"
	}
	return d.bcrypt.Verify(ctx, text, password)
}
