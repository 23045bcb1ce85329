package strategytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/kahu-go/kahu/app"
)

// proves is whether each good credential proves its user, and what the identity says.
func proves(k *kit) {
	handles := map[string]int{}
	for i, c := range k.Good {
		r, secret := k.requestOf(c)
		forms := wireForms(r, secret)
		headers := r.Header.Clone()
		a := k.ask(r)
		if !k.isProof(fmt.Sprintf("Good[%d]", i), a, c.User) {
			continue
		}
		if a.id.Via == "" {
			k.Errorf("strategytest: Good[%d]: Identity.Via is empty: name the strategy, logs and events tell by it how somebody got in", i)
		}
		k.tellsNoSecret(i, a.id, forms)
		if a.id.Deliberate {
			k.isDeliberate(i, headers)
		}
		if first, there := handles[a.id.Handle]; there && a.id.Handle != "" && !reflect.DeepEqual(k.Good[first].User, c.User) {
			k.Errorf("strategytest: Good[%d] and Good[%d] have one Identity.Handle: it names one credential, so that this one and no other can be ended", first, i)
		}
		handles[a.id.Handle] = i
	}
	if d, ok := k.Strategy.(app.Describer); ok {
		if name, _ := d.Describe(); name == "" {
			k.Errorf("strategytest: Describe returns no name: ctx.Explain could not say who was asked")
		}
	}
}

// isProof reports whether the answer proves want, and says so if not.
func (k *kit) isProof(what string, a *answer, want any) bool {
	k.Helper()
	switch {
	case a.kind != proved:
		k.Errorf("strategytest: %s: got %s, want a proof of %+v", what, a, want)
	case !k.Same(want, a.id.User):
		k.Errorf("strategytest: %s: got %s, want one of %+v: this is somebody else", what, a, want)
	default:
		return true
	}
	return false
}

func (k *kit) tellsNoSecret(i int, id *app.Identity, forms []string) {
	k.Helper()
	asJSON, _ := json.Marshal(id.Info)
	for field, text := range map[string]string{
		"Info": fmt.Sprintf("%+v", id.Info) + string(asJSON), "Handle": id.Handle, "Subject": id.Subject, "Via": id.Via,
	} {
		if containsAny(text, forms) {
			k.Errorf("strategytest: Good[%d]: Identity.%s shows the secret: it is for logs, events and pages, where others read it; keep a hash or an id", i, field)
		}
	}
}

// isDeliberate looks at where the credential was that is said to be sent on purpose only.
func (k *kit) isDeliberate(i int, headers http.Header) {
	k.Helper()
	const why = "strategytest: Good[%d]: Identity.Deliberate, but the credential %s: pages of other sites could then change what the user's session may"
	if scheme := browsersScheme(headers); scheme != "" {
		k.Errorf(why, i, "is of the scheme "+scheme+", which browsers send by themselves")
	} else if !hasOwnHeader(headers) {
		k.Errorf(why, i, "came in no header but the cookies', if at all")
	}
}

// browsersScheme is the scheme of credentials that browsers keep, and send with every request.
func browsersScheme(headers http.Header) string {
	scheme, _, _ := strings.Cut(headers.Get("Authorization"), " ")
	switch strings.ToLower(scheme) {
	case "basic", "digest", "negotiate", "ntlm":
		return scheme
	}
	return ""
}

// hasOwnHeader reports whether there is a header that a page may not send to other sites.
func hasOwnHeader(headers http.Header) bool {
	for name := range headers {
		if name != "Cookie" && name != "Content-Type" && name != "Content-Length" {
			return true
		}
	}
	return false
}

// refusesOtherSites is whether a page of another site can use what the browser sends by itself.
func refusesOtherSites(k *kit) {
	for i, c := range k.Good {
		r := k.request(c)
		if browsersScheme(r.Header) == "" && (len(r.Cookies()) == 0 || hasOwnHeader(r.Header)) {
			continue
		}
		r.Method = http.MethodPost
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://mordor.example")
		if a := k.ask(r); a.kind == proved {
			k.Errorf("strategytest: Good[%d] in a POST from a page of another site: got %s: the browser sends this credential by itself, so every page could act for the user; "+
				"ask http.CrossOriginProtection's Check first, and answer 403", i, a)
		}
	}
}

func containsAny(text string, forms []string) bool {
	for _, f := range forms {
		if strings.Contains(text, f) {
			return true
		}
	}
	return false
}

// keepsNothing is whether what was proved is forgotten with its request.
func keepsNothing(k *kit) {
	for i, c := range k.Good {
		if !k.isProof(fmt.Sprintf("Good[%d]", i), k.ask(k.request(c)), c.User) {
			continue
		}
		k.isPass(fmt.Sprintf("an empty request after Good[%d]", i), k.ask(blank()),
			"a strategy is shared by all requests, so what it learns of one belongs in local variables")
		if a := k.ask(k.request(k.Wrong[0])); a.kind == proved {
			k.Errorf("strategytest: Wrong[0] after Good[%d]: got %s: the user of the request before", i, a)
		}
		k.isProof(fmt.Sprintf("Good[%d] for the second time", i), k.ask(k.request(c)), c.User)
	}
}

// crowd is how many requests come at once, and by how many goroutines.
const crowd, goroutines = 400, 8

// neverMixes is whether each of many requests at once gets its own user, and those without a
// credential nobody.
func neverMixes(k *kit) {
	kinds := len(k.Good) + 1
	requests, answers := make([]*http.Request, crowd), make([]*answer, crowd)
	for i := range requests {
		if requests[i] = blank(); i%kinds < len(k.Good) {
			requests[i] = k.request(k.Good[i%kinds])
		}
	}
	var all sync.WaitGroup
	start := make(chan struct{})
	for g := range goroutines {
		all.Go(func() {
			<-start
			for i := g; i < crowd; i += goroutines {
				answers[i] = k.ask(requests[i])
			}
		})
	}
	close(start)
	all.Wait()
	const why = "two requests at once got into each other's way: Authenticate must not write to the strategy, or to what it shares, without a lock; run this under -race"
	for i, a := range answers {
		if g := i % kinds; g < len(k.Good) {
			if !k.isProof(fmt.Sprintf("request %d of %d at once with Good[%d]", i, crowd, g), a, k.Good[g].User) {
				k.Fatal("strategytest: " + why)
			}
		} else if !k.isPass(fmt.Sprintf("empty request %d of %d at once", i, crowd), a, why) {
			return
		}
	}
}
