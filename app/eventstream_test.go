package app_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
)

// streaming answers with what f sends.
func streaming(f func(s *app.EventStream) error) app.Middleware {
	return last(func(ctx *app.Context) error {
		s, err := ctx.EventStream()
		if err != nil {
			return err
		}
		return f(s)
	})
}

func TestEventStream(t *testing.T) {
	w := newRespWire(t, streaming(func(s *app.EventStream) error {
		assert.Equal(t, "41", s.LastID)
		if err := s.Send(app.StreamEvent{Data: "one ring"}, app.StreamEvent{Data: "another"}); err != nil {
			return err
		}
		if err := s.Comment("still here"); err != nil {
			return err
		}
		return s.Send(app.StreamEvent{ID: "42", Name: "found", Retry: 2 * time.Second, Data: map[string]int{"rings": 3}})
	}))
	got := w.ask("GET", "/", "Last-Event-ID", "41")
	assert.Equal(t, 200, got.status)
	assert.Equal(t, []string{"text/event-stream"}, got.header["Content-Type"])
	assert.Equal(t, []string{"no-store, no-transform"}, got.header["Cache-Control"])
	assert.Equal(t, []string{"no"}, got.header["X-Accel-Buffering"])
	assert.Empty(t, got.respLength())
	assert.Equal(t, "data: one ring\n\ndata: another\n\n: still here\n\nevent: found\nid: 42\nretry: 2000\ndata: {\"rings\":3}\n\n", got.body)
	assert.False(t, got.cut)
	assert.Empty(t, w.reports())
}

func TestStreamEvent(t *testing.T) {
	for name, c := range map[string]struct {
		event app.StreamEvent
		want  string
	}{
		"nothing":                    {app.StreamEvent{}, "\n"},
		"text":                       {app.StreamEvent{Data: "x"}, "data: x\n\n"},
		"empty text":                 {app.StreamEvent{Data: ""}, "data: \n\n"},
		"bytes":                      {app.StreamEvent{Data: []byte("x")}, "data: x\n\n"},
		"JSON":                       {app.StreamEvent{Data: []int{1, 2}}, "data: [1,2]\n\n"},
		"JSON with a line end in it": {app.StreamEvent{Data: []string{"a\nb"}}, "data: [\"a\\nb\"]\n\n"},
		"a space before":             {app.StreamEvent{Data: " x"}, "data:  x\n\n"},
		"two lines":                  {app.StreamEvent{Data: "a\nb"}, "data: a\ndata: b\n\n"},
		"a line end at the end":      {app.StreamEvent{Data: "a\n"}, "data: a\ndata: \n\n"},
		"another event by LF":        {app.StreamEvent{Data: "a\n\nevent: evil\ndata: x"}, "data: a\ndata: \ndata: event: evil\ndata: data: x\n\n"},
		"another event by CR":        {app.StreamEvent{Data: "a\r\revent: evil"}, "data: a\ndata: \ndata: event: evil\n\n"},
		"another event by CR LF":     {app.StreamEvent{Data: "a\r\n\r\nevent: evil"}, "data: a\ndata: \ndata: event: evil\n\n"},
		"NUL and non-ASCII":          {app.StreamEvent{Data: "\x00ä\u2028\u0085"}, "data: \x00ä\u2028\u0085\n\n"},
		"an ID alone":                {app.StreamEvent{ID: "1"}, "id: 1\n\n"},
		"a colon in a name":          {app.StreamEvent{Name: "a: b"}, "event: a: b\n\n"},
		"a short time":               {app.StreamEvent{Retry: time.Microsecond}, "retry: 1\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := newRespWire(t, streaming(func(s *app.EventStream) error { return s.Send(c.event) })).ask("GET", "/")
			assert.Equal(t, c.want, got.body)
		})
	}
	for name, event := range map[string]app.StreamEvent{
		"a Name with LF": {Name: "a\ndata: evil"}, "a Name with CR": {Name: "a\rdata: evil"}, "a Name with NUL": {Name: "a\x00"}, "an ID with LF": {ID: "1\n\ndata: evil"}, "an ID with CR": {ID: "1\r"}, "an ID with NUL": {ID: "1\x00"},
		"a negative Retry": {Retry: -1}, "Data that is no JSON": {Data: func() {}},
	} {
		t.Run(name+" is refused and nothing of it is sent", func(t *testing.T) {
			w := newRespWire(t, streaming(func(s *app.EventStream) error {
				err := s.Send(app.StreamEvent{Data: "before"}, event)
				assert.ErrorContains(t, err, "app: ")
				assert.NotErrorIs(t, err, app.ErrStreamOver)
				assert.NotContains(t, err.Error(), "evil")
				return s.Send(app.StreamEvent{Data: "after"})
			}))
			assert.Equal(t, "data: after\n\n", w.ask("GET", "/").body)
			assert.Empty(t, w.reports())
		})
	}
	t.Run("a comment of several lines stays one", func(t *testing.T) {
		got := newRespWire(t, streaming(func(s *app.EventStream) error { return s.Comment("a\rdata: evil\n\nx") })).ask("GET", "/")
		assert.Equal(t, ": a\n: data: evil\n: \n: x\n\n", got.body)
	})
}

