package directorysync

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/access"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// awaited reports whether what became of a person can be what their password waits
// for: a Google account that is another one or is there again, or access that is
// back. Only then is the password's row worth a read; who is new has none. Where Google
// alone tells of people, whose account is there again is back.
func awaited(before, after person.Person) bool {
	account := after.Google.ID != "" && !after.Google.Deleted &&
		(before.Google.ID != after.Google.ID || before.Google.Deleted)
	back := after.State.Access() == person.Granted && before.State.Access() != person.Granted
	return before.Key != "" && (account || back)
}

// reoffered returns the person's password row where it is to be stored beside after;
// see access.Reoffer.
func reoffered(tx *record.Tx, before, after person.Person, now time.Time) (password.Ledger, bool, error) {
	if !awaited(before, after) {
		return password.Ledger{}, false, nil
	}
	return access.Reoffer(tx, after, now)
}

// putPerson stores a person and what follows for the password.
func putPerson(tx *record.Tx, before, after person.Person, now time.Time) error {
	l, changed, err := reoffered(tx, before, after, now)
	if err != nil {
		return err
	}
	if err := tx.PutPerson(after); err != nil || !changed {
		return err
	}
	return tx.PutPassword(l)
}

// reoffer is reoffered for one of many people, who are written together.
func (b *batch) reoffer(tx *record.Tx, before, after person.Person) error {
	l, changed, err := reoffered(tx, before, after, b.Now())
	if changed {
		b.passwords = append(b.passwords, l)
	}
	return err
}
