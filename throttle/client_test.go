package throttle_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/throttle"
)

func TestClient(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:0:1::7": "2001:db8:0:1::", "2001:db8:0:1:ffff::": "2001:db8:0:1::",
		"2001:db8:0:2::7": "2001:db8:0:2::", "fe80::1%eth0": "fe80::",
	} {
		assert.Equal(t, want, throttle.Client(netip.MustParseAddr(address)), address)
	}
	assert.Empty(t, throttle.Client(netip.Addr{}))
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2031, time.March, 4, 5, 6, 7, 0, time.UTC)
	for left, want := range map[time.Duration]string{-time.Hour: "1", 0: "1", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Hour: "3600"} {
		assert.Equal(t, want, throttle.Count{Until: now.Add(left)}.RetryAfter(now), left)
	}
}
