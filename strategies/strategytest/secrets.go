package strategytest

import (
	"context"
	"errors"
	"fmt"

	"github.com/kahu-go/kahu/app"
)

// keepsSecrets is whether what a client sent stays out of what is logged and answered.
func keepsSecrets(k *kit) {
	for _, r := range k.own() {
		forms := wireForms(r.Request, r.secret)
		k.quotesNothing(r.name, k.ask(r.Request), forms)
	}
	for i, c := range k.Good {
		_, secret := k.requestOf(c)
		for name, wrong := range map[string]string{"with more behind it": secret + "a", "doubled": secret + secret} {
			r := k.with(c, wrong)
			forms := append(wireForms(r, wrong), secret)
			k.quotesNothing(fmt.Sprintf("the secret of Good[%d] %s", i, name), k.ask(r), forms)
		}
	}
	for i, broken := range k.Broken {
		r, secret := k.requestOf(k.Good[0])
		forms := wireForms(r, secret)
		s := broken(func(context.Context) error { return errDown })
		k.quotesNothing(fmt.Sprintf("Good[0] and Broken[%d]", i), k.askOf(s, r), forms)
	}
}

func (k *kit) quotesNothing(what string, a *answer, forms []string) {
	k.Helper()
	if containsAny(a.challenge, forms) {
		k.Errorf("strategytest: %s: the challenge quotes the secret: it is answered, and kept by proxies", what)
	}
	if a.err == nil {
		return
	}
	if r, ok := errors.AsType[*app.Rejection](a.err); ok && r != nil && containsAny(r.Message+r.Code, forms) {
		k.Errorf("strategytest: %s: Rejection.Message or Code quotes the secret: it is answered, and shown on pages", what)
	} else if containsAny(a.err.Error(), forms) {
		k.Errorf("strategytest: %s: the error quotes the secret, in a Cause perhaps: it is logged, and whoever reads logs could log in. "+
			"One that is nearly right is a typing error away from one that is", what)
	}
}
