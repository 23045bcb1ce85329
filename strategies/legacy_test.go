package strategies_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/strategies"
)

// moving is when the people move: some seconds after the rows were written.
var moving = time.Date(2026, 11, 22, 8, 18, 0, 0, time.UTC)

var (
	newYork  = time.FixedZone("EST", -5*3600)
	helsinki = time.FixedZone("EET", 2*3600)
)

// A legacySystem is how its tokens are opened, and what they are worth.
type legacySystem struct {
	table  string
	open   func(db strategies.LegacyDatabase, clock func() time.Time) strategies.LegacyTokens
	other  func(db strategies.LegacyDatabase, clock func() time.Time) strategies.LegacyTokens // another type in the same table
	tokens map[string][]legacyWorth                                                           // by the database
	others map[string]legacyWorth                                                             // of the other type
}

type legacyWorth struct {
	text string
	want strategies.LegacyToken
}

func worth(text, name string, scopes []string, expires string) legacyWorth {
	var end time.Time
	if expires != "" {
		end, _ = time.Parse(time.RFC3339Nano, expires)
	}
	return legacyWorth{text, strategies.LegacyToken{Subject: "7", Name: name, Scopes: scopes, Expires: end}}
}

var legacySystems = map[string]legacySystem{
	"adonis": {
		table: "api_tokens",
		open: func(db strategies.LegacyDatabase, clock func() time.Time) strategies.LegacyTokens {
			return strategies.NewAdonisTokens(db, strategies.AdonisOptions{Scopes: []string{"*"}, Zone: newYork, Clock: clock})
		},
		other: func(db strategies.LegacyDatabase, clock func() time.Time) strategies.LegacyTokens {
			return strategies.NewAdonisTokens(db, strategies.AdonisOptions{Type: "api", Zone: newYork, Clock: clock})
		},
		tokens: map[string][]legacyWorth{
			"SQLite": {
				worth("MQ.0jiog21H8V5WaBaemVOcjMlJhdReBx2VN3zwYbFGsPaggxid6qSJhOiJknaY", "Opaque Access Token", []string{"*"}, ""),
				worth("Mg.cXmPWMqFPY-IsAkeKxp0NKtQUwoLG7VdRZKAa0VMZyn_VkuIuqMOmSTMlaRb", "Palantír of Orthanc", []string{"*"}, "2026-12-22T08:17:24Z"),
			},
			"Postgres": {
				worth("MQ.KGzfI_gLfVIX_Gp8vE380cl3L578smBEQTUqL0jD1ar1BOQGGvOrkUaGhCba", "Opaque Access Token", []string{"*"}, ""),
				worth("Mg.2baWRhgXsllKEEB2nvfkJiPOw2_HlrTy07uGkAscb5dsPRj7GxJYlNzxmGWK", "Palantír of Orthanc", []string{"*"}, "2026-12-22T08:17:24.392Z"),
			},
		},
		others: map[string]legacyWorth{
			"SQLite":   worth("Mw.4Q1K8zeHrbqyfwCxvC2xW0UA9466AuyTRqfpUACXMrtJWfB-pZBSurQpI0AY", "phone", nil, "2026-11-22T09:17:24Z"),
			"Postgres": worth("Mw.twoY9RcslnjNyfQmRBht01FoAbgC4U3xy9DxFJL2jzq35SdH3hciAgnOkkif", "phone", nil, "2026-11-22T09:17:24.394Z"),
		},
	},
	"adonis access": {
		table: "auth_access_tokens",
		open: func(db strategies.LegacyDatabase, clock func() time.Time) strategies.LegacyTokens {
			return strategies.NewAdonisAccessTokens(db, strategies.AdonisAccessOptions{Clock: clock})
		},
		other: func(db strategies.LegacyDatabase, clock func() time.Time) strategies.LegacyTokens {
			return strategies.NewAdonisAccessTokens(db, strategies.AdonisAccessOptions{Type: "app", Prefix: "shire-", Clock: clock})
		},
		tokens: map[string][]legacyWorth{
			"SQLite": {
				worth("oat_MQ.X0pCbDhWU2Fnam50bU9XLXF6ODdaT0M2VmVONm9oa1ppZzVBV1pYZDM0NTI2ODE3NTI", "", []string{"*"}, ""),
				worth("oat_Mg.Q3kzTTBCWWFKZ1Vmd3RydnVTaWNZM0k2LURaYjZudmZtLXhIV1NsZzEwNzYxMjg1NDY", "Palantír of Orthanc", []string{"rings:read", "edit posts"}, "2026-12-22T08:17:50.018Z"),
			},
			"Postgres": {
				worth("oat_MQ.ZmN4eU1DQ041UGZIWUh6LWtMeHdibk1SbFBtb2NnWHFCZjJzX1c4ejUwNzE4MzYyOQ", "", []string{"*"}, ""),
				worth("oat_Mg.akNJRE1vQUlaZXhsS0R4bHV1eDFzaXl4UzVjVG5nbnJpdzFfQ29mRzIyMDU2NTQ2MTI", "Palantír of Orthanc", []string{"rings:read", "edit posts"}, "2026-12-22T08:17:50.645Z"),
			},
		},
		others: map[string]legacyWorth{
			"SQLite":   worth("shire-Mw.bXBjMmxqc1BDNkpKMjNMdWl6SVdqTWw4SkMxWmJScW0tQ2k3S0YydjE3OTQzMzQ4Nw", "app", []string{}, "2026-11-22T09:17:50.022Z"),
			"Postgres": worth("shire-Mw.R29LZDczMkdQN1Y3MHlqcHZsbzYtVnA3WU4xb1dacFh1NUtLSm1rMDc2NDA2NTkyOQ", "app", []string{}, "2026-11-22T09:17:50.652Z"),
		},
	},
	"sanctum": {
		table: "personal_access_tokens",
		open: func(db strategies.LegacyDatabase, clock func() time.Time) strategies.LegacyTokens {
			return strategies.NewSanctumTokens(db, strategies.SanctumOptions{Prefix: "shire_", Zone: helsinki, Clock: clock})
		},
		other: func(db strategies.LegacyDatabase, clock func() time.Time) strategies.LegacyTokens {
			return strategies.NewSanctumTokens(db, strategies.SanctumOptions{Type: `App\Models\Admin`, Clock: clock})
		},
		tokens: map[string][]legacyWorth{"SQLite": sanctumTokens, "Postgres": sanctumTokens},
		others: map[string]legacyWorth{"SQLite": sanctumAdmin, "Postgres": sanctumAdmin},
	},
	"api_guard": {
		table: "refresh_tokens",
		open: func(db strategies.LegacyDatabase, clock func() time.Time) strategies.LegacyTokens {
			return strategies.NewAPIGuardTokens(db, strategies.APIGuardOptions{Scopes: []string{"*"}, Clock: clock})
		},
		other: func(db strategies.LegacyDatabase, clock func() time.Time) strategies.LegacyTokens {
			return strategies.NewAPIGuardTokens(db, strategies.APIGuardOptions{Resource: "admin", Clock: clock})
		},
		tokens: map[string][]legacyWorth{"SQLite": apiGuardTokens, "Postgres": apiGuardTokens},
		others: map[string]legacyWorth{"SQLite": apiGuardAdmin, "Postgres": apiGuardAdmin},
	},
}

