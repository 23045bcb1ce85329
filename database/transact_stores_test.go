package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun/dialect"

	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/tokenstores"
)

// change is what a call does, and how one sees that it was done.
type change struct {
	do   func(ctx context.Context, w *world) error
	done func(t *testing.T, ctx context.Context, w *world) bool
}

func two[R any](_ R, err error) error { return err }

func hasSession(key string, want bool) func(*testing.T, context.Context, *world) bool {
	return func(t *testing.T, ctx context.Context, w *world) bool { return (w.session(t, ctx, key) != nil) == want }
}

func hasToken(id string, want bool) func(*testing.T, context.Context, *world) bool {
	return func(t *testing.T, ctx context.Context, w *world) bool { return (w.token(t, ctx, id) != nil) == want }
}

var changes = map[string]change{
	"sessionstores Insert": {func(ctx context.Context, w *world) error { return w.sessions.Insert(ctx, "b", "", session()) }, hasSession("b", true)},
	"sessionstores Insert instead of another": {func(ctx context.Context, w *world) error { return w.joinedSessions.Insert(ctx, "b", "a", session()) },
		hasSession("a", false)},
	"sessionstores Update": {func(ctx context.Context, w *world) error {
		r := session()
		r.Seen = start.Add(time.Minute)
		return w.sessions.Update(ctx, "a", r)
	}, func(t *testing.T, ctx context.Context, w *world) bool { return w.session(t, ctx, "a").Version == 2 }},
	"sessionstores Touch": {func(ctx context.Context, w *world) error {
		return w.sessions.Touch(ctx, "a", start.Add(time.Minute), start.Add(time.Hour))
	}, func(t *testing.T, ctx context.Context, w *world) bool {
		return w.session(t, ctx, "a").Seen.After(start)
	}},
	"sessionstores Delete": {func(ctx context.Context, w *world) error { return w.sessions.Delete(ctx, "a") }, hasSession("a", false)},
	"sessionstores DeleteSessions": {func(ctx context.Context, w *world) error {
		return two(w.sessions.DeleteSessions(ctx, "session", "7", ""))
	},
		hasSession("a", false)},
	"sessionstores PruneSessions": {func(ctx context.Context, w *world) error {
		return two(w.sessions.PruneSessions(ctx, start.AddDate(1, 0, 0), 9))
	},
		hasSession("a", false)},
	"tokenstores Insert": {func(ctx context.Context, w *world) error { return w.tokens.Insert(ctx, token("b")) }, hasToken("b", true)},
	"tokenstores Touch": {func(ctx context.Context, w *world) error {
		return w.tokens.Touch(ctx, "api", "a", "hash of a", start.Add(time.Minute), "")
	}, func(t *testing.T, ctx context.Context, w *world) bool {
		return w.token(t, ctx, "a").LastUsed.After(start)
	}},
	"tokenstores Renew": {func(ctx context.Context, w *world) error {
		return w.tokens.Renew(ctx, "api", "a", "hash of a", tokenstores.Renewal{Hash: "another", Used: start})
	}, func(t *testing.T, ctx context.Context, w *world) bool { return w.token(t, ctx, "a").Hash == "another" }},
	"tokenstores Rotate": {func(ctx context.Context, w *world) error {
		return w.joinedTokens.Rotate(ctx, "api", "a", "hash of a", start.Add(time.Second), token("b"))
	}, hasToken("b", true)},
	"tokenstores Rotate, the one before": {func(ctx context.Context, w *world) error {
		return w.tokens.Rotate(ctx, "api", "a", "hash of a", start.Add(time.Second), token("b"))
	}, func(t *testing.T, ctx context.Context, w *world) bool { return w.token(t, ctx, "a").Successor == "b" }},
	"tokenstores Delete":     {func(ctx context.Context, w *world) error { return two(w.tokens.Delete(ctx, "api", "a", "7")) }, hasToken("a", false)},
	"tokenstores DeleteAll":  {func(ctx context.Context, w *world) error { return two(w.tokens.DeleteAll(ctx, "api", "7", "")) }, hasToken("a", false)},
	"tokenstores DeleteType": {func(ctx context.Context, w *world) error { return two(w.tokens.DeleteType(ctx, "api")) }, hasToken("a", false)},
	"tokenstores Prune": {func(ctx context.Context, w *world) error { return two(w.tokens.Prune(ctx, start.AddDate(1, 0, 0), 9)) },
		hasToken("a", false)},
	"denylist Deny": {func(ctx context.Context, w *world) error {
		return w.denials.Deny(ctx, tokenstores.Denial{Key: "b", Mark: "2", Until: start})
	}, func(t *testing.T, ctx context.Context, w *world) bool { return w.mark(t, ctx, "b") == "2" }},
	"denylist Prune": {func(ctx context.Context, w *world) error { return two(w.denials.Prune(ctx, start.AddDate(1, 0, 0), 9)) },
		func(t *testing.T, ctx context.Context, w *world) bool { return w.mark(t, ctx, "a") == "" }},
	"serializer SetHash": {func(ctx context.Context, w *world) error { return w.users.SetHash(ctx, &person{ID: "7"}, "new") },
		func(t *testing.T, ctx context.Context, w *world) bool { return w.hash(t, ctx) == "new" }},
	"serializer ReplaceHash": {func(ctx context.Context, w *world) error {
		return w.users.ReplaceHash(ctx, &person{ID: "7"}, "old", "new")
	},
		func(t *testing.T, ctx context.Context, w *world) bool { return w.hash(t, ctx) == "new" }},
	"the application's own statement": {func(ctx context.Context, w *world) error {
		return two(database.Tx(ctx, w.db).NewUpdate().Model((*person)(nil)).Set("name = 'Mr Underhill'").Where("id = '7'").Exec(ctx))
	}, func(t *testing.T, ctx context.Context, w *world) bool { return w.name(t, ctx) == "Mr Underhill" }},
}

