package storetest

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

var concurrencyClauses = []clause{
	{"of 20 rotations at once one succeeds", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		var won atomic.Int32
		together(20, func(i int) {
			switch err := rotate(t, s, "one", "next"+strconv.Itoa(i)); {
			case err == nil:
				won.Add(1)
			default:
				assert.ErrorIs(t, err, tokenstores.ErrTokenRotated)
			}
		})
		assert.EqualValues(t, 1, won.Load())
		assert.ElementsMatch(t, []string{"one", find(t, s, "api", "one").Successor}, list(t, s, "api", "frodo"))
	}},
	{"of 20 deletes at once one is told that it removed the token", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		var told atomic.Int32
		together(20, func(int) {
			deleted, err := s.Delete(t.Context(), "api", "one", "frodo")
			assert.NoError(t, err)
			if deleted {
				told.Add(1)
			}
		})
		assert.EqualValues(t, 1, told.Load())
	}},
	{"of 20 inserts of one id one is made", func(t *testing.T, s tokenstores.Store) {
		var made atomic.Int32
		together(20, func(i int) {
			if s.Insert(t.Context(), of("api", "user"+strconv.Itoa(i), "one")) == nil {
				made.Add(1)
			}
		})
		assert.EqualValues(t, 1, made.Load())
		assert.Equal(t, []string{"one"}, list(t, s, "api", find(t, s, "api", "one").Subject))
	}},
	{"100 rounds of touch and rotate against Delete revive nothing", func(t *testing.T, s tokenstores.Store) {
		for round := range 100 {
			id, next := "id"+strconv.Itoa(round), "next"+strconv.Itoa(round)
			insert(t, s, token(id))
			rotated := race(t, s, id, next, func() error {
				deleted, err := s.Delete(t.Context(), "api", id, "frodo")
				assert.True(t, deleted)
				return err
			})
			assertGone(t, s, "api", id)
			found, err := s.Find(t.Context(), "api", next)
			require.NoError(t, err)
			require.Equal(t, rotated, found != nil, "the next token is there if Rotate said so")
		}
	}},
	{"100 rounds of touch and rotate against DeleteAll leave nothing", func(t *testing.T, s tokenstores.Store) {
		for round := range 100 {
			id, next := "id"+strconv.Itoa(round), "next"+strconv.Itoa(round)
			insert(t, s, token(id))
			rotated := race(t, s, id, next, func() error {
				_, err := s.DeleteAll(t.Context(), "api", "frodo", "")
				return err
			})
			require.Empty(t, list(t, s, "api", "frodo"), "rotated: %v", rotated)
			assertGone(t, s, "api", id)
			assertGone(t, s, "api", next)
		}
	}},
	{"100 rounds of touch and rotate against DeleteType leave nothing", func(t *testing.T, s tokenstores.Store) {
		for round := range 100 {
			id, next := "id"+strconv.Itoa(round), "next"+strconv.Itoa(round)
			insert(t, s, token(id))
			rotated := race(t, s, id, next, func() error {
				_, err := s.DeleteType(t.Context(), "api")
				return err
			})
			require.Empty(t, list(t, s, "api", "frodo"), "rotated: %v", rotated)
		}
	}},
	{"100 rounds of rotations and a Delete against DeleteAll, twice, and DeleteType leave nothing when each returns", func(t *testing.T, s tokenstores.Store) {
		for round := range 100 {
			id := "id" + strconv.Itoa(round)
			insert(t, s, token(id))
			together(5, func(i int) {
				var err error
				switch i {
				case 0:
					if err = rotate(t, s, id, id+"b"); err == nil {
						err = rotate(t, s, id+"b", id+"c")
					}
					if errors.Is(err, tokenstores.ErrTokenGone) {
						err = nil
					}
				case 1:
					_, err = s.Delete(t.Context(), "api", id, "frodo")
				case 2:
					_, err = s.DeleteType(t.Context(), "api")
				default:
					_, err = s.DeleteAll(t.Context(), "api", "frodo", "")
				}
				assert.NoError(t, err)
				if i > 1 {
					tokens, err := s.List(t.Context(), "api", "frodo")
					assert.NoError(t, err)
					assert.Empty(t, tokens)
				}
			})
		}
	}},
	{"touches at once keep the latest use", func(t *testing.T, s tokenstores.Store) {
		want := insert(t, s, token("one"))
		together(16, func(i int) {
			at := start.Add(time.Hour + time.Duration(i)*time.Second)
			assert.NoError(t, s.Touch(t.Context(), "api", "one", want.Hash, at, "192.0.2."+strconv.Itoa(i)))
		})
		got := find(t, s, "api", "one")
		assertTime(t, start.Add(time.Hour+15*time.Second), got.LastUsed, "LastUsed")
		assert.Equal(t, "192.0.2.15", got.Address)
	}},
}

// together calls f with 0…n-1 in n goroutines that start at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-gate
			f(i)
		})
	}
	close(gate)
	wg.Wait()
}

// race ends a token while others write to it, and reports whether it was rotated.
func race(t *testing.T, s tokenstores.Store, id, next string, end func() error) (rotated bool) {
	together(3, func(i int) {
		switch i {
		case 0:
			assert.NoError(t, end())
		case 1:
			assert.NoError(t, s.Touch(t.Context(), "api", id, "hash of "+id, start.Add(time.Hour), ""))
		case 2:
			err := rotate(t, s, id, next)
			if rotated = err == nil; !rotated {
				assert.True(t, errors.Is(err, tokenstores.ErrTokenGone), "%v", err)
			}
		}
	})
	return rotated
}