func TestEventStreamIsItsHandlers(t *testing.T) {
	t.Run("HEAD has the headers and no events", func(t *testing.T) {
		w := newRespWire(t, streaming(func(s *app.EventStream) error {
			err := s.Send(app.StreamEvent{Data: "x"})
			assert.ErrorIs(t, err, app.ErrStreamOver)
			return err
		}))
		got := w.ask("HEAD", "/")
		assert.Equal(t, 200, got.status)
		assert.Equal(t, "text/event-stream", got.header.Get("Content-Type"))
		assert.True(t, strings.HasSuffix(got.raw, "\r\n\r\n"))
		assert.Empty(t, w.reports())
	})
	t.Run("nothing is sent after it has returned", func(t *testing.T) {
		var kept *app.EventStream
		w := newRespWire(t, func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			assert.ErrorIs(t, kept.Send(app.StreamEvent{Data: "of a layer above"}), app.ErrStreamOver)
			ctx.Body = "of a layer above"
			return err
		}, app.Wrap(unchanged), streaming(func(s *app.EventStream) error { kept = s; return s.Send(app.StreamEvent{Data: "x"}) }))
		got := w.ask("GET", "/")
		assert.Equal(t, "data: x\n\n", got.body)
		assert.Empty(t, w.reports())
		assert.ErrorIs(t, kept.Send(app.StreamEvent{Data: "late"}), app.ErrStreamOver)
		assert.ErrorIs(t, kept.Comment(""), app.ErrStreamOver)
	})
	t.Run("that of a layer goes on when a net/http middleware below it has answered", func(t *testing.T) {
		w := newRespWire(t, func(ctx *app.Context, next app.Handler) error {
			s, err := ctx.EventStream()
			require.NoError(t, err)
			require.NoError(t, next(ctx))
			return s.Send(app.StreamEvent{Data: "x"})
		}, app.Wrap(unchanged), last(ok))
		assert.Equal(t, "data: x\n\n", w.ask("GET", "/").body)
		assert.Empty(t, w.reports())
	})
	t.Run("an error of its own is told and cuts the connection", func(t *testing.T) {
		w := newRespWire(t, streaming(func(*app.EventStream) error { return errBoom }))
		assert.True(t, w.ask("GET", "/").cut)
		assert.Len(t, w.reports(), 1)
	})
	t.Run("what was prepared before is given up", func(t *testing.T) {
		s := &stream{Reader: panicking{}}
		w := newRespWire(t, last(func(ctx *app.Context) error {
			ctx.Status, ctx.Body = 404, s
			ctx.Attachment("ring.pdf")
			ctx.SetLength(100)
			e, err := ctx.EventStream()
			require.NoError(t, err)
			return e.Send(app.StreamEvent{Data: "x"})
		}))
		got := w.ask("GET", "/")
		assert.Equal(t, 200, got.status)
		assert.Equal(t, "data: x\n\n", got.body)
		assert.NotContains(t, got.header, "Content-Disposition")
		assert.Equal(t, 1, s.closed)
	})
	t.Run("goroutines take turns", func(t *testing.T) {
		w := newRespWire(t, streaming(func(s *app.EventStream) error {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range 20 {
						assert.NoError(t, s.Send(app.StreamEvent{Name: "a", Data: "b\nc"}))
					}
				})
			}
			all.Wait()
			return nil
		}))
		assert.Equal(t, strings.Repeat("event: a\ndata: b\ndata: c\n\n", 160), w.ask("GET", "/").body)
	})
	t.Run("a session that cannot be saved is 503 and no stream", func(t *testing.T) {
		s, store := memorySessions()
		w, told := answered(get("/"), s.Layer, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			require.NoError(t, err)
			require.NoError(t, x.Set("ring", 1))
			store.Fail("Insert", "Update")
			events, err := ctx.EventStream()
			assert.Error(t, err)
			assert.Nil(t, events)
			return err
		}))
		assert.Equal(t, 503, w.Code)
		assert.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
		assert.Len(t, told, 1)
	})
}

