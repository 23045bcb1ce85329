package serializer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/tokenstores"
)

// stamped is a model with a stamp, and with a field for the hash, which must stay empty.
type stamped struct {
	bun.BaseModel `bun:"table:users"`

	ID            int64 `bun:",pk,autoincrement"`
	Username      string
	Email         string
	PasswordHash  *string
	PasswordStamp string `bun:",scanonly"`
}

const (
	otherHash = "$2a$12$OtherOtherOtherOtherOtherOtherOtherOtherOtherOtherOther"

	// stampOfHash is fixed: whoever changes how it is made logs everybody out.
	stampOfHash  = "Wfd4Fr4hY8VlB_bgoCJRz-jUwo2maMAowVhwyr8zVgE"
	stampOfNone  = "VAEPO2iQNI13yI9QeqPMt-rigq7ngCigh9Tja8SE9lk"
	stampPattern = `^[A-Za-z0-9_-]{43}$`
)

var day = time.Date(3018, 9, 23, 0, 0, 0, 0, time.UTC)

// shire has frodo, with the hash, and sam, who has none.
func shire(t testing.TB, db *bun.DB) *serializer.Table[stamped] {
	t.Helper()
	secret := hash
	create(t, db, &stamped{Username: "frodo", Email: "frodo@shire.example", PasswordHash: &secret}, &stamped{Username: "sam"})
	return serializer.NewTable[stamped](db, serializer.TableOptions{Stamp: "PasswordStamp"})
}

// joined are the users that come with a session and with a token.
func joined(t testing.TB, db *bun.DB, users app.Serializer) map[string]func(subject string) (any, error) {
	t.Helper()
	require.NoError(t, sessionstores.Migrate(t.Context(), db))
	require.NoError(t, tokenstores.Migrate(t.Context(), db))
	sessions, tokens := sessionstores.NewBun(db), tokenstores.NewBun(db)
	for _, subject := range []string{"1", "2"} {
		require.NoError(t, sessions.Insert(t.Context(), "s"+subject, "", &app.SessionRecord{
			Kind: "session", Subject: subject, Created: day, LoggedIn: day, Seen: day, IdleUntil: day.AddDate(0, 0, 1), Until: day.AddDate(0, 0, 1),
		}))
		require.NoError(t, tokens.Insert(t.Context(), &tokenstores.Token{ID: "t" + subject, Type: "api", Subject: subject, Hash: "h", Created: day}))
	}
	withSessions, withTokens := sessions.JoinUsers(users), tokens.JoinUsers(users)
	return map[string]func(subject string) (any, error){
		"with a session": func(subject string) (any, error) {
			r, err := withSessions.Find(t.Context(), "s"+subject)
			if err == nil && !r.Joined {
				err = errors.New("not joined")
			}
			if err != nil {
				return nil, err
			}
			return r.User, nil
		},
		"with a token": func(subject string) (any, error) {
			r, err := withTokens.Find(t.Context(), "api", "t"+subject)
			if err == nil && !r.Joined {
				err = errors.New("not joined")
			}
			if err != nil {
				return nil, err
			}
			return r.User, nil
		},
	}
}

