// Package redischeck reports what in the configuration of Redis would lose what is stored or bring back what was removed.
package redischeck

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Loss says in words what would happen: "<Package>: when memory is short it throws away <Evicted>", "every <Revived>", "<Stale>".
type Loss struct{ Package, Evicted, Revived, Stale string }

// Run asks by INFO, every master of a cluster. Each error begins with the package and ends with what to set.
func Run(ctx context.Context, c redis.UniversalClient, l Loss) error {
	cluster, ok := c.(*redis.ClusterClient)
	if !ok {
		return l.server(ctx, c)
	}
	var stale error
	if cluster.Options().ReadOnly {
		stale = fmt.Errorf("%s: replicas of the cluster answer reads: %s; unset ReadOnly, RouteByLatency and RouteRandomly", l.Package, l.Stale)
	}
	return errors.Join(stale, cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return l.server(ctx, c) }))
}

func (l Loss) server(ctx context.Context, c redis.Cmdable) error {
	memory, err := l.info(ctx, c, "memory")
	if err != nil {
		return err
	}
	persistence, err := l.info(ctx, c, "persistence")
	if err != nil {
		return err
	}
	var eviction, volatile error
	if policy := memory["maxmemory_policy"]; policy != "noeviction" {
		eviction = fmt.Errorf("%s: the maxmemory-policy of Redis is %q: when memory is short it throws away %s; set maxmemory-policy noeviction",
			l.Package, policy, l.Evicted)
	}
	if persistence["aof_enabled"] != "1" {
		volatile = fmt.Errorf("%s: Redis keeps no append-only file: after a crash it goes back to its last snapshot, where every %s; set appendonly yes",
			l.Package, l.Revived)
	}
	return errors.Join(eviction, volatile)
}

// info returns one section of INFO.
func (l Loss) info(ctx context.Context, c redis.Cmdable, section string) (map[string]string, error) {
	text, err := c.Info(ctx, section).Result()
	if err != nil {
		return nil, fmt.Errorf("%s: check: %w", l.Package, err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}
