package access

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// Reoffer returns the password row of a person as it is to be stored beside p, and
// whether it changed. It is for the transactions in which a Google account of the
// person appears, or access is granted again: a password that was given up because
// Google had no account for the person is offered again (invariant W6), so is one that
// another Google account of the person accepted, and one that was given up because the
// person was away, if p is back. It reads one row, and is called before the
// transaction's first write.
//
// A row that cannot be read stays as it is: it must not stop what is done for the
// person (invariant D8).
func Reoffer(tx *record.Tx, p person.Person, now time.Time) (l password.Ledger, changed bool, err error) {
	found, err := tx.Password(p.Enterprise, p.Key)
	if err != nil {
		if !fault.Redeliver(err) {
			err = nil
		}
		return password.Ledger{}, false, err
	}
	if l = found.Appeared(now, p.Google.ID); p.State.Access() == person.Granted {
		l = l.Returned(now)
	}
	return l, l != found, nil
}
