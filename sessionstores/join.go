package sessionstores

import (
	"fmt"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/userjoin"
)

// A UserTable is an [app.Serializer] whose users are rows of one table: it has these
// methods too. Its Table of the package serializer is one. What it returns is part of
// SQL text, so none of it may come from a client. A Serializer that embeds one, to refuse
// some users in its Deserialize, is joined with nobody, unless it has an Itself of its
// own: then ScanJoined must refuse them too.
type UserTable = userjoin.Table

// JoinUsers returns a store that loads the users together with their sessions, in
// one query. It is b itself if users is no [UserTable], only embeds one, or is in another
// database than the sessions. If the database cannot compare the table's key with a subject,
// because its type is not the model's, users are left to be deserialized.
func (b *Bun) JoinUsers(users app.Serializer) app.SessionStore {
	find, joined := b.find.Join(users)
	if !joined && find == b.find {
		return b
	}
	return &Bun{db: b.db, find: find} // users of its own, instead of those that b joins
}

// join puts the user of the joined columns into r. Of nobody's session there is no
// user to be gone.
func join(r *app.SessionRecord, user userjoin.User) (err error) {
	if r.Subject == "" {
		return nil
	}
	if r.User, r.Joined, err = user.Load(); err != nil {
		return fmt.Errorf("sessionstores: join: %w", err)
	}
	return nil
}