func TestEventStreamEndsWithItsClient(t *testing.T) {
	for name, send := range map[string]func(s *app.EventStream) error{
		"sending": func(s *app.EventStream) error {
			for {
				if err := s.Send(app.StreamEvent{Data: "x"}); err != nil {
					return err
				}
			}
		},
		"waiting": func(s *app.EventStream) error { return s.Follow(context.Background(), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			w := newRespWire(t, streaming(func(s *app.EventStream) error {
				err := send(s)
				ended <- err
				return err
			}))
			conn := w.dial("GET", "/")
			_, err := io.ReadFull(conn, make([]byte, 10))
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			assert.ErrorIs(t, <-ended, app.ErrStreamOver)
			assert.Empty(t, w.reports(), "no fault of ours")
		})
	}
}

func TestFollow(t *testing.T) {
	t.Run("until the channel is closed", func(t *testing.T) {
		events := make(chan app.StreamEvent, 2)
		events <- app.StreamEvent{Data: "a"}
		events <- app.StreamEvent{Data: "b"}
		close(events)
		w := newRespWire(t, streaming(func(s *app.EventStream) error { return s.Follow(t.Context(), events) }))
		assert.Equal(t, "data: a\n\ndata: b\n\n", w.ask("GET", "/").body)
	})
	t.Run("an event that cannot be sent ends it", func(t *testing.T) {
		events := make(chan app.StreamEvent, 1)
		events <- app.StreamEvent{Name: "a\nb"}
		w := newRespWire(t, streaming(func(s *app.EventStream) error { return s.Follow(t.Context(), events) }))
		assert.True(t, w.ask("GET", "/").cut)
		assert.Len(t, w.reports(), 1)
	})
	t.Run("nothing after its context has ended though events are there", func(t *testing.T) {
		for range 50 { // select takes either
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(app.ErrLoggedOut)
			events := make(chan app.StreamEvent, 1)
			events <- app.StreamEvent{Data: "a secret"}
			w := serve(get("/"), streaming(func(s *app.EventStream) error {
				err := s.Follow(ctx, events)
				assert.ErrorIs(t, err, app.ErrStreamOver)
				assert.ErrorIs(t, err, app.ErrLoggedOut)
				return err
			}))
			assert.Empty(t, w.Body.String())
		}
	})
	t.Run("until the request's context ends whatever it is given", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			limited, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			began := time.Now()
			serve(get("/").WithContext(limited), streaming(func(s *app.EventStream) error {
				err := s.Follow(context.Background(), nil)
				assert.ErrorIs(t, err, app.ErrStreamOver)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				return err
			}))
			assert.Equal(t, 5*time.Second, time.Since(began))
		})
	})
	t.Run("comments while nothing comes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			events := make(chan app.StreamEvent)
			go func() {
				<-time.After(40 * time.Second) // of the bubble
				events <- app.StreamEvent{Data: "x"}
				<-time.After(10 * time.Second)
				close(events)
			}()
			w := serve(get("/"), streaming(func(s *app.EventStream) error { return s.Follow(t.Context(), events) }))
			assert.Equal(t, ": \n\n: \n\ndata: x\n\n", w.Body.String())
		})
	})
}

// Who is logged out reads no more of it.
func TestEventStreamWhileLoggedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := memorySessions()
		events := make(chan app.StreamEvent)
		var ended error
		var told []error
		a := quiet().Use(s.Layer, last(func(ctx *app.Context) error {
			if ctx.Request.URL.Path == "/login" {
				ctx.Status = 204
				return ctx.Login(&hobbit{"sam"})
			}
			live, cancel, err := ctx.WhileLoggedIn(0)
			if err != nil {
				return err
			}
			defer cancel()
			stream, err := ctx.EventStream()
			if err != nil {
				return err
			}
			ended = stream.Follow(live, events)
			return ended
		}))
		a.OnError = func(_ *app.Context, err error) { told = append(told, err) }
		c := apptest.NewClient(t, a)
		require.Equal(t, 204, c.Get("/login").Status)
		go func() {
			events <- app.StreamEvent{Data: "before"}
			_, err := s.LogoutAll(context.Background(), &hobbit{"sam"})
			assert.NoError(t, err)
			<-time.After(10 * time.Second) // of the bubble
			select {
			case events <- app.StreamEvent{Data: "after"}:
				t.Error("somebody took it")
			default:
			}
		}()
		res := c.Get("/events")
		synctest.Wait()
		assert.Equal(t, "data: before\n\n", res.Body)
		assert.ErrorIs(t, ended, app.ErrLoggedOut)
		assert.Empty(t, told)
		assert.Equal(t, 401, apptest.NewClient(t, a).Get("/events").Status, "nobody who is not logged in")
		<-time.After(time.Minute)
	})
}