func TestEveryCallOfAStoreIsSeenInsideAndNotOutsideAndEndsWithTheWhole(t *testing.T) {
	onEachWorld(t, func(t *testing.T, w *world) {
		for name, c := range changes {
			for end, want := range map[string]error{"commit": nil, "rollback": errMordor} {
				t.Run(name+", "+end, func(t *testing.T) {
					w.reset(t)
					require.ErrorIs(t, database.Transact(within(t), w.db, func(ctx context.Context) error {
						assert.False(t, c.done(t, ctx, w), "before")
						require.NoError(t, c.do(ctx, w))
						assert.True(t, c.done(t, ctx, w), "inside")
						if !w.inMemory() {
							assert.False(t, c.done(t, t.Context(), w), "outside")
						}
						return want
					}), want)
					assert.Equal(t, want == nil, c.done(t, t.Context(), w), "after")
				})
			}
		}
	})
}

func TestAllCallsTogetherAreDoneOrUndoneTogether(t *testing.T) {
	order := []string{"serializer SetHash", "the application's own statement", "sessionstores Insert", "tokenstores Insert", "denylist Deny",
		"tokenstores Renew", "sessionstores Delete"}
	seen := []string{"sessionstores Insert", "tokenstores Insert", "denylist Deny", "tokenstores Renew", "sessionstores Delete"}
	onEachWorld(t, func(t *testing.T, w *world) {
		for _, failing := range append(order, "") { // each in turn finds its work undone
			w.reset(t)
			err := database.Transact(within(t), w.db, func(ctx context.Context) error {
				for _, name := range order {
					require.NoError(t, changes[name].do(ctx, w), name)
					if name == failing {
						return errMordor
					}
				}
				return nil
			})
			assert.Equal(t, failing != "", errors.Is(err, errMordor))
			for _, name := range seen {
				assert.Equal(t, failing == "", changes[name].done(t, t.Context(), w), "%s, failing at %q", name, failing)
			}
		}
	})
}

