package sessionstores_test

import (
	"testing"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) app.SessionStore { return sessionstores.NewMemory() })
}