func TestEachUserIsLoadedWithAStampByOneQuery(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		users := shire(t, db)
		loads := joined(t, db, users)
		names := map[string]string{"1": "frodo", "2": "sam"}
		loads["by id"] = func(id string) (any, error) { return users.ByID(t.Context(), id) }
		loads["of a subject"] = func(id string) (any, error) { return users.Deserialize(t.Context(), id) }
		loads["by name"] = func(id string) (any, error) { return users.ByName(t.Context(), names[id]) }
		loads["by name with the hash"] = func(id string) (any, error) {
			u, secret, err := users.ByNameWithHash(t.Context(), names[id])
			assert.Equal(t, map[string]string{"1": hash, "2": ""}[id], secret)
			return u, err
		}
		for _, load := range loads { // what is prepared once, and tried once
			_, err := load("1")
			require.NoError(t, err)
		}
		for name, load := range loads {
			t.Run(name, func(t *testing.T) {
				for id, want := range map[string]*stamped{
					"1": {ID: 1, Username: "frodo", Email: "frodo@shire.example", PasswordStamp: stampOfHash},
					"2": {ID: 2, Username: "sam", PasswordStamp: stampOfNone},
				} {
					trace.Reset()
					got, err := load(id)
					require.NoError(t, err)
					assert.Equal(t, sqltrace.Counts{Queries: 1}, trace.Counts())
					assert.Equal(t, 1, strings.Count(trace.Calls()[0].Text, "password_hash"))
					assert.NotContains(t, trace.Calls()[0].Text, "password_stamp", "it is in no table")
					assert.Equal(t, want, got)
					text, err := json.Marshal(got)
					require.NoError(t, err)
					for _, printed := range []string{fmt.Sprintf("%+v", got), fmt.Sprintf("%#v", got), string(text)} {
						assert.NotContains(t, printed, hash)
					}
				}
			})
		}
	})
}

func TestAStampChangesWithTheHashAlone(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		users := shire(t, db)
		loads := joined(t, db, users)
		loads["alone"] = func(id string) (any, error) { return users.ByID(t.Context(), id) }
		now := func() string {
			t.Helper()
			stamps := map[string]bool{}
			stamp := ""
			for _, load := range loads {
				u, err := load("1")
				require.NoError(t, err)
				stamp = u.(*stamped).PasswordStamp
				stamps[stamp] = true
			}
			assert.Len(t, stamps, 1, "however a user is loaded it is the same")
			assert.Regexp(t, stampPattern, stamp)
			return stamp
		}
		first := now()
		exec(t, db, "UPDATE users SET username = 'mr underhill', email = 'x' WHERE id = 1")
		assert.Equal(t, first, now())
		exec(t, db, "UPDATE users SET password_hash = ? WHERE id = 1", otherHash)
		second := now()
		assert.NotEqual(t, first, second)
		exec(t, db, "UPDATE users SET password_hash = ? WHERE id = 1", strings.ToUpper(otherHash))
		assert.NotContains(t, []string{first, second}, now())
		exec(t, db, "UPDATE users SET password_hash = NULL WHERE id = 1")
		assert.Equal(t, stampOfNone, now())
		exec(t, db, "UPDATE users SET password_hash = '' WHERE id = 1")
		assert.Equal(t, stampOfNone, now(), "no password either")
		exec(t, db, "UPDATE users SET password_hash = ? WHERE id = 1", hash)
		assert.Equal(t, first, now())
	})
}

func TestWhoIsGoneHasNoStamp(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		loads := joined(t, db, shire(t, db))
		exec(t, db, "DELETE FROM users WHERE id = 1")
		for name, load := range loads {
			u, err := load("1")
			require.NoError(t, err, name)
			assert.Nil(t, u, name)
		}
	})
}

func TestAHashThatIsNoTextIsAFault(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		exec(t, db, "CREATE TABLE users (id bigint PRIMARY KEY, username text, email text, password_hash bigint)")
		exec(t, db, "INSERT INTO users (id, username, email, password_hash) VALUES (1, 'frodo', '', 42)")
		users := serializer.NewTable[stamped](db, serializer.TableOptions{Stamp: "PasswordStamp"})
		loads := joined(t, db, users)
		loads["alone"] = func(id string) (any, error) { return users.ByID(t.Context(), id) }
		for name, load := range loads {
			u, err := load("1")
			require.ErrorContains(t, err, `the column "password_hash" holds no text`, name)
			assert.NotContains(t, err.Error(), "42", name)
			assert.Nil(t, u, name)
		}
	})
}

