package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/throttle"
	"github.com/kahu-go/kahu/tokenstores"
)

const pruneEvery = 15 * time.Minute

// stores are where the program keeps things: accounts and rings in the database,
// sessions, tokens and login attempts there too, or in Redis.
type stores struct {
	db       *bun.DB
	redis    *redis.Client // nil: not used
	sessions app.SessionStore
	tokens   tokenstores.Store
	denials  tokenstores.Denylist // of JWTs
	attempts throttle.Counter
	kept     string
	warnings []string
}

func openStores(ctx context.Context, c *config) (*stores, error) {
	var options []database.Option
	if c.pooler {
		options = append(options, database.BehindPooler())
	}
	db, err := database.Open(c.databaseURL, options...)
	if err != nil {
		return nil, err
	}
	s := &stores{db: db, kept: "everything in " + db.Dialect().Name().String()}
	if err := s.open(ctx, c); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stores) open(ctx context.Context, c *config) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if c.redisURL == "" {
		s.sessions, s.attempts = sessionstores.NewBun(s.db), throttle.NewBun(s.db)
		s.tokens, s.denials = tokenstores.NewBun(s.db), tokenstores.NewBunDenylist(s.db)
		return nil
	}
	o, err := redis.ParseURL(c.redisURL)
	if err != nil {
		return fmt.Errorf("REDIS_URL: %w", err)
	}
	o.ContextTimeoutEnabled = true // else a question outlives its request's deadline
	s.redis = redis.NewClient(o)
	store := sessionstores.NewRedis(s.redis)
	if err := store.Ping(ctx); err != nil {
		return err
	}
	if err := store.Check(ctx); err != nil {
		s.warnings = append(s.warnings, err.Error())
	}
	s.sessions, s.attempts = store, throttle.NewRedis(s.redis)
	s.tokens, s.denials = tokenstores.NewRedis(s.redis), tokenstores.NewRedisDenylist(s.redis)
	s.kept = "accounts in " + s.db.Dialect().Name().String() + ", sessions and tokens in Redis"
	return nil
}

func (s *stores) migrate(ctx context.Context) error {
	for _, migrate := range []func(context.Context, *bun.DB) error{sessionstores.Migrate, tokenstores.Migrate, throttle.Migrate} {
		if err := migrate(ctx, s.db); err != nil {
			return err
		}
	}
	return nil
}

// ping reports whether the stores answer.
func (s *stores) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if s.redis != nil {
		if err := s.redis.Ping(ctx).Err(); err != nil {
			return err
		}
	}
	return s.db.PingContext(ctx)
}

// pruneAttempts removes counts whose window is over until ctx ends.
func (s *stores) pruneAttempts(ctx context.Context) {
	counts, ok := s.attempts.(*throttle.Bun)
	if !ok {
		return // Redis forgets by itself
	}
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if _, err := counts.Prune(ctx, now.UTC(), 1000); err != nil && ctx.Err() == nil {
				slog.ErrorContext(ctx, "login attempts were not pruned", "error", err)
			}
		}
	}
}

func (s *stores) close() {
	if s.redis != nil {
		_ = s.redis.Close()
	}
	_ = s.db.Close()
}
