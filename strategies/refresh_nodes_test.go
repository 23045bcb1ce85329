package strategies_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/pgtest"
	"github.com/kahu-go/kahu/internal/redistest"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// opened are stores that two processes can share.
var opened = map[string]func(t testing.TB, address string) (tokenstores.Store, tokenstores.Denylist){
	"Postgres": openBun, "Redis": openRedis,
}

// The second process is told by these where it is.
const nodeStore, nodeAddress, nodeGrace = "KAHU_TEST_NODE_STORE", "KAHU_TEST_NODE_ADDRESS", "KAHU_TEST_NODE_GRACE"

// A second is another process, which refreshes as the first one does.
type second struct {
	in  io.Writer
	out *bufio.Scanner
}

// startSecond runs this test again, in a process of its own.
func startSecond(t *testing.T, test, store, address, grace string) *second {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.timeout=5m")
	child.Env = append(os.Environ(), nodeStore+"="+store, nodeAddress+"="+address, nodeGrace+"="+grace)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	require.NoError(t, err)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	t.Cleanup(func() {
		assert.NoError(t, in.Close())
		assert.NoError(t, child.Wait())
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return &second{in, lines}
}

// An outcome is what came of half a crowd.
type outcome struct {
	Pairs   []wirePair // different ones
	Refused int
	Faults  int
}

func outcomeOf(answers []wirePair) (o outcome) {
	seen := map[string]bool{}
	for _, a := range answers {
		switch {
		case a.Status == 401:
			o.Refused++
		case a.Status != 200:
			o.Faults++
		case !seen[a.Refresh+a.Access]:
			seen[a.Refresh+a.Access] = true
			o.Pairs = append(o.Pairs, a)
		}
	}
	return o
}

// beSecond answers each refresh token that it reads with what a crowd made of it.
func beSecond(t *testing.T) {
	n := openNode(t, os.Getenv(nodeStore), os.Getenv(nodeAddress), os.Getenv(nodeGrace))
	for tokens := bufio.NewScanner(os.Stdin); tokens.Scan(); {
		line := must(json.Marshal(outcomeOf(n.crowd(crowdSize/2, tokens.Text()))))
		_, err := fmt.Printf("%s\n", line)
		require.NoError(t, err)
	}
}

func openNode(t *testing.T, store, address, grace string) *node {
	t.Helper()
	tokens, denials := opened[store](t, address)
	return newNode(tokens, denials, func(o *strategies.JWTOptions) {
		if grace == "none" {
			o.Refresh.Grace = strategies.NoGrace
		}
	})
}

// onTwoProcesses runs rounds of which half a crowd is in each process, and then check.
func onTwoProcesses(t *testing.T, grace string, check func(t *testing.T, n *node, first wirePair, all outcome)) {
	t.Helper()
	if os.Getenv(nodeStore) != "" {
		beSecond(t)
		return
	}
	for store, address := range map[string]func(testing.TB) string{"Postgres": pgtest.URL, "Redis": redistest.URL} {
		t.Run(store, func(t *testing.T) {
			at := address(t)
			n := openNode(t, store, at, grace)
			other := startSecond(t, t.Name()[:len(t.Name())-len(store)-1], store, at, grace)
			times := *rounds
			if grace != "" {
				times /= 5
			}
			for range times {
				first := n.login(t)
				_, err := fmt.Fprintln(other.in, first.Refresh)
				require.NoError(t, err)
				all := outcomeOf(n.crowd(crowdSize/2, first.Refresh))
				require.True(t, other.out.Scan(), "%v", other.out.Err())
				var theirs outcome
				require.NoError(t, json.Unmarshal(other.out.Bytes(), &theirs), other.out.Text())
				require.Zero(t, all.Faults+theirs.Faults)
				all.Pairs, all.Refused = append(all.Pairs, theirs.Pairs...), all.Refused+theirs.Refused
				check(t, n, first, all)
			}
			assert.Contains(t, n.events, app.EventReused)
		})
	}
}

// F11, on two processes.
func TestACrowdOfTwoProcessesHasOneSuccessor(t *testing.T) {
	onTwoProcesses(t, "", func(t *testing.T, n *node, first wirePair, all outcome) {
		require.Zero(t, all.Refused)
		require.Len(t, all.Pairs, 2, "one of each process")
		require.Equal(t, all.Pairs[0], all.Pairs[1])
		n.oneLiveBranch(t, first, all.Pairs[0])
	})
}

func TestACrowdOfTwoProcessesWithoutGraceEndsTheDevice(t *testing.T) {
	onTwoProcesses(t, "none", func(t *testing.T, n *node, first wirePair, all outcome) {
		require.LessOrEqual(t, len(all.Pairs), 1)
		require.GreaterOrEqual(t, all.Refused, crowdSize-1)
		n.dead(t, append(all.Pairs, first)...)
		require.Empty(t, must(n.jwt.Devices(t.Context(), ringBearer)))
	})
}
