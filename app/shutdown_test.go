package app_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestShutdownEndsWhatWouldGoOn(t *testing.T) {
	s, _ := memorySessions()
	never := make(chan app.StreamEvent)
	for name, answer := range map[string]app.Handler{
		"events that are followed": func(ctx *app.Context) error {
			events, err := ctx.EventStream()
			if err != nil {
				return err
			}
			return events.Follow(context.Background(), never)
		},
		"events that are sent": func(ctx *app.Context) error {
			events, err := ctx.EventStream()
			for err == nil {
				err = events.Send(app.StreamEvent{Data: "still here"})
			}
			return err
		},
		"what is watched while its user is logged in": func(ctx *app.Context) error {
			if err := ctx.Login(&hobbit{"frodo"}); err != nil {
				return err
			}
			live, cancel, err := ctx.WhileLoggedIn(time.Hour)
			if err != nil {
				return err
			}
			defer cancel()
			if err := ctx.Flush(); err != nil {
				return err
			}
			<-live.Done()
			assert.Equal(t, http.ErrServerClosed, context.Cause(live))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var told []error
			a := quiet().Use(s.Layer, last(answer))
			a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- a.Serve(ctx, l) }()
			res, err := http.Get("http://" + l.Addr().String())
			require.NoError(t, err)
			defer res.Body.Close()
			require.Equal(t, 200, res.StatusCode)
			cancel()
			_, err = io.Copy(io.Discard, bufio.NewReader(res.Body))
			assert.NoError(t, err, "it ends, and is not cut")
			assert.NoError(t, <-ended)
			assert.Empty(t, told)
		})
	}
}
