package kahu_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/sqlerr"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

var securityOfServices = []claim{
	{"20, each for 30 minutes, or 5 minutes idle", postgresPool},
	{"5 seconds to connect (`connect_timeout`), 10 seconds a statement", postgresTimeouts},
	{"2 times, after some 20 milliseconds and 100 milliseconds", func(t *testing.T, times int, first, second time.Duration) {
		pauses := retries(t)
		require.Len(t, pauses, times)
		assert.Equal(t, first, (pauses[0].shortest+pauses[0].longest)/2)
		assert.Equal(t, second, (pauses[1].shortest+pauses[1].longest)/2)
	}},
	{"jittered by 50 %", func(t *testing.T, percent int) {
		for _, p := range retries(t) {
			middle := (p.shortest + p.longest) / 2
			assert.Equal(t, middle*time.Duration(percent)/100, p.longest-middle)
		}
	}},
	{"8; 1 for `:memory:`", func(t *testing.T, file, memory int) {
		assert.Equal(t, file, opened(t, "file:"+t.TempDir()+"/app.db").Stats().MaxOpenConnections)
		assert.Equal(t, memory, opened(t, ":memory:").Stats().MaxOpenConnections)
	}},
	{"5 seconds for a lock (`busy_timeout`)", func(t *testing.T, d time.Duration) {
		assert.EqualValues(t, d.Milliseconds(), single[int](t, opened(t, "file:"+t.TempDir()+"/app.db"), "PRAGMA busy_timeout"))
	}},
	{"of go-redis, 10 for each of GOMAXPROCS", func(t *testing.T, n int) { assert.Equal(t, n*runtime.GOMAXPROCS(0), redisDefaults(t).PoolSize) }},
	{"of go-redis, 5 seconds each to connect, to read and to write", func(t *testing.T, d time.Duration) {
		o := redisDefaults(t)
		assert.Equal(t, []time.Duration{d, d, d}, []time.Duration{o.DialTimeout, o.ReadTimeout, o.WriteTimeout})
	}},
	{"of go-redis, 3 times", func(t *testing.T, n int) { assert.Equal(t, n, redisDefaults(t).MaxRetries) }},
	{"takes 5 seconds where the options say 2 seconds", silentRedis},
	{"30 seconds a mail (`SMTPOptions.Timeout`), 1 minute a try", mailTimes},
	{"after 10 seconds, 1 minute, 10 minutes (`MailQueueOptions.Pauses`)", mailPauses},
	{"gives up after 5 seconds of trying", func(t *testing.T, d time.Duration) {
		lasts(t, d, func(t *testing.T) {
			_, err := database.Open("postgres://frodo@shire.example/app", database.Wrap(func(c driver.Connector) driver.Connector { return silentConnector{c} }))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}},
	{"and the request is answered 503. - Only", fullPool},
	{"by `PruneEvery`, 500 at a time", pruning},
	{"holds 1,000 mails (`MailQueueOptions.Size`)", func(t *testing.T, n int) {
		queue := accounts.NewMailQueue(&mailDrop{}, accounts.MailQueueOptions{})
		for range n {
			require.NoError(t, queue.Send(t.Context(), aMail))
		}
		assert.ErrorIs(t, queue.Send(t.Context(), aMail), accounts.ErrMailQueueFull)
	}},
	{"it has 10 seconds to send them", mailDrain},
	{"The port is 587, or 465 with", func(t *testing.T, usual, implicit int) {
		o := accounts.SMTPOptions{Host: "mail.shire.example", From: "inn@shire.example"}
		assert.EqualValues(t, usual, smtpOption(o, "Port").Int())
		o.ImplicitTLS = true
		assert.EqualValues(t, implicit, smtpOption(o, "Port").Int())
	}},
	{"TLS is 1.2 at least", func(t *testing.T, version float64) {
		versions := map[float64]uint64{1.2: tls.VersionTLS12, 1.3: tls.VersionTLS13}
		for _, given := range []*tls.Config{nil, {MinVersion: tls.VersionTLS10}} {
			o := accounts.SMTPOptions{Host: "mail.shire.example", From: "inn@shire.example", TLS: given}
			assert.Equal(t, versions[version], smtpOption(o, "TLS").Elem().FieldByName("MinVersion").Uint())
		}
	}},
}

func opened(t *testing.T, address string, options ...database.Option) *bun.DB {
	t.Helper()
	db, err := database.Open(address, options...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// postgresPool looks at fields of database/sql that it tells nobody of.
func postgresPool(t *testing.T, n int, life, idle time.Duration) {
	db := opened(t, pgtest.URL(t))
	assert.Equal(t, n, db.Stats().MaxOpenConnections)
	hidden := func(field string) int64 { return reflect.ValueOf(db.DB).Elem().FieldByName(field).Int() }
	assert.EqualValues(t, n, hidden("maxIdleCount"))
	assert.EqualValues(t, life, hidden("maxLifetime"))
	assert.EqualValues(t, idle, hidden("maxIdleTime"))
}

func postgresTimeouts(t *testing.T, connect, statement time.Duration) {
	var config pgx.ConnConfig
	look := database.Wrap(func(c driver.Connector) driver.Connector {
		config = reflect.ValueOf(c).FieldByName("ConnConfig").Interface().(pgx.ConnConfig)
		return c
	})
	db := opened(t, pgtest.URL(t), look)
	assert.Equal(t, connect, config.ConnectTimeout)
	got, err := time.ParseDuration(single[string](t, db, "SHOW statement_timeout"))
	require.NoError(t, err)
	assert.Equal(t, statement, got)
	assert.Equal(t, "0", single[string](t, opened(t, pgtest.URL(t), database.BehindPooler()), "SHOW statement_timeout"), "not sent")
}

// A pause lasts between these, to the millisecond.
type pause struct{ shortest, longest time.Duration }

// retries returns the pauses before each further try, of many rounds.
func retries(t *testing.T) (pauses []pause) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		for range 2000 {
			last, try := time.Now(), -1
			_ = sqlerr.Retry(t.Context(), func(context.Context) error {
				waited := time.Since(last)
				if last = time.Now(); try >= 0 {
					pauses = append(pauses, pause{time.Hour, 0})[:max(len(pauses), try+1)]
					p := &pauses[try]
					p.shortest, p.longest = min(p.shortest, waited), max(p.longest, waited)
				}
				try++
				return driver.ErrBadConn
			})
		}
	})
	for i := range pauses {
		p := &pauses[i]
		p.shortest, p.longest = p.shortest.Round(2*time.Millisecond), p.longest.Round(2*time.Millisecond)
	}
	return pauses
}

func redisDefaults(t *testing.T) *redis.Options {
	t.Helper()
	c := redis.NewClient(&redis.Options{})
	defer c.Close()
	assert.False(t, c.Options().ContextTimeoutEnabled)
	return c.Options()
}

// silentRedis takes what it is sent and answers nothing.
func silentRedis(t *testing.T, without, with time.Duration) {
	for enabled, want := range map[bool]time.Duration{false: without, true: with} {
		lasts(t, want, func(t *testing.T) {
			var servers []net.Conn
			client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", ContextTimeoutEnabled: enabled, Dialer: func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				servers = append(servers, server)
				go func() { _, _ = new(bytes.Buffer).ReadFrom(server) }()
				return client, nil
			}})
			c, _ := visitor(t, sessionstores.NewRedis(client), app.SessionOptions{})
			c.SetCookie("__Host-session", strings.Repeat("A", 43))
			assert.Equal(t, 503, c.Get("/me").Status)
			_ = client.Close()
			for _, server := range servers {
				_ = server.Close()
			}
		})
	}
}