var (
	sanctumTokens = []legacyWorth{
		worth("1|rQI8cOHxwF9CQbS0IZNegtjhrbhZVKFozE6jsEt6213799c2", "Palantír of Orthanc", []string{"rings:read", "rings:write"}, "2026-12-22T08:17:24Z"),
		worth("2|1j3Xd2Ri4xm1vRZQnR7tEEsgAS281qYHOnOyzcJn04fc440d", "zero", []string{"posts:read", "rings:read"}, ""),
		worth("3|shire_6WFdeFkmae21jyShQmgInesBsu9ml9vNepshjd4Qfb08a2b5", "prefixed", []string{"*"}, ""),
		worth("4|Y4DM4NurNosRLbZfD5uBEimB5yYehziHWZEAVd7Q", "old", nil, ""),
		worth("E6NUma7dJb6kDk2GPCxdYjSRID2Nt5JEqsOEijJ6f9z2QnujhBv60ruT5UfL0rn9p30w7mdSV6O2OZSU", "first", []string{"*"}, ""),
	}
	sanctumAdmin   = worth("5|NZE1FMEEOKHEXkKAK2VWbKQObuqtxe5zeb2z4gPa", "admin", []string{"*"}, "")
	apiGuardTokens = []legacyWorth{
		worth("jZQK0jzIV2LeNR86bYCcEA", "", []string{"*"}, ""), // from before expire_at
		worth("OmI4RJgkBizSulmDVCL7EA", "", []string{"*"}, "2026-12-06T08:17:24.303123Z"),
	}
	apiGuardAdmin = worth("RoOiCM-Drclw1sa7ssp6SA", "", nil, "2026-12-06T08:17:24.303123Z")
)

