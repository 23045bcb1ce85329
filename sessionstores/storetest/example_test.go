package storetest_test

import (
	"context"
	"testing"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

// Audited is a store of your own: it tells of each logout, and leaves the keeping to another.
type Audited struct {
	app.SessionStore
	LoggedOut func(key string)
}

// Delete tells of what is certain: nothing after a fault.
func (a Audited) Delete(ctx context.Context, key string) error {
	if err := a.SessionStore.Delete(ctx, key); err != nil {
		return err
	}
	a.LoggedOut(key)
	return nil
}

// In your package its name is TestAudited, and it is all that there is to write.
func testAudited(t *testing.T) {
	storetest.Run(t, func(*testing.T) app.SessionStore {
		return Audited{sessionstores.NewMemory(), func(string) {}}
	})
}

// A store of your own, tested.
func ExampleRun() {
	_ = testAudited // go test runs it
}
