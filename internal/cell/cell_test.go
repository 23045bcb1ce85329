package cell_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/cell"
)

func TestScanningNeverFails(t *testing.T) {
	for _, c := range []struct {
		value   any
		text    cell.Text
		integer cell.Integer
	}{
		{"ring", "ring", cell.Integer{}},
		{[]byte("ring"), "ring", cell.Integer{}},
		{int64(7), "", cell.Integer{N: 7, OK: true}},
		{nil, "", cell.Integer{Null: true}},
		{1.5, "", cell.Integer{}},
		{true, "", cell.Integer{}},
		{time.Unix(1, 0), "", cell.Integer{}},
	} {
		var text cell.Text
		integer := cell.Integer{N: 1, OK: true}
		require.NoError(t, text.Scan(c.value))
		require.NoError(t, integer.Scan(c.value))
		assert.Equal(t, c.text, text, "%#v", c.value)
		assert.Equal(t, c.integer, integer, "%#v", c.value)
	}
}

func TestTimesAreWholeMicrosecondsInUTC(t *testing.T) {
	at := time.Date(2031, 3, 4, 5, 6, 7, 123456789, time.FixedZone("Shire", 3600))
	want := time.Date(2031, 3, 4, 4, 6, 7, 123456000, time.UTC)
	assert.Equal(t, want, cell.Micro(at))
	assert.Equal(t, want, cell.Integer{N: cell.Nullable(at).(int64), OK: true}.Time())
	assert.True(t, cell.Micro(time.Time{}).IsZero())
	assert.Nil(t, cell.Nullable(time.Time{}))
	assert.True(t, cell.Integer{Null: true}.Time().IsZero())
}

func TestCleanTextIsCutAndNeverRefused(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "ring": "ring", "a\x00b": "ab", "\x00": "", "\xff\xfe": "\uFFFD", "12345678": "12345678", "123456789": "12345678",
		"1234567é": "1234567", "💍💍💍": "💍💍", strings.Repeat("x", 1<<20): "xxxxxxxx",
	} {
		assert.Equal(t, want, cell.Clean(text, 8), "%.20q", text)
	}
}

func TestValidText(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "ring": true, "' OR 1": true, "12345678": true, "123456789": false, "1234567é": false, "é": true,
		"a\x00b": false, "\xff": false, "é\xc3": false, "\xed\xa0\x80": false, strings.Repeat("x", 1<<20): false,
	} {
		assert.Equal(t, want, cell.Valid(text, 8), "%.20q", text)
	}
}