// piped is a listener of connections in the memory, whose deadlines are those of the bubble.
type piped struct {
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error   { p.once.Do(func() { close(p.over) }); return nil }
func (p *piped) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// The server's limits are for requests: neither that of reading one nor that of writing an answer ends a stream.
func TestEventStreamOutlivesTheLimitsOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each, n = 45 * time.Second, 20
		a := quiet().Use(streaming(func(s *app.EventStream) error {
			for range n {
				<-time.After(each) // of the bubble
				if err := s.Send(app.StreamEvent{Data: "x"}); err != nil {
					return err
				}
			}
			return nil
		}))
		server, listener := a.Server(""), &piped{conns: make(chan net.Conn), over: make(chan struct{})}
		require.Positive(t, server.ReadTimeout)
		require.Less(t, server.WriteTimeout, n*each)
		go func() { _ = server.Serve(listener) }()
		client, conn := net.Pipe()
		listener.conns <- conn
		began := time.Now()
		_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: shire.example\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		res, err := http.ReadResponse(bufio.NewReader(client), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		assert.Equal(t, strings.Repeat("data: x\n\n", n), string(body))
		assert.Equal(t, n*each, time.Since(began))
		require.NoError(t, server.Close())
		_ = client.Close()
	})
}

// A client that takes nothing does not hold its handler for ever.
func TestEventStreamEndsWithAClientThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		a := quiet().Use(streaming(func(s *app.EventStream) error {
			err := s.Send(app.StreamEvent{Data: strings.Repeat("x", 1<<20)})
			ended <- err
			return err
		}))
		server, listener := a.Server(""), &piped{conns: make(chan net.Conn), over: make(chan struct{})}
		go func() { _ = server.Serve(listener) }()
		client, conn := net.Pipe()
		listener.conns <- conn
		_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: shire.example\r\n\r\n")
		require.NoError(t, err)
		_, err = http.ReadResponse(bufio.NewReader(client), nil)
		require.NoError(t, err)
		began := time.Now()
		assert.ErrorIs(t, <-ended, app.ErrStreamOver)
		assert.Equal(t, 30*time.Second, time.Since(began))
		require.NoError(t, server.Close())
		_ = client.Close()
	})
}

// What a client makes of an event by the rules of the format is what was sent, and nothing else.
func FuzzStreamEvent(f *testing.F) {
	f.Add("found", "42", "one ring")
	f.Add("", "", "a\n\nevent: evil\r\rdata: b\r\n")
	f.Add("a: b", " ", " \x00\ufeff\u2028")
	f.Fuzz(func(t *testing.T, name, id, data string) {
		refused := false
		w := serve(get("/"), streaming(func(s *app.EventStream) error {
			if err := s.Send(app.StreamEvent{Name: name, ID: id, Data: data}); err != nil {
				refused = true
			}
			return nil
		}))
		assert.Equal(t, strings.ContainsAny(name+id, "\r\n\x00"), refused)
		if refused {
			assert.Empty(t, w.Body.String())
			return
		}
		fields, rest := map[string]string{}, strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(w.Body.String())
		text, after, ended := strings.Cut(rest, "\n\n")
		assert.True(t, ended)
		assert.Empty(t, after, "one event")
		for line := range strings.SplitSeq(text, "\n") {
			field, value, _ := strings.Cut(line, ":")
			fields[field] += strings.TrimPrefix(value, " ") + "\n"
		}
		want := map[string]string{"data": strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data) + "\n"}
		if name != "" {
			want["event"] = name + "\n"
		}
		if id != "" {
			want["id"] = id + "\n"
		}
		assert.Equal(t, want, fields)
	})
}