// A migration is one system's table in one database.
type migration struct {
	legacySystem
	db       *bun.DB
	trace    *sqltrace.Trace
	clock    *apptest.Clock
	legacy   strategies.LegacyTokens
	name     string
	database string
}

// onEachSystem runs a test with each system's table in each database.
func onEachSystem(t *testing.T, test func(t *testing.T, m *migration)) {
	for database, address := range addresses {
		db, trace := sqltrace.Open(t, address(t))
		for name := range legacySystems {
			m := moved(t, db, trace, name, database)
			t.Run(name+" in "+database, func(t *testing.T) { test(t, m) })
		}
	}
}

// newMigration is one system's table in a database of its own.
func newMigration(t *testing.T, name, database string) *migration {
	t.Helper()
	db, trace := sqltrace.Open(t, addresses[database](t))
	return moved(t, db, trace, name, database)
}

// moved brings the table of a system into a database.
func moved(t *testing.T, db *bun.DB, trace *sqltrace.Trace, name, database string) *migration {
	t.Helper()
	m := &migration{legacySystem: legacySystems[name], db: db, trace: trace, clock: apptest.NewClock(moving), name: name, database: database}
	m.exec(t, legacyTables[name][database].create)
	m.exec(t, legacyTables[name][database].insert)
	m.legacy = m.open(m.db, m.clock.Now)
	m.trace.Reset()
	return m
}

func (m *migration) exec(t *testing.T, query string) {
	t.Helper()
	_, err := m.db.DB.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

func (m *migration) good() legacyWorth { return m.tokens[m.database][0] }

// expiring is a token that expires.
func (m *migration) expiring(t *testing.T) legacyWorth {
	t.Helper()
	for _, w := range m.tokens[m.database] {
		if !w.want.Expires.IsZero() {
			return w
		}
	}
	require.Fail(t, "none expires")
	return legacyWorth{}
}

func (m *migration) rows(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, m.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+m.table).Scan(&n))
	return n
}

func TestLegacyTokensAreFoundAndTakenOnce(t *testing.T) {
	onEachSystem(t, func(t *testing.T, m *migration) {
		for _, w := range m.tokens[m.database] {
			before := m.rows(t)
			for range 2 {
				found, err := m.legacy.Find(t.Context(), w.text)
				require.NoError(t, err)
				require.Equal(t, &w.want, found)
			}
			assert.Equal(t, before, m.rows(t), "finding removes nothing")
			taken, err := m.legacy.Take(t.Context(), w.text)
			require.NoError(t, err)
			require.Equal(t, &w.want, taken)
			assert.Equal(t, before-1, m.rows(t))
			for name, call := range m.calls() {
				again, err := call(t.Context(), w.text)
				require.NoError(t, err)
				assert.Nil(t, again, name)
			}
		}
		other := m.others[m.database]
		taken, err := m.legacySystem.other(m.db, m.clock.Now).Take(t.Context(), other.text)
		require.NoError(t, err, "which was nobody else's to take")
		require.Equal(t, &other.want, taken)
	})
}

func (m *migration) calls() map[string]func(context.Context, string) (*strategies.LegacyToken, error) {
	return map[string]func(context.Context, string) (*strategies.LegacyToken, error){"Find": m.legacy.Find, "Take": m.legacy.Take}
}

func TestLegacyTokensOfAnotherTypeAreUnknown(t *testing.T) {
	onEachSystem(t, func(t *testing.T, m *migration) {
		before := m.rows(t)
		for name, call := range m.calls() {
			got, err := call(t.Context(), m.others[m.database].text)
			require.NoError(t, err)
			assert.Nil(t, got, name)
		}
		got, err := m.legacySystem.other(m.db, m.clock.Now).Take(t.Context(), m.good().text)
		require.NoError(t, err)
		assert.Nil(t, got)
		assert.Equal(t, before, m.rows(t))
	})
}