var aMail = accounts.Mail{To: "frodo@shire.example", Subject: "The inn", Text: "is open"}

// smtpOption looks at an option of a mailer, which tells nobody of it.
func smtpOption(o accounts.SMTPOptions, name string) reflect.Value {
	return reflect.ValueOf(accounts.NewSMTP(o)).Elem().FieldByName("o").FieldByName(name)
}

// A postman notes when it was sent, and does with a mail what he is told.
type postman struct {
	does func(ctx context.Context) error
	sent []time.Time
}

func (p *postman) Send(ctx context.Context, _ accounts.Mail) error {
	p.sent = append(p.sent, time.Now())
	return p.does(ctx)
}

func mailTimes(t *testing.T, mail, try time.Duration) {
	assert.EqualValues(t, mail, smtpOption(accounts.SMTPOptions{Host: "mail.shire.example", From: "inn@shire.example"}, "Timeout").Int())
	sendOne(t, silent, func(p *postman, begun time.Time) {
		require.GreaterOrEqual(t, len(p.sent), 2)
		assert.Equal(t, try+time.Second, p.sent[1].Sub(begun))
	}, accounts.MailQueueOptions{Pauses: []time.Duration{time.Second}})
}

func mailPauses(t *testing.T, first, second, third time.Duration) {
	sendOne(t, func(context.Context) error { return errors.New("the server is down") }, func(p *postman, begun time.Time) {
		var after []time.Duration
		for _, at := range p.sent {
			after = append(after, at.Sub(begun))
			begun = at
		}
		assert.Equal(t, []time.Duration{0, first, second, third}, after)
	}, accounts.MailQueueOptions{})
}

