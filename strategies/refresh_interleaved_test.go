package strategies_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// An interlude lets something else happen whole between two steps of something.
type interlude struct {
	before int // which call, counted from 1
	calls  int
	play   func()
}

func (i *interlude) step() {
	if i == nil || i.play == nil {
		return
	}
	if i.calls++; i.calls == i.before {
		play := i.play
		i.play = nil
		play()
	}
}

// stepping are stores that count their calls together.
type (
	steppingStore struct {
		tokenstores.Store
		*interlude
	}
	steppingDenylist struct {
		tokenstores.Denylist
		*interlude
	}
)

func (s steppingStore) Find(ctx context.Context, typ, id string) (*tokenstores.Token, error) {
	s.step()
	return s.Store.Find(ctx, typ, id)
}

func (s steppingStore) Insert(ctx context.Context, t *tokenstores.Token) error {
	s.step()
	return s.Store.Insert(ctx, t)
}

func (s steppingStore) Renew(ctx context.Context, typ, id, hash string, r tokenstores.Renewal) error {
	s.step()
	return s.Store.Renew(ctx, typ, id, hash, r)
}

func (s steppingStore) Delete(ctx context.Context, typ, id, subject string) (bool, error) {
	s.step()
	return s.Store.Delete(ctx, typ, id, subject)
}

func (s steppingStore) DeleteAll(ctx context.Context, typ, subject, keep string) (int, error) {
	s.step()
	return s.Store.DeleteAll(ctx, typ, subject, keep)
}

func (s steppingDenylist) Find(ctx context.Context, subject string, keys ...string) (*tokenstores.Denials, error) {
	s.step()
	return s.Denylist.Find(ctx, subject, keys...)
}

func (s steppingDenylist) Deny(ctx context.Context, d ...tokenstores.Denial) error {
	s.step()
	return s.Denylist.Deny(ctx, d...)
}

// interleave runs one deed with another in the middle of it, before each of its calls in
// turn, and then check. Both get the node that prepare made.
func interleave(t *testing.T, way func(*strategies.JWTOptions), prepare func(n *node) (outer, inner func(), check func(t *testing.T, at int))) {
	t.Helper()
	for at := 1; ; at++ {
		i := &interlude{before: at}
		n := newNode(steppingStore{tokenstores.NewMemory(), i}, steppingDenylist{tokenstores.NewMemoryDenylist(), i}, way)
		outer, inner, check := prepare(n)
		i.play = inner
		i.calls = 0
		outer()
		if i.play != nil {
			require.Greater(t, at, 1, "there was no step")
			return
		}
		check(t, at)
	}
}

var waysOfNodes = map[string]func(*strategies.JWTOptions){
	"denylist":           func(*strategies.JWTOptions) {},
	"denylist, no grace": func(o *strategies.JWTOptions) { o.Refresh.Grace = strategies.NoGrace },
	"that ends access":   func(o *strategies.JWTOptions) { o.Refresh.EndsAccess = true },
	"allowlist":          func(o *strategies.JWTOptions) { o.Denylist, o.Allowlist = nil, true },
}

// The order of the steps matters: rows go before an epoch begins, and whoever refreshes asks
// for the epoch between reading the row and writing it, or reading it again. So whatever
// comes in between finds the row gone or puts an older epoch into its token.
func TestAnEndingAtAnyStepOfARefresh(t *testing.T) {
	eachEnding(t, func(t *testing.T, n *node, end func(n *node, p wirePair) bool) meeting {
		first := n.login(t)
		return meeting{first, func() wirePair { return n.refresh(first.Refresh) }, func() bool { return end(n, first) }}
	})
}

func TestAnEndingAtAnyStepOfAnsweringAgain(t *testing.T) {
	eachEnding(t, func(t *testing.T, n *node, end func(n *node, p wirePair) bool) meeting {
		first := n.login(t)
		next := n.refresh(first.Refresh)
		return meeting{next, func() wirePair { return n.refresh(first.Refresh) }, func() bool { return end(n, next) }}
	})
}

