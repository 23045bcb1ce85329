package chi_test

import (
	"io"
	"log"
	"net/http"
	"testing"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/interop/internal/peer"
	"github.com/kahu-go/kahu/interop/internal/shire"
)

func TestMiddleware(t *testing.T) {
	middleware.DefaultLogger = middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: log.New(io.Discard, "", 0)})
	for name, m := range map[string]peer.Middleware{
		"Compress":  {Wrap: middleware.Compress(5), Gzip: true, Panic: 500},
		"Recoverer": {Wrap: middleware.Recoverer, Panic: 500, Keeps: true},
		"Logger":    {Wrap: middleware.Logger, Panic: 500},
		"Timeout":   {Wrap: middleware.Timeout(time.Minute), Panic: 500},
		"RequestID": {Wrap: middleware.RequestID, Panic: 500},
		"Throttle":  {Wrap: middleware.Throttle(10), Panic: 500},
		"all of them": {Wrap: func(h http.Handler) http.Handler {
			h = middleware.Recoverer(middleware.Timeout(time.Minute)(h))
			return middleware.RequestID(middleware.Logger(middleware.Compress(5)(h)))
		}, Gzip: true, Panic: 500, Keeps: true},
	} {
		t.Run(name, func(t *testing.T) { peer.RunMiddleware(t, m) })
	}
}

// A handler whose time is over returns that, which is ours to answer; chi's own answer comes too late.
func TestTimeoutsEndWhatIsBelow(t *testing.T) {
	for name, c := range map[string]struct {
		wrap   func(http.Handler) http.Handler
		status int
	}{
		"of chi":      {middleware.Timeout(time.Nanosecond), 503},
		"of net/http": {func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Nanosecond, "too late") }, 503},
	} {
		t.Run(name, func(t *testing.T) {
			s := shire.New()
			s.App.Use(s.Note, s.Sessions.Layer, app.Wrap(c.wrap), func(ctx *app.Context, _ app.Handler) error {
				<-ctx.Context().Done()
				_, err := shire.Count(ctx.Context())
				require.NoError(t, err)
				return ctx.Context().Err()
			})
			v := shire.Serve(t, s.App)
			assert.Equal(t, c.status, v.Get("/").Status)
			assert.Equal(t, c.status, s.LastEnd().Status)
			assert.Empty(t, v.Cookies())
			assert.NotContains(t, s.Store.Calls(), "Insert", "nothing is saved for who was told that it failed")
		})
	}
}