// sendOne has a queue try to send a mail for a day.
func sendOne(t *testing.T, does func(ctx context.Context) error, then func(p *postman, begun time.Time), o accounts.MailQueueOptions) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p, begun := &postman{does: does}, time.Now()
		o.Logger = slog.New(slog.DiscardHandler)
		queue := accounts.NewMailQueue(p, o)
		require.NoError(t, queue.Send(t.Context(), aMail))
		ctx, stop := context.WithTimeout(t.Context(), day)
		defer stop()
		assert.NoError(t, queue.Run(ctx))
		then(p, begun)
	})
}

func mailDrain(t *testing.T, d time.Duration) {
	lasts(t, d, func(t *testing.T) {
		queue := accounts.NewMailQueue(&postman{does: silent}, accounts.MailQueueOptions{Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, queue.Send(t.Context(), aMail))
		ended, stop := context.WithCancel(t.Context())
		stop()
		assert.Error(t, queue.Run(ended))
	})
}

type silentConnector struct{ driver.Connector }

func (silentConnector) Connect(ctx context.Context) (driver.Conn, error) { return nil, silent(ctx) }

// fullPool holds the one connection there is.
func fullPool(t *testing.T, status int) {
	id := sessionCookie(t)
	lasts(t, 2*time.Second, func(t *testing.T) {
		db, err := database.Open(":memory:")
		require.NoError(t, err)
		require.NoError(t, sessionstores.Migrate(t.Context(), db))
		held, err := db.Conn(t.Context())
		require.NoError(t, err)
		c, _ := visitor(t, sessionstores.NewBun(db), app.SessionOptions{})
		c.SetCookie(id.Name, id.Value)
		assert.Equal(t, status, c.Get("/me").Status)
		require.NoError(t, held.Close())
		assert.Equal(t, http.StatusUnauthorized, c.Get("/me").Status)
		require.NoError(t, db.Close())
	})
}

type prunedSessions struct {
	*sessionstores.Memory
	limit int
}

func (p *prunedSessions) PruneSessions(_ context.Context, _ time.Time, limit int) (int, error) {
	p.limit = limit
	return 0, nil
}

type prunedTokens struct {
	tokenstores.Store
	limit int
}

func (p *prunedTokens) Prune(_ context.Context, _ time.Time, limit int) (int, error) {
	p.limit = limit
	return 0, nil
}

func pruning(t *testing.T, n int) {
	sessions, tokens := &prunedSessions{Memory: sessionstores.NewMemory()}, &prunedTokens{}
	_, err := app.NewSessions(sessions, reviewedUsers, app.SessionOptions{}).Prune(t.Context())
	require.NoError(t, err)
	_, err = strategies.NewBearer(tokens, reviewedUsers, strategies.BearerOptions{}).Prune(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int{n, n}, []int{sessions.limit, tokens.limit})
}
