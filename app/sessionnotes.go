package app

import (
	"encoding/json"
	"strings"
)

// Names of what the framework keeps in a session for itself.
const (
	stampName    = "_stamp"
	rememberName = "_remember"
	maxAgeName   = "_max-age" // of who stays logged in
	firstKeyName = "_first"   // the key that it had before Regenerate, for who ends it just then
)

// reserved reports whether a name is the framework's own.
func reserved(name string) bool { return strings.HasPrefix(name, "_") }

// noted is a text that the framework keeps in a session for itself, "" if there is none.
func noted(rec *SessionRecord, name string) (text string) {
	if rec != nil && rec.Data[name] != nil {
		_ = json.Unmarshal(rec.Data[name], &text) // "" if it is no string
	}
	return text
}

// setNote keeps a text in a session for the framework; "" removes what is there.
func setNote(rec *SessionRecord, name, text string) {
	if text == "" {
		delete(rec.Data, name)
		return
	}
	raw, _ := json.Marshal(text) // a string can be encoded
	rec.Data[name] = raw
}
