package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// testEndedOnTheOther: what one process ends is over with the next request to another.
func testEndedOnTheOther(t *testing.T, binary, url, redis string) {
	withAccounts(t, url)
	env := []string{"DATABASE_URL=" + url, "REDIS_URL=" + redis, "BASE_URL=http://127.0.0.1"}
	one, two := node(t, binary, env), node(t, binary, env)
	one.submit("/login", frodosForm)

	tablet := two.stays(anIPad)
	assert.Equal(t, 200, tablet.status("GET", "/session", ""))
	handles := one.ids("/account/sessions")
	if assert.Len(t, handles, 1, "that of the other process") {
		one.sends("/account/sessions/"+handles[0]+"/end", nil, "/account/sessions")
	}
	assert.Equal(t, 401, tablet.status("GET", "/session", ""), "End")

	tablet = two.stays(anIPad)
	assert.Equal(t, 200, tablet.status("GET", "/session", ""))
	assert.Contains(t, one.sends("/account/sessions/end-others", nil, "/account/sessions"), "One other session was ended.")
	assert.Equal(t, 401, tablet.status("GET", "/session", ""), "LogoutOthers")
	assert.Equal(t, 200, one.at(two).status("GET", "/session", ""), "but its own")

	tablet = two.stays(anIPad)
	assert.Contains(t, one.sends("/account/sessions/end-all", nil, "/login"), "You are logged out everywhere.")
	assert.Equal(t, 401, tablet.status("GET", "/session", ""), "LogoutAll")
	assert.Equal(t, 401, one.at(two).status("GET", "/session", ""))
}

// at is the same browser at another node: cookies know no ports.
func (v *visitor) at(other *visitor) *visitor { return &visitor{v.t, other.base, v.http} }
