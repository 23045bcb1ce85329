package strategies

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"
)

// legacyZones are the spellings of a zone behind a time; the last is none.
var legacyZones = []string{"Z07:00:00", "Z07:00", "Z0700", "Z07", ""}

// legacyTime reads a time as databases and the libraries of other languages write it: the
// text of a timestamp, which is in zone if it does not say so, or, where there is no such
// type, milliseconds since 1970. NULL is the zero time. A text that is none of these is an
// error, so that a token does not live for ever because its end cannot be read.
func legacyTime(stored sql.NullString, zone *time.Location) (time.Time, error) {
	if !stored.Valid {
		return time.Time{}, nil
	}
	text := stored.String
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), nil
	}
	if len(text) > 10 && text[10] == 'T' {
		text = text[:10] + " " + text[11:]
	}
	if len(text) > 19 {
		text = text[:19] + strings.ReplaceAll(text[19:], " ", "") // before the zone
	}
	for _, z := range legacyZones {
		if t, err := time.ParseInLocation("2006-01-02 15:04:05"+z, text, zone); err == nil {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, errors.New("a time of another system cannot be read")
}