func TestWhoStoresAHashHasItsStamp(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		users := shire(t, db)
		load := func() *stamped {
			t.Helper()
			u, err := users.ByID(t.Context(), "1")
			require.NoError(t, err)
			return u
		}
		t.Run("SetHash", func(t *testing.T) {
			u := load()
			trace.Reset()
			require.NoError(t, users.SetHash(t.Context(), u, otherHash))
			assert.Equal(t, sqltrace.Counts{Execs: 1}, trace.Counts())
			assert.NotEqual(t, stampOfHash, u.PasswordStamp)
			assert.Equal(t, load(), u)
			require.NoError(t, users.SetHash(t.Context(), *u, hash), "a value is as good, and keeps what it has")
			assert.Equal(t, stampOfHash, load().PasswordStamp)
		})
		t.Run("ReplaceHash in place of the old one", func(t *testing.T) {
			u := load()
			require.NoError(t, users.ReplaceHash(t.Context(), u, hash, otherHash))
			assert.Equal(t, load(), u)
			require.NoError(t, users.ReplaceHash(t.Context(), u, otherHash, hash))
			assert.Equal(t, stampOfHash, u.PasswordStamp)
		})
		t.Run("ReplaceHash that came too late", func(t *testing.T) {
			u := load()
			exec(t, db, "UPDATE users SET password_hash = ? WHERE id = 1", otherHash)
			require.NoError(t, users.ReplaceHash(t.Context(), u, hash, "better"))
			assert.Equal(t, stampOfHash, u.PasswordStamp, "who logged in with the old password is out")
			exec(t, db, "UPDATE users SET password_hash = ? WHERE id = 1", hash)
		})
		t.Run("a fault and a user who is gone", func(t *testing.T) {
			u, gone := load(), &stamped{ID: 99, PasswordStamp: "before"}
			require.Error(t, users.SetHash(t.Context(), gone, otherHash))
			assert.Equal(t, "before", gone.PasswordStamp)
			defer trace.Reset()
			trace.Fail(func(sqltrace.Call) error { return errors.New("the cable is cut") })
			require.Error(t, users.SetHash(t.Context(), u, otherHash))
			assert.Equal(t, stampOfHash, u.PasswordStamp)
		})
		t.Run("a transaction that does not last", func(t *testing.T) {
			u := load()
			err := database.Transact(t.Context(), db, func(ctx context.Context) error {
				require.NoError(t, users.SetHash(ctx, u, otherHash))
				assert.NotEqual(t, stampOfHash, u.PasswordStamp)
				return errors.New("no")
			})
			require.EqualError(t, err, "no")
			assert.Equal(t, load(), u)
		})
	})
}

func TestBunIsNotAskedForStamps(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB, _ *sqltrace.Trace) {
		users := shire(t, db) // makes the table by the model, and inserts
		ctx := t.Context()
		pippin := &stamped{Username: "pippin", PasswordStamp: "not to be stored"}
		_, err := db.NewInsert().Model(pippin).Returning("*").Exec(ctx)
		require.NoError(t, err)
		loaded, err := users.ByName(ctx, "pippin")
		require.NoError(t, err)
		_, err = db.NewUpdate().Model(loaded).Set("email = ?", "pippin@shire.example").WherePK().Exec(ctx)
		require.NoError(t, err)
		loaded.Email = "peregrin@shire.example"
		_, err = db.NewUpdate().Model(loaded).ExcludeColumn("password_hash").WherePK().Exec(ctx)
		require.NoError(t, err)
		_, err = db.NewUpdate().Model(loaded).Column("email", "password_hash").WherePK().Exec(ctx)
		require.NoError(t, err)

		var all []stamped
		require.NoError(t, db.NewSelect().Model(&all).Order("id").Scan(ctx))
		require.Len(t, all, 3)
		assert.Equal(t, hash, *all[0].PasswordHash, "the application's own query has what it asks for")
		for _, u := range all {
			assert.Empty(t, u.PasswordStamp)
		}
		assert.Equal(t, "peregrin@shire.example", all[2].Email)
		n, err := db.NewSelect().Model((*stamped)(nil)).Where("username = ?", "pippin").Count(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, 1, n)
		_, err = db.NewDelete().Model(loaded).WherePK().Exec(ctx)
		require.NoError(t, err)
	})
}