func TestLegacyTokensExpire(t *testing.T) {
	onEachSystem(t, func(t *testing.T, m *migration) {
		w, before := m.expiring(t), m.rows(t)
		m.clock.Advance(w.want.Expires.Sub(moving))
		for name, call := range m.calls() {
			got, err := call(t.Context(), w.text)
			require.NoError(t, err)
			assert.Nil(t, got, "%s: at its end it is over", name)
		}
		assert.Equal(t, before, m.rows(t))
		m.clock.Advance(-time.Microsecond)
		got, err := m.legacy.Take(t.Context(), w.text)
		require.NoError(t, err)
		assert.Equal(t, &w.want, got, "a moment before it is not")
	})
}

func TestLegacyTokenIsTakenByOneOfManyCalls(t *testing.T) {
	onEachSystem(t, func(t *testing.T, m *migration) {
		before := m.rows(t)
		var won atomic.Int32
		atOnce(50, func() {
			got, err := m.legacy.Take(t.Context(), m.good().text)
			if assert.NoError(t, err) && got != nil {
				won.Add(1)
			}
		})
		assert.EqualValues(t, 1, won.Load())
		assert.Equal(t, before-1, m.rows(t))
	})
}

// The ids are sequential, so anybody can guess them: what was not verified removes nothing.
func TestForgedLegacyTokensChangeNothing(t *testing.T) {
	sum := func(seed string) string { return fmt.Sprint(crc32.ChecksumIEEE([]byte(seed))) }
	hex := func(seed string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(seed))) }
	encode := base64.RawURLEncoding.EncodeToString
	b, zeros := func(text string) string { return encode([]byte(text)) }, strings.Repeat("0", 100)
	forged := map[string]map[string]string{
		"adonis": {
			"a wrong secret": b("1") + "." + zeros[:60], "an unknown id": b("99") + "." + zeros[:60],
			"the largest id": b("9223372036854775807") + "." + zeros[:60],
		},
		"adonis access": {
			"a wrong secret": "oat_" + b("1") + "." + b(zeros[:40]+sum(zeros[:40])), "an unknown id": "oat_" + b("99") + "." + b(zeros[:40]+sum(zeros[:40])),
			"the largest id": "oat_" + b("9223372036854775807") + "." + b(zeros[:40]+sum(zeros[:40])),
		},
		"sanctum": {
			"a wrong secret": "1|" + zeros[:40] + hex(zeros[:40]), "a wrong old secret": "1|" + zeros[:40], "a wrong prefixed secret": "3|shire_" + zeros[:40] + hex(zeros[:40]),
			"an unknown id": "99|" + zeros[:40], "the largest id": "9223372036854775807|" + zeros[:40], "a wrong secret alone": zeros[:80],
			"another's secret": "2|rQI8cOHxwF9CQbS0IZNegtjhrbhZVKFozE6jsEt6213799c2", "no prefix": "3|6WFdeFkmae21jyShQmgInesBsu9ml9vNepshjd4Qfb08a2b5",
		},
		"api_guard": {"a wrong token": zeros[:22], "another case": strings.ToLower("jZQK0jzIV2LeNR86bYCcEA")},
	}
	onEachSystem(t, func(t *testing.T, m *migration) {
		for what, text := range forged[m.name] {
			t.Run(what, func(t *testing.T) { assertNothing(t, m, text, 1) })
		}
	})
}

// assertNothing asserts that a text is worth nothing, removes nothing, and costs so many
// queries.
func assertNothing(t *testing.T, m *migration, text string, queries int) {
	t.Helper()
	before := m.rows(t)
	for name, call := range m.calls() {
		m.trace.Reset()
		got, err := call(t.Context(), text)
		require.NoError(t, err, name)
		assert.Nil(t, got, name)
		calls := m.trace.Calls()
		assert.Len(t, calls, queries, name)
		for _, c := range calls {
			assert.True(t, strings.HasPrefix(c.Text, "SELECT "), c.Text)
		}
	}
	assert.Equal(t, before, m.rows(t))
}

