package sessionstores

import (
	"context"

	"github.com/kahu-go/kahu/app"
)

// MoveSession replaces what may change of the record of old and puts it under key.
func (m *Memory) MoveSession(ctx context.Context, key, old string, r *app.SessionRecord) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := storable(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	have, ok := m.records[old]
	switch _, taken := m.records[key]; {
	case taken:
		return errKeyTaken
	case !ok:
		return app.ErrSessionGone
	case have.Version != r.Version:
		return app.ErrSessionChanged
	}
	r.Version++
	have.Data, have.Seen, have.IdleUntil, have.Version = c.Data, c.Seen, c.IdleUntil, r.Version
	m.records[key] = have
	delete(m.records, old)
	return nil
}
