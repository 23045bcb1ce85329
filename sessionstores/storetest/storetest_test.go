package storetest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestAudited(t *testing.T) { testAudited(t) }

func TestAStoreThatEmbedsTheInterfaceHasNoOptionalOnes(t *testing.T) {
	var store any = Audited{SessionStore: sessionstores.NewMemory()}
	for _, ok := range []bool{is[app.SessionLister](store), is[app.SessionLimiter](store), is[app.SessionPruner](store)} {
		assert.False(t, ok)
	}
}

func is[I any](v any) bool { _, ok := v.(I); return ok }
