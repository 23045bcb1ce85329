package strategies

import (
	"encoding/json"
	"net/netip"
)

// Credentials are a name, a password, and the address they came from. A body can be
// bound to them: {"username":…,"password":…}, which leaves the address alone. For an
// address that is not valid nothing is counted by address.
type Credentials struct {
	Name     string     `json:"username"`
	Password string     `json:"password"`
	Address  netip.Addr `json:"-"`
}

// String keeps the password out of logs.
func (c Credentials) String() string { return "credentials of " + c.Name }

// GoString is String.
func (c Credentials) GoString() string { return c.String() }

// MarshalJSON leaves the password out.
func (c Credentials) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"username": c.Name})
}
