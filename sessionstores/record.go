package sessionstores

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/cell"
)

const (
	maxData  = 1 << 20 // bytes of JSON in one session
	maxAgent = 256     // bytes of an agent or address
)

var errKeyTaken = errors.New("sessionstores: another session is stored under this key")

// encodeData returns the JSON of a session's data, which is never null.
func encodeData(data map[string]json.RawMessage) (string, error) {
	if len(data) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("sessionstores: data: %w", err)
	}
	if len(text) > maxData {
		return "", fmt.Errorf("sessionstores: the data takes %d bytes, at most %d can be stored", len(text), maxData)
	}
	return string(text), nil
}

// decodeData reads what encodeData made. The values stay JSON: nothing that is
// stored chooses a type.
func decodeData(text []byte) (map[string]json.RawMessage, error) {
	switch {
	case len(text) > maxData:
		return nil, damaged("data of %d bytes", len(text))
	case string(text) == "{}":
		return map[string]json.RawMessage{}, nil
	}
	var data map[string]json.RawMessage
	if err := json.Unmarshal(text, &data); err != nil {
		// The error of encoding/json can quote what is stored: it is left out.
		return nil, damaged("data that is no JSON object")
	}
	if data == nil {
		data = map[string]json.RawMessage{}
	}
	return data, nil
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", app.ErrSessionDamaged, fmt.Sprintf(format, args...))
}

// stored returns r as a store keeps it, sharing nothing with r.
func stored(r *app.SessionRecord) app.SessionRecord {
	c := *r
	c.User, c.Joined = nil, false
	c.Address, c.Agent = cell.Clean(r.Address, maxAgent), cell.Clean(r.Agent, maxAgent)
	for _, t := range []*time.Time{&c.Created, &c.LoggedIn, &c.Seen, &c.IdleUntil, &c.Until} {
		*t = cell.Micro(*t)
	}
	c.Data = cloneData(r.Data)
	return c
}

func cloneData(data map[string]json.RawMessage) map[string]json.RawMessage {
	c := make(map[string]json.RawMessage, len(data))
	for k, v := range data {
		c[k] = bytes.Clone(v)
	}
	return c
}

// sameSession reports whether a and b are one session as it was inserted. It tells
// the second attempt of an Insert, whose first answer was lost, from another session
// under the same key.
func sameSession(a, b *app.SessionRecord) bool {
	return a.Version == 1 && b.Version == 1 && a.Kind == b.Kind && a.Subject == b.Subject &&
		a.Created.Equal(b.Created) && a.Until.Equal(b.Until) && a.Address == b.Address && a.Agent == b.Agent &&
		maps.EqualFunc(a.Data, b.Data, func(x, y json.RawMessage) bool { return bytes.Equal(x, y) })
}

// bound is how many sessions the user of r may have: r itself always stays, and the
// sessions of nobody are not counted, which is 0.
func bound(r *app.SessionRecord, limit int) int {
	if r.Subject == "" {
		return 0
	}
	return max(limit, 1)
}

// over reports whether a session has ended at or before now.
func over(r *app.SessionRecord, now time.Time) bool { return !expiry(r).After(now) }

// expiry is when a session ends, whichever limit comes first.
func expiry(r *app.SessionRecord) time.Time {
	if r.IdleUntil.Before(r.Until) {
		return r.IdleUntil
	}
	return r.Until
}
