package app

// A Flash is a message for the next page that is shown.
type Flash struct {
	Kind string `json:"kind"` // such as "error" or "info"
	Text string `json:"text"`
}

// Names that the framework keeps in a session. Login carries them over.
const (
	flashName    = "flash"
	returnToName = "return-to"
)

// Flash keeps a message for the next page, which takes it with [Session.Flashes]. It
// survives Login. The errors are those of Set.
func (x *Session) Flash(kind, text string) error {
	var all []Flash
	if _, err := x.Get(flashName, &all); err != nil {
		return err
	}
	return x.Set(flashName, append(all, Flash{kind, text}))
}

// Flashes returns the messages, oldest first, and removes them.
func (x *Session) Flashes() ([]Flash, error) {
	var all []Flash
	if ok, err := x.Get(flashName, &all); err != nil || !ok {
		return nil, err
	}
	return all, x.Delete(flashName)
}