func TestHostileLegacyTextsCostNoQuery(t *testing.T) {
	onEachSystem(t, func(t *testing.T, m *migration) {
		good := m.good().text
		middle := len(good) / 2
		texts := []string{
			"", "|", ".", "oat_", "oat_.", "1|", "|1", "MQ.", ".MQ", "\x00", "\xff\xfe", "' OR '1'='1", strings.Repeat("a", 1<<20),
			good + "\x00", good + "\n", " " + good, good + good, good[:middle], good[:middle] + "\x00" + good[middle+1:], good[:middle] + "\xff" + good[middle+1:],
			good[:middle] + "é" + good[middle+2:], good[:middle] + "\n" + good[middle:], good[:len(good)-1] + "=", good[:len(good)-1] + "'", good + "?",
		}
		for i, text := range texts {
			t.Run(fmt.Sprint(i), func(t *testing.T) { assertNothing(t, m, text, 0) })
		}
	})
	encode := base64.RawURLEncoding.EncodeToString
	b, secret := func(text string) string { return encode([]byte(text)) }, strings.Repeat("0", 40)
	sum := fmt.Sprint(crc32.ChecksumIEEE([]byte(secret)))
	ids := []string{"0", "-1", "01", "+1", "1.0", "1 ", "１", "9223372036854775808", "99999999999999999999999", "1 OR 1=1", "0x1", "1e3", "NaN", "x"}
	texts := map[string][]string{
		"adonis":        {"TQ.0jiog21H8V5WaBaemVOcjMlJhdReBx2VN3zwYbFGsPaggxid6qSJhOiJknaY.", "MR." + secret + secret[:20], "MQ==." + secret + secret[:20], "MQ\n." + secret + secret[:20]},
		"adonis access": {"oat_MQ." + b(secret), "oat_MQ." + b(secret+"1"), "oat_MQ." + b(secret+"0"+sum), "OAT_MQ." + b(secret+sum), "oat_MQ." + b(secret+sum) + "\n", "oat_MQ." + b("\xff"+sum), "oat_MR." + b(secret+sum)},
		"sanctum":       {"1|" + secret + "00000000", "1|SHIRE_" + secret, "1|shire_shire_" + secret, "1||" + secret, "1|" + secret + "|", "1|1|" + secret},
		"api_guard":     {"jZQK0jzIV2LeNR86bYCcE", "jZQK0jzIV2LeNR86bYCcEA=", "jZQK0jzIV2LeNR86bYCc+A", "jZQK0jzIV2LeNR86bYCc/A"},
	}
	for _, id := range ids {
		texts["adonis"] = append(texts["adonis"], b(id)+"."+secret+secret[:20])
		texts["adonis access"] = append(texts["adonis access"], "oat_"+b(id)+"."+b(secret+sum))
		texts["sanctum"] = append(texts["sanctum"], id+"|"+secret)
	}
	for name, list := range texts {
		m := newMigration(t, name, "SQLite")
		for _, text := range list {
			t.Run(fmt.Sprintf("%s %q", name, text), func(t *testing.T) { assertNothing(t, m, text, 0) })
		}
	}
}

// Taking is one query that verifies and one statement that removes.
func TestLegacyTakeIsOneStatementThatRemoves(t *testing.T) {
	onEachSystem(t, func(t *testing.T, m *migration) {
		m.trace.Reset()
		_, err := m.legacy.Take(t.Context(), m.good().text)
		require.NoError(t, err)
		calls := m.trace.Calls()
		require.Len(t, calls, 2)
		assert.True(t, strings.HasPrefix(calls[0].Text, "SELECT "))
		assert.True(t, strings.HasPrefix(calls[1].Text, "DELETE FROM "))
		assert.Contains(t, calls[1].Text, " AND ")
		assert.Contains(t, calls[1].Text, " RETURNING ")
		if m.table != "refresh_tokens" {
			assert.NotContains(t, fmt.Sprint(calls), m.good().text[10:30], "the secret is not sent")
		}
	})
}