// TestACallOfSeveralStatementsThatFailsLeavesNothingOfItself: the application may go on after an error that it expects.
func TestACallOfSeveralStatementsThatFailsLeavesNothingOfItself(t *testing.T) {
	onEachWorld(t, func(t *testing.T, w *world) {
		w.reset(t)
		other := token("taken")
		other.Subject = "8"
		foreign := session()
		foreign.Subject = "8"
		require.NoError(t, errors.Join(w.tokens.Insert(t.Context(), other), w.sessions.Insert(t.Context(), "taken", "", foreign)))
		require.NoError(t, database.Transact(within(t), w.db, func(ctx context.Context) error {
			require.Error(t, w.tokens.Rotate(ctx, "api", "a", "hash of a", start.Add(time.Second), token("taken")))
			require.Error(t, w.sessions.Insert(ctx, "taken", "a", session()))
			require.ErrorIs(t, w.tokens.Rotate(ctx, "api", "a", "forged", start, token("b")), tokenstores.ErrTokenGone)
			return w.tokens.Touch(ctx, "api", "a", "hash of a", start.Add(time.Minute), "")
		}))
		a := w.token(t, t.Context(), "a")
		assert.Empty(t, a.Successor, "not rotated")
		assert.Equal(t, start.Add(time.Minute), a.LastUsed, "the rest is committed")
		assert.NotNil(t, w.session(t, t.Context(), "a"))
	})
}

func TestATransactionOfOneDatabaseIsNotThatOfStoresInAnother(t *testing.T) {
	onEachWorld(t, func(t *testing.T, shire *world) {
		gondor := newWorld(t, newFile(t))
		for name, c := range changes {
			shire.reset(t)
			gondor.reset(t)
			require.ErrorIs(t, database.Transact(within(t), shire.db, func(ctx context.Context) error {
				require.NoError(t, c.do(ctx, gondor), name)
				assert.True(t, c.done(t, t.Context(), gondor), name)
				assert.False(t, c.done(t, ctx, shire), name)
				return errMordor
			}), errMordor)
			assert.True(t, c.done(t, t.Context(), gondor), name)
			assert.False(t, c.done(t, t.Context(), shire), name)
		}
		nothingIsLeft(t, gondor.db)
	})
}

func TestStoresUseTheDatabaseWhenTheTransactionOfTheContextIsOver(t *testing.T) {
	onEachWorld(t, func(t *testing.T, w *world) {
		for name, c := range changes {
			w.reset(t)
			var late context.Context
			require.NoError(t, database.Transact(within(t), w.db, func(ctx context.Context) error { late = ctx; return nil }))
			late = context.WithoutCancel(late)
			require.NoError(t, c.do(late, w), name)
			assert.True(t, c.done(t, late, w), name)
			assert.True(t, c.done(t, t.Context(), w), name)
		}
	})
}

// number is a user whose column has another type than the model says.
type number struct {
	ID string `bun:",pk"`
}

// TestUsersWhoCannotBeJoinedDoNotSpoilATransaction: Postgres fails the first query that joins them, and with it all that follows.
func TestUsersWhoCannotBeJoinedDoNotSpoilATransaction(t *testing.T) {
	onEachWorld(t, func(t *testing.T, w *world) {
		exec(t, w.db, "CREATE TABLE numbers (id INTEGER PRIMARY KEY)")
		users := serializer.NewTable[number](w.db, serializer.TableOptions{})
		w.reset(t)
		finds := map[string]func(ctx context.Context) (joined bool, err error){
			"sessions": func(ctx context.Context) (bool, error) {
				r, err := w.sessions.JoinUsers(users).Find(ctx, "a")
				return r != nil && r.Joined, err
			},
			"tokens": func(ctx context.Context) (bool, error) {
				found, err := w.tokens.JoinUsers(users).Find(ctx, "api", "a")
				return found != nil && found.Joined, err
			},
		}
		for name, find := range finds {
			require.NoError(t, database.Transact(within(t), w.db, func(ctx context.Context) error {
				require.NoError(t, changes["denylist Deny"].do(ctx, w))
				joined, err := find(ctx)
				require.NoError(t, err, name)
				assert.Equal(t, w.db.Dialect().Name() != dialect.PG, joined, name)
				return err
			}))
			assert.True(t, changes["denylist Deny"].done(t, t.Context(), w))
		}
	})
}
