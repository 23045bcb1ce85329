package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// ErrStreamOver is why an [EventStream] sends nothing any more: the client has gone, the request's context or the one that
// was followed has ended, the server shuts down, or the handler has returned. A handler may return it: that is neither
// reported nor a fault, unless a fault has ended the stream, such as a store that cannot say who is logged in, which is
// reported.
var ErrStreamOver = errors.New("app: the stream of events is over")

const (
	eventTimeout = 30 * time.Second // for the client to take an event
	keepAlive    = 15 * time.Second
)

// An EventStream sends server-sent events (WHATWG HTML section 9.2), which browsers read by EventSource. Several goroutines
// may use it at once, until the handler returns.
type EventStream struct {
	// LastID is the ID of the last event that the client had before it was cut off and came back, by its own word; "" if it
	// comes for the first time.
	LastID string

	ctx  context.Context
	down context.Context // ends when the server shuts down
	w    *responder
	wire *http.ResponseController

	mu   sync.Mutex
	over bool
}

// EventStream answers 200 with events that the handler sends while it runs; a Body is given up. Nobody may store or
// transform them, nginx does not hold them back, middleware.Compress leaves them alone, and the deadlines of the server
// do not end them: each event has 30 seconds to be taken. The request's context does, so lift a limit above by
// middleware.NoTimeout. HEAD gets the headers, and a stream that is over. The errors are those of [Context.Flush], and
// [ErrHeadersSent].
//
//	live, cancel, err := ctx.WhileLoggedIn(0)
//	if err != nil {
//		return err
//	}
//	defer cancel()
//	events, err := ctx.EventStream()
//	if err != nil {
//		return err
//	}
//	return events.Follow(live, news)
func (c *Context) EventStream() (*EventStream, error) {
	switch {
	case c.self != c:
		return nil, ErrCopied
	case c.sent:
		return nil, ErrHeadersSent
	}
	c.forgetBody()
	h := c.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	c.Status = http.StatusOK
	s := &EventStream{ctx: c.Context(), down: c.closing(), w: c.w, wire: http.NewResponseController(c.w), LastID: c.Request.Header.Get("Last-Event-ID")}
	s.over = c.Request.Method == http.MethodHead
	err := s.inTime(c.Flush)
	c.flushed = nil // no Body follows
	if err != nil {
		return nil, fmt.Errorf("app: EventStream: %w", err)
	}
	c.eventStream = s
	return s, nil
}

// inTime gives f, which writes to the client, a deadline of its own, if the writer has deadlines. In between there is none:
// HTTP/2 would end the stream at it.
func (s *EventStream) inTime(f func() error) error {
	_ = s.wire.SetWriteDeadline(time.Now().Add(eventTimeout))
	err := f()
	_ = s.wire.SetWriteDeadline(time.Time{})
	return err
}

// Send sends events at once. The error is [ErrStreamOver], or that of an event which cannot be sent, and then none of them
// is.
func (s *EventStream) Send(events ...StreamEvent) error {
	var text []byte
	var err error
	for _, e := range events {
		if text, err = e.append(text); err != nil {
			return err
		}
	}
	return s.write(text)
}

// Comment sends what clients ignore: something has to pass now and then, lest proxies close the connection.
// [EventStream.Follow] does so by itself.
func (s *EventStream) Comment(text string) error {
	return s.write(append(appendLines(nil, "", text), '\n'))
}

// Follow sends events as they come, and a comment after 15 seconds without one, until the channel is closed, which is no
// error, or the client goes or ctx ends, which is [ErrStreamOver]. Nothing is sent after ctx has ended: give it that of
// [Context.WhileLoggedIn] and nobody reads on who was logged out.
func (s *EventStream) Follow(ctx context.Context, events <-chan StreamEvent) error {
	idle := time.NewTimer(keepAlive)
	defer idle.Stop()
	for {
		var err error
		select {
		case <-s.ctx.Done():
			return streamOver(s.ctx)
		case <-ctx.Done():
			return streamOver(ctx)
		case <-s.down.Done():
			return streamOver(s.down)
		case e, more := <-events:
			switch {
			case !more:
				return nil
			case ctx.Err() != nil: // select takes any that is ready
				return streamOver(ctx)
			}
			err = s.Send(e)
		case <-idle.C:
			err = s.Comment("")
		}
		if err != nil {
			return err
		}
		idle.Reset(keepAlive)
	}
}

// streamOver says that a context ended the stream, and why that ended.
func streamOver(ctx context.Context) error {
	return fmt.Errorf("%w: %w", ErrStreamOver, context.Cause(ctx))
}

func (s *EventStream) write(text []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over:
		return ErrStreamOver
	case s.ctx.Err() != nil:
		return streamOver(s.ctx)
	case s.down.Err() != nil:
		return streamOver(s.down)
	}
	err := s.inTime(func() error {
		if _, err := s.w.Write(text); err != nil {
			return err
		}
		return s.wire.Flush()
	})
	if err != nil {
		s.over = true
		return fmt.Errorf("%w: %w", ErrStreamOver, err)
	}
	return nil
}

// endEvents ends the stream of events, if there is one and its handler has returned. The end itself is to be taken in
// time, too.
func (c *Context) endEvents() {
	s := c.eventStream
	if s == nil || s.w != c.w { // that of a layer above goes on
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	_ = s.wire.SetWriteDeadline(time.Now().Add(eventTimeout))
}