// What was verified is removed only while it is still that.
func TestLegacyTokenThatChangesMeanwhileIsNotTaken(t *testing.T) {
	changes := map[string][]string{
		"api_tokens":             {"UPDATE api_tokens SET token = id", "UPDATE api_tokens SET type = 'other'"},
		"auth_access_tokens":     {"UPDATE auth_access_tokens SET hash = id", "UPDATE auth_access_tokens SET type = 'other'"},
		"personal_access_tokens": {"UPDATE personal_access_tokens SET token = id", "UPDATE personal_access_tokens SET tokenable_type = 'other'"},
		"refresh_tokens":         {"UPDATE refresh_tokens SET token = id"},
	}
	onEachSystem(t, func(t *testing.T, m *migration) {
		before := m.rows(t)
		for _, change := range changes[m.table] {
			db := &meddler{DB: m.db, meddle: func() { m.exec(t, change) }}
			got, err := m.open(db, m.clock.Now).Take(t.Context(), m.good().text)
			require.NoError(t, err)
			assert.Nil(t, got, change)
			assert.True(t, db.done)
			assert.Equal(t, before, m.rows(t), change)
			m.exec(t, "DELETE FROM "+m.table)
			m.exec(t, legacyTables[m.name][m.database].insert)
		}
	})
}

func TestLegacyTokensOfASubjectAreRevoked(t *testing.T) {
	onEachSystem(t, func(t *testing.T, m *migration) {
		for _, nobody := range []string{"", "8", "70", "7\x00", "7\xff", strings.Repeat("7", 256)} {
			n, err := m.legacy.RevokeAll(t.Context(), nobody)
			require.NoError(t, err)
			assert.Zero(t, n, nobody)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		n, err := m.legacy.RevokeAll(ended, "7")
		require.NoError(t, err, "though the client hangs up")
		assert.Equal(t, len(m.tokens[m.database]), n)
		for _, w := range m.tokens[m.database] {
			got, err := m.legacy.Take(t.Context(), w.text)
			require.NoError(t, err)
			assert.Nil(t, got)
		}
		got, err := m.legacySystem.other(m.db, m.clock.Now).Find(t.Context(), m.others[m.database].text)
		require.NoError(t, err)
		assert.NotNil(t, got, "those of another type stay")
		m.trace.Reset()
		m.trace.FailCall(1, errors.New("the disk burns"))
		_, err = m.legacy.RevokeAll(t.Context(), "7")
		assertAway(t, err)
		m.trace.Reset()
	})
}

// A meddler does something before what was verified is removed.
type meddler struct {
	*bun.DB
	meddle func()
	done   bool
}

func (m *meddler) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if strings.HasPrefix(query, "DELETE") {
		m.meddle()
		m.done = true
	}
	return m.DB.QueryContext(ctx, query, args...)
}

func TestLegacyFaultsAreErrors(t *testing.T) {
	fault := errors.New("the disk burns")
	onEachSystem(t, func(t *testing.T, m *migration) {
		before := m.rows(t)
		for n := 1; n <= 2; n++ {
			m.trace.Reset()
			m.trace.FailCall(n, fault)
			_, err := m.legacy.Take(t.Context(), m.good().text)
			require.ErrorIs(t, err, fault)
			assertAway(t, err)
			assert.NotContains(t, fmt.Sprintf("%+v", err), m.good().text[10:])
			assert.NotContains(t, fmt.Sprintf("%+v", err), "SELECT")
		}
		m.trace.Reset()
		assert.Equal(t, before, m.rows(t))
		m.trace.Reset()
		m.trace.FailCall(2, passingFault{})
		got, err := m.legacy.Take(t.Context(), m.good().text)
		require.NoError(t, err, "a fault that passes is waited for")
		assert.Equal(t, &m.tokens[m.database][0].want, got)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for name, call := range m.calls() {
			for _, text := range []string{"garbage", m.expiring(t).text} {
				_, err = call(ended, text)
				assert.ErrorIs(t, err, context.Canceled, name)
			}
		}
	})
}

// passingFault is a serialization failure, as Postgres says it.
type passingFault struct{}

func (passingFault) Error() string    { return "could not serialize access" }
func (passingFault) SQLState() string { return "40001" }

