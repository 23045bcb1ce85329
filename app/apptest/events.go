package apptest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kahu-go/kahu/app"
)

// Events are what an application has told its OnEvent, in the order in which it told. Make
// them with [Record]. They are safe for concurrent use; the events of requests that run at
// once are in the order in which they happened to come.
type Events struct {
	mu  sync.Mutex
	all []app.Event
}

// Record collects the events of a from now on. An OnEvent that a has already is told as
// before. Call it before the first request.
func Record(a *app.App) *Events {
	e, before := &Events{}, a.OnEvent
	a.OnEvent = func(ctx *app.Context, event app.Event) {
		e.add(event)
		if before != nil {
			before(ctx, event)
		}
	}
	return e
}

func (e *Events) add(event app.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

// All returns the events since [Record], or since they were last taken or reset.
func (e *Events) All() []app.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

// Names are the names of [Events.All], in their order.
func (e *Events) Names() []app.EventName { return namesOf(e.All()) }

func namesOf(events []app.Event) (names []app.EventName) {
	for _, event := range events {
		names = append(names, event.Name)
	}
	return names
}

// Reset forgets all events so far.
func (e *Events) Reset() { e.Take() }

// Take returns all events so far, and forgets them.
func (e *Events) Take() []app.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	taken := e.all
	e.all = nil
	return taken
}

// Expect takes all events so far and stops the test unless their names are these: all of
// them, as often, in this order, and no others. No names are no events. It returns what it
// took, to look at more than the names. So each Expect is about what happened since the one
// before.
//
// For requests that ran at once compare [Events.Names] without regard to the order.
func (e *Events) Expect(t testing.TB, names ...app.EventName) []app.Event {
	t.Helper()
	got := e.Take()
	if !slices.Equal(namesOf(got), names) {
		t.Fatalf("apptest: other events than expected (- is missing, + is too much):\n%s", diff(names, got))
	}
	return got
}

// diff lists what both have in common, and what only one has, by the longest common subsequence.
func diff(want []app.EventName, got []app.Event) string {
	length := common(want, namesOf(got))
	var b strings.Builder
	for i, j := 0, 0; i < len(want) || j < len(got); {
		switch {
		case i < len(want) && j < len(got) && want[i] == got[j].Name:
			_, _ = fmt.Fprintf(&b, "    %s\n", describe(got[j]))
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && length[i+1][j] >= length[i][j+1]:
			_, _ = fmt.Fprintf(&b, "  - %s\n", want[i])
			i++
		default:
			_, _ = fmt.Fprintf(&b, "  + %s\n", describe(got[j]))
			j++
		}
	}
	return b.String()
}

// common has at [i][j] how many names want[i:] and got[j:] have in common.
func common(want, got []app.EventName) [][]int {
	length := make([][]int, len(want)+1)
	for i := range length {
		length[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			length[i][j] = max(length[i+1][j], length[i][j+1])
			if want[i] == got[j] {
				length[i][j] = length[i+1][j+1] + 1
			}
		}
	}
	return length
}

// describe writes an event as one line: `login failed (via local, of frodo): the password is wrong`.
func describe(e app.Event) string {
	var about []string
	for _, part := range []struct{ word, value string }{{"via", e.Via}, {"kind", e.Kind}, {"of", e.Subject}} {
		if part.value != "" {
			about = append(about, part.word+" "+part.value)
		}
	}
	text := string(e.Name)
	if len(about) > 0 {
		text += " (" + strings.Join(about, ", ") + ")"
	}
	if e.Reason != nil {
		text += ": " + e.Reason.Error()
	}
	return text
}
