package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// How long a client may take, and how long requests in flight have when Run ends.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeoutAll   = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownTimeout   = 20 * time.Second
	maxHeaderBytes    = 64 << 10
)

// Server returns an http.Server for the App with every limit set: 5 seconds for the
// headers, 30 for the whole request, 60 for the answer, 2 minutes idle, 64 KiB of
// headers. Answers that take longer move their own deadline with http.ResponseController;
// an [EventStream] does so by itself. Change what you need, then serve. Its Shutdown ends
// every [EventStream] and what [Context.WhileLoggedIn] watches: clients come back to the
// next server.
func (a *App) Server(addr string) *http.Server {
	closing, end := context.WithCancelCause(context.Background())
	server := &http.Server{
		Addr:              addr,
		Handler:           a,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeoutAll,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(a.log().Handler(), slog.LevelWarn),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), closingKey{}, closing)
		},
	}
	server.RegisterOnShutdown(func() { end(http.ErrServerClosed) })
	return server
}

type closingKey struct{}

// closing ends when the server shuts down; never, if it is not one of [App.Server].
func (c *Context) closing() context.Context {
	if closing, ok := c.Context().Value(closingKey{}).(context.Context); ok {
		return closing
	}
	return context.Background()
}

// Run listens on addr and serves until ctx ends. Then it takes no new requests, lets
// those in flight finish for at most 20 seconds, and returns nil if they did.
func (a *App) Run(ctx context.Context, addr string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return a.Serve(ctx, l)
}

// Serve is Run on a listener that is open already. It closes it.
func (a *App) Serve(ctx context.Context, l net.Listener) error {
	server := a.Server(l.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