func TestLegacyRowsThatCannotBeRead(t *testing.T) {
	for what, change := range map[string]string{
		"an end that is no time":    "UPDATE personal_access_tokens SET expires_at = 'tomorrow' WHERE id = 1",
		"an end with a word":        "UPDATE personal_access_tokens SET expires_at = '2026-12-22 10:17:24 Elvish' WHERE id = 1",
		"a day that is none":        "UPDATE personal_access_tokens SET expires_at = '2026-02-30 10:17:24' WHERE id = 1",
		"an empty end":              "UPDATE personal_access_tokens SET expires_at = '' WHERE id = 1",
		"abilities that are a word": "UPDATE personal_access_tokens SET abilities = 'all' WHERE id = 1",
		"abilities that are bytes":  "UPDATE personal_access_tokens SET abilities = x'ff' WHERE id = 1",
		"abilities that are deeper": "UPDATE personal_access_tokens SET abilities = '[[\"*\"]]' WHERE id = 1",
	} {
		t.Run(what, func(t *testing.T) {
			m := newMigration(t, "sanctum", "SQLite")
			m.exec(t, change)
			before := m.rows(t)
			for name, call := range m.calls() {
				got, err := call(t.Context(), m.good().text)
				require.Error(t, err, name)
				assert.Nil(t, got)
			}
			assert.Equal(t, before, m.rows(t), "it stays to be mended")
		})
	}
	for what, change := range map[string]string{
		"nobody's": "UPDATE refresh_tokens SET user_id = NULL", "empty": "UPDATE refresh_tokens SET token = NULL",
	} {
		t.Run(what, func(t *testing.T) {
			m := newMigration(t, "api_guard", "SQLite")
			m.exec(t, change)
			assertNothing(t, m, m.good().text, 1)
		})
	}
}

func TestLegacyTimes(t *testing.T) {
	m := newMigration(t, "sanctum", "SQLite")
	for stored, want := range map[string]string{
		"'2026-12-22 10:17:24'":              "2026-12-22T08:17:24Z", // in the zone of the options
		"'2026-12-22T10:17:24'":              "2026-12-22T08:17:24Z",
		"'2026-12-22 10:17:24.5'":            "2026-12-22T08:17:24.5Z",
		"'2026-12-22 10:17:24Z'":             "2026-12-22T10:17:24Z",
		"'2026-12-22T10:17:24.303Z'":         "2026-12-22T10:17:24.303Z",
		"'2026-12-22 10:17:24+05:30'":        "2026-12-22T04:47:24Z",
		"'2026-12-22 10:17:24.303123-05'":    "2026-12-22T15:17:24.303123Z",
		"'2026-12-22 10:17:24 +0100'":        "2026-12-22T09:17:24Z",
		"'2026-12-22 10:17:24.123456789 +1'": "",
		"1797927470018":                      "2026-12-22T08:17:50.018Z",
		"1797927470":                         "", // seconds are nobody's: read as milliseconds they are long over
	} {
		t.Run(stored, func(t *testing.T) {
			m.exec(t, "UPDATE personal_access_tokens SET expires_at = "+stored+" WHERE id = 1")
			got, err := m.legacy.Find(t.Context(), m.good().text)
			if want == "" {
				assert.True(t, err != nil || got == nil)
				return
			}
			require.NoError(t, err)
			require.NotNil(t, got)
			assert.Equal(t, want, got.Expires.Format(time.RFC3339Nano))
		})
	}
}

func TestSanctumExpiryOfTheConfiguration(t *testing.T) {
	for database := range addresses {
		t.Run(database, func(t *testing.T) {
			m := newMigration(t, "sanctum", database)
			made := time.Date(2026, 11, 22, 8, 17, 24, 0, time.UTC)
			find := func(expiry time.Duration, text string) *strategies.LegacyToken {
				t.Helper()
				legacy := strategies.NewSanctumTokens(m.db, strategies.SanctumOptions{Expiry: expiry, Zone: helsinki, Clock: m.clock.Now})
				got, err := legacy.Find(t.Context(), text)
				require.NoError(t, err)
				return got
			}
			const ends, endless = "1|rQI8cOHxwF9CQbS0IZNegtjhrbhZVKFozE6jsEt6213799c2", "4|Y4DM4NurNosRLbZfD5uBEimB5yYehziHWZEAVd7Q"
			assert.Equal(t, made.Add(time.Hour), find(time.Hour, ends).Expires, "what is sooner counts")
			assert.Equal(t, made.Add(time.Hour), find(time.Hour, endless).Expires)
			assert.Equal(t, made.AddDate(0, 0, 30), find(1000*time.Hour, ends).Expires)
			assert.Nil(t, find(36*time.Second, endless), "it was made that long ago")
			m.exec(t, "UPDATE personal_access_tokens SET created_at = NULL")
			assert.Nil(t, find(time.Hour, endless), "nobody knows when it was made")
		})
	}
}

