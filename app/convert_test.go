package app_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A journey has fields of what forms can be made into.
type journey struct {
	Ready   bool          `json:"ready"`
	Wait    time.Duration `json:"wait"`
	Begin   time.Time     `json:"begin"`
	Gate    netip.Addr    `json:"gate"`
	Cloak   colour        `json:"cloak"`
	Stops   []int         `json:"stops"`
	Cloaks  []colour      `json:"cloaks"`
	Nothing []byte        `json:"nothing"`
}

func TestBindFormOfTypes(t *testing.T) {
	var v journey
	w := bind(post("/", formType, "ready=1&wait=1h5m&begin=3018-09-23T12:00:00Z&gate=192.0.2.1&cloak=grey&stops=1&stops=2&cloaks=white&cloaks=grey"), &v)
	require.Equal(t, http.StatusNoContent, w.Code, w.Body)
	assert.Equal(t, journey{
		Ready: true, Wait: 65 * time.Minute, Begin: time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC), Gate: netip.MustParseAddr("192.0.2.1"),
		Cloak: 1, Stops: []int{1, 2}, Cloaks: []colour{2, 1},
	}, v)
	for word, want := range map[string]bool{"on": true, "true": true, "1": true, "off": false, "false": false, "0": false} {
		v.Ready = !want
		require.Equal(t, http.StatusNoContent, bind(post("/", formType, "ready="+word), &v).Code)
		assert.Equal(t, want, v.Ready, word)
	}
	for _, body := range []string{
		"ready=", "ready=yes", "ready=TRUE", "ready=1&ready=1", "wait=90", "wait=", "begin=noon", "gate=mordor", "cloak=brown", "cloak=grey&cloak=grey",
		"stops=1&stops=x", "stops=", "cloaks=brown", "nothing=x",
	} {
		t.Run(body, func(t *testing.T) {
			assert.Equal(t, http.StatusBadRequest, bind(post("/", formType, body), new(journey)).Code)
		})
	}
}
