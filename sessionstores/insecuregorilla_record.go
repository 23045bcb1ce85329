package sessionstores

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/kahu-go/kahu/app"
)

// A foreignRecord is a record as JSON, which would change bytes that are no UTF-8 in a text.
type foreignRecord struct {
	Kind, Subject, Address, Agent, Data       []byte
	Version                                   int64
	Created, LoggedIn, Seen, IdleUntil, Until time.Time
}

func encodeForeign(r *app.SessionRecord) (string, error) {
	data, err := encodeData(r.Data)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(foreignRecord{
		[]byte(r.Kind), []byte(r.Subject), []byte(r.Address), []byte(r.Agent), []byte(data), r.Version,
		r.Created, r.LoggedIn, r.Seen, r.IdleUntil, r.Until,
	})
	if err != nil {
		return "", fmt.Errorf("sessionstores: a record: %w", err)
	}
	return string(text), nil
}

func decodeForeign(value any) (*app.SessionRecord, error) {
	text, ok := value.(string)
	if !ok {
		return nil, damaged("a session of gorilla without a record")
	}
	var r foreignRecord
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return nil, damaged("a session of gorilla whose record is no JSON")
	}
	data, err := decodeData(r.Data)
	if err != nil {
		return nil, err
	}
	return &app.SessionRecord{
		Kind: string(r.Kind), Subject: string(r.Subject), Data: data, Version: r.Version,
		Created: r.Created, LoggedIn: r.LoggedIn, Seen: r.Seen, IdleUntil: r.IdleUntil, Until: r.Until,
		Address: string(r.Address), Agent: string(r.Agent),
	}, nil
}
