package admin

import (
	"cmp"
	"context"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
)

// locks tells which stored passwords no key opens: none of them reaches Google or a
// device until that is mended, and their rows do not say so.
type locks struct {
	all string // the reason for which no password opens, if there is one
	ids map[uint32]bool
}

// locks reads the key set, past every cache.
func (o *Office) locks(ctx context.Context) locks {
	keys, err := keyring.Keys(ctx, o.Secrets, keyring.SecretName)
	switch {
	case err != nil:
		return locks{all: cmp.Or(fault.ReasonOf(err), password.ReasonUnexplained)}
	case len(keys) == 0:
		return locks{all: password.ReasonKeyMissing}
	}
	l := locks{ids: map[uint32]bool{}}
	for _, k := range keys {
		l.ids[k.ID] = k.Enabled
	}
	return l
}

// on returns why the password of a row does not open; empty where it does, or where
// there is none.
func (l locks) on(row password.Ledger) string {
	if row.Sealed == "" {
		return ""
	}
	if l.all != "" {
		return l.all
	}
	switch id, ok := keyring.Opener(row.Sealed); {
	case !ok:
		return password.ReasonUnreadable
	case !l.ids[id]:
		return password.ReasonKeyUnknown
	}
	return ""
}
