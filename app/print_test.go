package app_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestAppAndContextPrintNoSecret(t *testing.T) {
	keys, err := app.NewKeys([]byte("mellon, said the wizard 0123456789"))
	require.NoError(t, err)
	a := app.New()
	a.Keys, a.Hosts = keys, []string{"shire.example"}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	a.Use(last(func(ctx *app.Context) error {
		logger.Info("seen", "ctx", ctx)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			_, _ = fmt.Fprintf(&log, verb+"\n"+verb+"\n", ctx, a.Keys)
		}
		return nil
	}))
	r := get("/bag-end?token=mellon")
	r.Host = "shire.example"
	r.Header.Set("Cookie", "session=mellon")
	r.Header.Set("Authorization", "Bearer mellon")
	a.ServeHTTP(httptest.NewRecorder(), r)
	assert.NotContains(t, log.String(), "mellon")
	assert.Contains(t, log.String(), "ctx.method=GET")
	assert.Contains(t, log.String(), "GET ")
}