// Keys of users need not be integers, and tables need not be where they were.
func TestLegacyTablesThatWereMoved(t *testing.T) {
	m := newMigration(t, "sanctum", "Postgres")
	const user = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	m.exec(t, `CREATE SCHEMA "Laravel"; ALTER TABLE personal_access_tokens SET SCHEMA "Laravel"; ALTER TABLE "Laravel".personal_access_tokens RENAME TO "Old_Tokens";
		ALTER TABLE "Laravel"."Old_Tokens" ALTER tokenable_id TYPE uuid USING '`+user+`', ALTER abilities TYPE jsonb USING abilities::jsonb`)
	legacy := strategies.NewSanctumTokens(m.db, strategies.SanctumOptions{Table: "Laravel.Old_Tokens", Clock: m.clock.Now})
	got, err := legacy.Take(t.Context(), m.good().text)
	require.NoError(t, err)
	require.NotNil(t, got)
	assert.Equal(t, user, got.Subject)
	assert.Equal(t, []string{"rings:read", "rings:write"}, got.Scopes)

	m = newMigration(t, "adonis", "SQLite")
	m.exec(t, "ALTER TABLE api_tokens RENAME TO tokens_of_old; ALTER TABLE tokens_of_old RENAME COLUMN user_id TO hobbit_id")
	got, err = strategies.NewAdonisTokens(m.db, strategies.AdonisOptions{Table: "tokens_of_old", ForeignKey: "hobbit_id", Clock: m.clock.Now}).Take(t.Context(), m.good().text)
	require.NoError(t, err)
	require.NotNil(t, got)
	assert.Equal(t, "7", got.Subject)
	assert.Empty(t, got.Scopes, "unless said otherwise")
}

func TestLegacyOptionsThatCannotBeUsed(t *testing.T) {
	db := noDatabase{t}
	assert.Panics(t, func() { strategies.NewSanctumTokens(nil, strategies.SanctumOptions{}) })
	assert.Panics(t, func() { strategies.NewSanctumTokens((*bun.DB)(nil), strategies.SanctumOptions{}) })
	for _, name := range []string{"a b", `a"b`, "1a", "a.b.c", ".a", "a.", "a;b", "é", strings.Repeat("a", 64), "a?"} {
		assert.Panics(t, func() { strategies.NewSanctumTokens(db, strategies.SanctumOptions{Table: name}) }, name)
		assert.Panics(t, func() { strategies.NewAdonisTokens(db, strategies.AdonisOptions{Table: name}) }, name)
		assert.Panics(t, func() { strategies.NewAdonisAccessTokens(db, strategies.AdonisAccessOptions{Table: name}) }, name)
		assert.Panics(t, func() { strategies.NewAPIGuardTokens(db, strategies.APIGuardOptions{Table: name}) }, name)
		assert.Panics(t, func() { strategies.NewAdonisTokens(db, strategies.AdonisOptions{ForeignKey: name}) }, name)
	}
	assert.Panics(t, func() { strategies.NewAPIGuardTokens(db, strategies.APIGuardOptions{Resource: "a.b"}) })
	for _, prefix := range []string{"a b", "a|b", "é", "a\x00", strings.Repeat("a", 65)} {
		assert.Panics(t, func() { strategies.NewSanctumTokens(db, strategies.SanctumOptions{Prefix: prefix}) }, prefix)
		assert.Panics(t, func() { strategies.NewAdonisAccessTokens(db, strategies.AdonisAccessOptions{Prefix: prefix}) }, prefix)
	}
	for _, kind := range []string{"a\x00", "\xff", strings.Repeat("a", 256)} {
		assert.Panics(t, func() { strategies.NewSanctumTokens(db, strategies.SanctumOptions{Type: kind}) }, kind)
	}
	assert.Panics(t, func() { strategies.NewSanctumTokens(db, strategies.SanctumOptions{Expiry: -1}) })
	assert.Panics(t, func() { strategies.NewAdonisTokens(db, strategies.AdonisOptions{Scopes: []string{"a b"}}) })
	assert.Panics(t, func() { strategies.NewAPIGuardTokens(db, strategies.APIGuardOptions{Scopes: []string{""}}) })
}

// noDatabase is for what must not come so far.
type noDatabase struct{ t testing.TB }

func (n noDatabase) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	n.t.Errorf("asked %s %q", query, args)
	return nil, errors.New("no database")
}
