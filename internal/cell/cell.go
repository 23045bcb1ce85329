// Package cell has the values that stores keep: text, integers and times that read back as they were written, whichever the database.
package cell

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Text scans a column of any type without an error, so that an error of Scan is always a fault of the database and never a damaged row: SQLite
// stores any type in any column. What is no text is "".
type Text string

// Scan implements [database/sql.Scanner].
func (t *Text) Scan(v any) error {
	switch v := v.(type) {
	case string:
		*t = Text(v)
	case []byte:
		*t = Text(v)
	}
	return nil
}

// Integer scans a column of any type without an error, as [Text] does. OK is false for NULL and for what is no integer.
type Integer struct {
	N    int64
	OK   bool
	Null bool
}

// Scan implements [database/sql.Scanner].
func (i *Integer) Scan(v any) error {
	i.N, i.OK = v.(int64)
	i.Null = v == nil
	return nil
}

// Time is the time of so many microseconds since 1970, or the zero time if i is not OK.
func (i Integer) Time() time.Time {
	if !i.OK {
		return time.Time{}
	}
	return time.UnixMicro(i.N).UTC()
}

// Micro is what a stored time comes back as: UTC, whole microseconds since 1970, which every database keeps and compares exactly, whatever the time
// zone or date format of a connection. The zero time stays zero.
func Micro(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

// Nullable is what is stored of a time that may be zero: its microseconds, or NULL.
func Nullable(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// Clean makes text of a client storable: valid UTF-8 without NUL and at most limit bytes. It is for text that is shown and never compared, which is
// cut and not refused.
func Clean(s string, limit int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// Valid reports whether s can be stored and compared as it is: valid UTF-8 without NUL and at most limit bytes. The length is looked at first, so
// that a text of any size costs nothing.
func Valid(s string, limit int) bool {
	return len(s) <= limit && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}
