package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A StreamEvent is one event of an [EventStream].
type StreamEvent struct {
	// Name is what the page listens to; "": "message". It is one line.
	Name string

	// ID is what the client says in Last-Event-ID when it comes back, see [EventStream].LastID; "": that of the event before.
	// It is one line.
	ID string

	// Data is a string or []byte, of several lines if need be, or what is to be encoded as JSON. Without Data, nil, the page
	// is not told; ID and Retry hold.
	Data any

	// Retry is how long the client is to wait before it comes back, in whole milliseconds; 0: as before, about 3 seconds.
	Retry time.Duration
}

// append writes the event. Text from elsewhere cannot begin a field of its own: Data has a field for each line, and the
// others have no second one.
func (e StreamEvent) append(b []byte) ([]byte, error) {
	switch {
	case strings.ContainsAny(e.Name, "\r\n\x00"):
		return nil, errors.New("app: the Name of a StreamEvent has to be one line")
	case strings.ContainsAny(e.ID, "\r\n\x00"):
		return nil, errors.New("app: the ID of a StreamEvent has to be one line")
	case e.Retry < 0:
		return nil, errors.New("app: the Retry of a StreamEvent is negative")
	}
	if e.Name != "" {
		b = appendLines(b, "event", e.Name)
	}
	if e.ID != "" {
		b = appendLines(b, "id", e.ID)
	}
	if e.Retry > 0 {
		b = appendLines(b, "retry", strconv.FormatInt(max(e.Retry.Milliseconds(), 1), 10))
	}
	if e.Data != nil {
		text, err := dataText(e.Data)
		if err != nil {
			return nil, err
		}
		b = appendLines(b, "data", text)
	}
	return append(b, '\n'), nil
}

func dataText(data any) (string, error) {
	switch d := data.(type) {
	case string:
		return d, nil
	case []byte:
		return string(d), nil
	}
	text, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("app: the Data of a StreamEvent is no JSON: %w", err)
	}
	return string(text), nil
}

// lineEnds makes one of those that the format knows.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// appendLines writes a field once for each line of text, so that none begins another field. Without a name it is a comment.
func appendLines(b []byte, field, text string) []byte {
	for line := range strings.SplitSeq(lineEnds.Replace(text), "\n") {
		b = append(b, field...)
		b = append(b, ": "...)
		b = append(b, line...)
		b = append(b, '\n')
	}
	return b
}
