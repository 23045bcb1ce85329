package strategies

import "github.com/kahu-go/kahu/app"

// Anonymous returns the strategy that lets a request go on without a user. It belongs at the
// end of a list, which is optional then: a request without credentials goes on, and guards
// such as [app.RequireLogin] further below keep it out where they stand. Strategies behind it
// are not asked.
//
// It does not forgive, which is where it differs from passport's: a request whose
// credentials one of the strategies before it has rejected is answered as if it were not
// there. It takes nobody's place either: who is known above, such as the user of a session,
// stays known. app.Identify is the same for a whole list; Anonymous is for lists that are
// made in several places, and for [app.Choose].
//
// A step of a handler's own, ctx.Authenticate, does not listen to it and is 401.
func Anonymous() app.Strategy { return anonymous{} }

type anonymous struct{}

var _ app.Describer = anonymous{}

func (anonymous) Authenticate(*app.Context) (*app.Identity, error) { return nil, app.ErrAnonymous }

func (anonymous) Describe() (name, looksAt string) { return "anonymous", "" }
