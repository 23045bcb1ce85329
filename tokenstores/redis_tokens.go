package tokenstores

import (
	"context"
	"errors"
	"time"
)

// List is one script. A token that is damaged is left out.
func (r *Redis) List(ctx context.Context, typ, subject string) ([]Token, error) {
	if !isName(typ) || !isSubject(subject) {
		return nil, ctx.Err()
	}
	replies, err := r.run(ctx, listScript, who(typ, subject)).Slice()
	if err != nil {
		return nil, failed("list", err)
	}
	var list []Token
	for _, reply := range replies {
		if t, err := fromFields(paired(reply)); err == nil && t.Type == typ && t.Subject == subject {
			list = append(list, *t)
		}
	}
	sortTokens(list)
	return list, nil
}

// paired reads names and values in turn.
func paired(reply any) map[string]string {
	flat, _ := reply.([]any)
	fields := make(map[string]string, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		name, _ := flat[i].(string)
		fields[name], _ = flat[i+1].(string)
	}
	return fields
}

// DeleteAll is one script.
func (r *Redis) DeleteAll(ctx context.Context, typ, subject, keep string) (int, error) {
	if !isName(typ) || !isSubject(subject) {
		return 0, ctx.Err()
	}
	kept := ""
	if isName(keep) {
		kept = tokenName(typ, keep)
	}
	n, err := r.run(ctx, deleteAllScript, who(typ, subject), kept).Int()
	return n, failed("delete all", err)
}

// DeleteType is one script for a thousand tokens, so that others have their turn in
// between. If it fails, it returns how many are gone already.
func (r *Redis) DeleteType(ctx context.Context, typ string) (int, error) {
	if !isName(typ) {
		return 0, ctx.Err()
	}
	for sum := 0; ; {
		pair, err := r.run(ctx, deleteTypeScript, typ, batch).Int64Slice()
		if err == nil && len(pair) != 2 {
			err = errors.New("a reply that is no pair")
		}
		if err != nil {
			return sum, failed("delete type", err)
		}
		if sum += int(pair[1]); pair[0] < batch {
			return sum, nil
		}
	}
}

const batch = 1000

// Prune is one script. It counts tokens that Redis has dropped by itself too: of these
// it removes what is noted elsewhere.
func (r *Redis) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	if limit <= 0 {
		return 0, ctx.Err()
	}
	n, err := r.run(ctx, pruneScript, now.UnixMicro(), limit).Int()
	return n, failed("prune", err)
}
