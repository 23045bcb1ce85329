package strategies_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/strategies"
)

func TestRefreshTextsThatCostNoQuery(t *testing.T) {
	h := newHarbour(t)
	good := h.issue(t, strategies.PairOptions{}).Refresh()
	other := h.issue(t, strategies.PairOptions{})
	before := h.questions()
	for name, text := range map[string]string{
		"nothing":                     "",
		"the prefix alone":            "kahu_refresh_",
		"no prefix":                   strings.TrimPrefix(good, "kahu_refresh_"),
		"another prefix":              "kahu_" + strings.TrimPrefix(good, "kahu_refresh_"),
		"the prefix twice":            "kahu_refresh_" + good,
		"a forged checksum":           good[:len(good)-1] + flipped(good[len(good)-1:]),
		"a typing error":              good[:30] + flipped(good[30:31]) + good[31:],
		"a letter more":               good + "0",
		"a letter less":               good[:len(good)-1],
		"a blank behind":              good + " ",
		"a blank before":              " " + good,
		"a NUL behind":                good + "\x00",
		"a NUL in the place of one":   good[:40] + "\x00" + good[41:],
		"upper case":                  strings.ToUpper(good),
		"quotes":                      resummed("kahu_refresh_" + strings.Repeat("' OR 1=1 --", 8)[:87]),
		"no ASCII":                    resummed("kahu_refresh_" + strings.Repeat("é", 43) + "a"),
		"invalid UTF-8":               "kahu_refresh_\xff\xfe",
		"an opaque token":             resummed("kahu_" + strings.Repeat("a", 65)),
		"an access token":             other.Access(),
		"a megabyte":                  "kahu_refresh_" + strings.Repeat("a", 1<<20),
		"dots":                        strings.Repeat(".", 100_000),
		"a line break":                good + "\r\n",
		"two tokens":                  good + "," + good,
		"the scheme before it":        "Bearer " + good,
		"full-width letters for some": strings.Replace(good, "k", "ｋ", 1),
	} {
		t.Run(name, func(t *testing.T) {
			h.withholds(t, text, nil)
			assert.Equal(t, before, h.questions())
		})
	}
	h.refresh(t, good)
}

// Trap: a token that somebody made up ends the device of somebody else.
func TestForgedRefreshTokensEndNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, h *harbour) {
		mine, other := h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{})
		stored, err := h.store.Find(t.Context(), h.jwt.Type(), mine.Claims.Device)
		require.NoError(t, err)
		m, o := piecesOf(mine), piecesOf(other)
		zeros := strings.Repeat("0", 43)
		for name, c := range map[string]struct {
			text  string
			cause error
		}{
			"another's proof and the right secret":  {"kahu_refresh_" + m.id + o.proof + m.secret, nil},
			"another's proof and another's secret":  {"kahu_refresh_" + m.id + o.proof + o.secret, nil},
			"no proof":                              {"kahu_refresh_" + m.id + zeros[:22] + m.secret, nil},
			"no proof and no secret":                {"kahu_refresh_" + m.id + zeros[:22] + zeros, nil},
			"the id for a proof":                    {"kahu_refresh_" + m.id + m.id + m.secret, nil},
			"the stored hash for a secret":          {"kahu_refresh_" + m.id + o.proof + strings.TrimPrefix(stored.Hash, "sha256:")[:43], nil},
			"another's id with its proof":           {"kahu_refresh_" + o.id + m.proof + m.secret, nil},
			"an id of nobody":                       {"kahu_refresh_" + zeros[:22] + m.proof + m.secret, strategies.ErrTokenRevoked},
			"an id in another case, of nobody else": {"kahu_refresh_" + swapped(m.id) + m.proof + m.secret, strategies.ErrTokenRevoked},
		} {
			calls, denials := len(h.store.Calls()), len(h.denylist.Calls())
			h.withholds(t, resummed(c.text), c.cause, name)
			assert.Equal(t, []string{"Find"}, h.store.Calls()[calls:], name)
			assert.Len(t, h.denylist.Calls(), denials, name)
		}
		h.letsIn(t, mine.Access())
		h.refresh(t, mine.Refresh())
		h.refresh(t, other.Refresh())
		assert.NotContains(t, h.names(), "credential reused")
	})
}

// swapped writes an id in the other case.
func swapped(id string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' {
			return r - 'a' + 'A'
		}
		if r >= 'A' {
			return r - 'A' + 'a'
		}
		return r
	}, id)
}

func TestRefreshRefusalsAreAlike(t *testing.T) {
	h := newHarbour(t)
	used, expired, ended := h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{}), h.issue(t, strategies.PairOptions{})
	h.clock.Advance(14*day - time.Minute)
	next := h.refresh(t, used.Refresh())
	require.Equal(t, 204, h.logout(h.refresh(t, ended.Refresh()).Access()).Code)
	h.clock.Advance(time.Minute)
	bound := h.issue(t, strategies.PairOptions{Client: "palantir"})
	for _, c := range []struct {
		text  string
		cause error
	}{
		{"garbage", nil}, {bound.Refresh(), nil}, {expired.Refresh(), strategies.ErrTokenExpired}, {ended.Refresh(), strategies.ErrTokenRevoked},
		{used.Refresh(), strategies.ErrTokenReused}, {next.Refresh(), strategies.ErrTokenRevoked},
	} {
		h.log.Reset()
		h.withholds(t, c.text, c.cause) // which compares the whole answer
		if c.cause != nil {
			assert.Contains(t, h.log.String(), c.cause.Error(), "the log is told")
		}
	}
	assert.False(t, errors.Is(strategies.ErrTokenReused, strategies.ErrTokenRevoked))
}

func FuzzRefreshText(f *testing.F) {
	h := newHarbour(f)
	good := h.issue(f, strategies.PairOptions{}).Refresh()
	for _, seed := range []string{good, "", "kahu_refresh_", good + "0", strings.ToUpper(good), good[:60] + "\x00" + good[61:], "kahu_" + good} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text != good {
			assert.Equal(t, 401, h.exchange(text, strategies.RefreshRequest{}).Code)
		}
	})
}
