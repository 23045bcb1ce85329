// Package sse_test has server-sent events behind our guards.
package sse_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/interop/internal/peer"
	"github.com/kahu-go/kahu/interop/internal/shire"
)

// news is what there is to tell.
var news = make(chan app.StreamEvent)

// watch tells what is new, while its user is logged in.
func watch(every time.Duration) app.Handler {
	return func(ctx *app.Context) error {
		live, cancel, err := ctx.WhileLoggedIn(every)
		if err != nil {
			return err
		}
		defer cancel()
		events, err := ctx.EventStream()
		if err != nil {
			return err
		}
		err = events.Follow(live, news)
		_ = events.Send(app.StreamEvent{Name: "over", Data: ""})
		return err
	}
}

type line struct {
	body   *bufio.Reader
	cancel context.CancelFunc
}

func open(t *testing.T, v *shire.Visitor, path string, headers ...string) peer.Line {
	ctx, cancel := context.WithCancel(peer.Patience(t))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.URL+path, nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := v.Client.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(t, 200, res.StatusCode)
	assert.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	assert.Equal(t, "no-store, no-transform", res.Header.Get("Cache-Control"))
	return line{bufio.NewReader(res.Body), cancel}
}

func (l line) Talk(t *testing.T) {
	select {
	case news <- app.StreamEvent{Data: "the eye moves"}:
	case <-peer.Patience(t).Done():
		t.Fatal("nobody listens")
	}
	assert.Equal(t, "data: the eye moves\n\n", l.read(t, 2))
}

func (l line) read(t *testing.T, lines int) (text string) {
	for range lines {
		s, err := l.body.ReadString('\n')
		require.NoError(t, err)
		text += s
	}
	return text
}

func (l line) Over(t *testing.T) error {
	assert.Equal(t, "event: over\ndata: \n\n", l.read(t, 3))
	_, err := l.body.ReadByte()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("it goes on: %w", err)
}

func (l line) Hang() { l.cancel() }

func TestServerSentEvents(t *testing.T) {
	peer.RunLongLived(t, peer.LongLived{Answer: watch, Open: open})
}
