package sessionstores

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Check reports what in the configuration of Redis would lose sessions or bring ended
// ones back: call it when the program starts, and do not start if it fails. A Redis
// that is only a cache of sessions is chosen by not calling it. It asks by INFO,
// every master of a cluster.
func (r *Redis) Check(ctx context.Context) error {
	cluster, ok := r.c.(*redis.ClusterClient)
	if !ok {
		return checkServer(ctx, r.c)
	}
	var stale error
	if cluster.Options().ReadOnly {
		stale = errors.New("sessionstores: replicas of the cluster answer reads: " +
			"a session can be shown as alive after its logout; unset ReadOnly, RouteByLatency and RouteRandomly")
	}
	return errors.Join(stale, cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		return checkServer(ctx, c)
	}))
}

func checkServer(ctx context.Context, c redis.Cmdable) error {
	memory, err := info(ctx, c, "memory")
	if err != nil {
		return err
	}
	persistence, err := info(ctx, c, "persistence")
	if err != nil {
		return err
	}
	var eviction, volatile error
	if policy := memory["maxmemory_policy"]; policy != "noeviction" {
		eviction = fmt.Errorf("sessionstores: the maxmemory-policy of Redis is %q: when memory is short it throws away sessions "+
			"of users who are logged in; set maxmemory-policy noeviction", policy)
	}
	if persistence["aof_enabled"] != "1" {
		volatile = errors.New("sessionstores: Redis keeps no append-only file: after a crash it goes back to its last snapshot, where every " +
			"session that was logged out since is alive again (1,000 of 1,000 when tried); set appendonly yes")
	}
	return errors.Join(eviction, volatile)
}

// info returns one section of INFO.
func info(ctx context.Context, c redis.Cmdable, section string) (map[string]string, error) {
	text, err := c.Info(ctx, section).Result()
	if err != nil {
		return nil, failed("check", err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}
