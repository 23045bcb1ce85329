package tokenstores

import "errors"

// A mark is scanned without an error, as [cell.Text] is, but is not "" where one is that
// cannot be read.
type mark struct {
	text    string
	damaged bool
}

// Scan implements [database/sql.Scanner].
func (m *mark) Scan(v any) error {
	switch v := v.(type) {
	case string:
		m.text = v
	case []byte:
		m.text = string(v)
	}
	m.damaged = v != nil && !isName(m.text)
	return nil
}

var errMarkDamaged = errors.New("tokenstores: a stored mark cannot be read")

// denied takes a mark that cannot be read for a fault, since something is denied by it.
func denied(found []mark) (*Denials, error) {
	marks := make([]string, len(found))
	for i, one := range found {
		if one.damaged {
			return nil, errMarkDamaged
		}
		marks[i] = one.text
	}
	return &Denials{Marks: marks}, nil
}