// A meeting is a refresh and the ending of its device.
type meeting struct {
	last    wirePair // before the refresh
	refresh func() wirePair
	end     func() bool
}

// eachEnding lets every ending come between any two steps of a refresh, and the refresh
// between any two of the ending. Nothing of the device is alive then.
func eachEnding(t *testing.T, prepare func(t *testing.T, n *node, end func(n *node, p wirePair) bool) meeting) {
	t.Helper()
	for name, end := range endings {
		for way, edit := range waysOfNodes {
			for _, around := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, around: %v", name, way, around), func(t *testing.T) {
					interleave(t, edit, func(n *node) (func(), func(), func(*testing.T, int)) {
						m := prepare(t, n, end)
						var got wirePair
						var ended bool
						outer, inner := func() { got = m.refresh() }, func() { ended = m.end() }
						if around {
							outer, inner = inner, outer
						}
						return outer, inner, func(t *testing.T, at int) {
							require.True(t, ended || name == "logout", at)
							if !ended && way == "that ends access" {
								return // the access token with which it came had ended
							}
							n.dead(t, m.last)
							if got.Status == 200 {
								n.dead(t, got)
							}
						}
					})
				})
			}
		}
	}
}

// Two that refresh at once are one, at whichever step they meet.
func TestARefreshAtAnyStepOfAnother(t *testing.T) {
	for _, way := range []string{"denylist", "that ends access", "allowlist"} {
		t.Run(way, func(t *testing.T) {
			interleave(t, waysOfNodes[way], func(n *node) (func(), func(), func(*testing.T, int)) {
				first := n.login(t)
				var a, b wirePair
				return func() { a = n.refresh(first.Refresh) }, func() { b = n.refresh(first.Refresh) }, func(t *testing.T, _ int) {
					n.oneLiveBranch(t, first, n.oneSuccessor(t, []wirePair{a, b}))
				}
			})
		})
	}
	t.Run("and without a grace one of them is a thief", func(t *testing.T) {
		interleave(t, waysOfNodes["denylist, no grace"], func(n *node) (func(), func(), func(*testing.T, int)) {
			first := n.login(t)
			var a, b wirePair
			return func() { a = n.refresh(first.Refresh) }, func() { b = n.refresh(first.Refresh) }, func(t *testing.T, _ int) {
				n.dead(t, first)
				for _, p := range []wirePair{a, b} {
					if p.Status == 200 {
						n.dead(t, p)
					}
				}
				assert.Empty(t, must(n.jwt.Devices(t.Context(), ringBearer)))
			}
		})
	})
}

// What is answered again has not been used, at whichever step it is.
func TestASuccessorThatIsUsedWhileItIsAnsweredAgain(t *testing.T) {
	interleave(t, waysOfNodes["denylist"], func(n *node) (func(), func(), func(*testing.T, int)) {
		first := n.login(t)
		next := n.refresh(first.Refresh)
		var again, third wirePair
		return func() { again = n.refresh(first.Refresh) }, func() { third = n.refresh(next.Refresh) }, func(t *testing.T, _ int) {
			require.Equal(t, 200, third.Status)
			assert.Equal(t, 401, again.Status)
			n.dead(t, first, next, third)
		}
	})
}

// A login that meets a RevokeAll is before it or after it: what it leaves can be refreshed,
// or not, but nothing of before is alive.
func TestARevokeAllAtAnyStepOfALogin(t *testing.T) {
	interleave(t, waysOfNodes["denylist"], func(n *node) (func(), func(), func(*testing.T, int)) {
		before := n.login(t)
		var during wirePair
		return func() { during = n.login(t) }, func() { must(n.jwt.RevokeAll(t.Context(), ringBearer, "")) }, func(t *testing.T, _ int) {
			n.dead(t, before)
			if n.refresh(during.Refresh).Status == 401 {
				assert.Equal(t, 401, n.get("/", during.Access))
			}
		}
	})
}
