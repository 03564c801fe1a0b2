package provision_test

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// grace is how long the accounts of those who leave are kept here.
const grace = 30 * 24 * time.Hour

// person brings a person of acme to a state, as the directory's synchronisation
// does, and returns the key. Nobody is told.
func (b *bench) person(id string, to person.State) string {
	b.t.Helper()
	key := person.KeyOf("acme", id)
	b.put(func(tx *record.Tx) error {
		p, err := tx.Person(key)
		if err != nil {
			p = person.Person{Key: key, Enterprise: "acme", ID: id, State: person.Active, Settled: person.Granted, CreatedAt: b.now}
		}
		p.State, p.Since, p.UpdatedAt, p.Attempts, p.DeleteAt = to, b.now, b.now, 0, time.Time{}
		if to == person.Leaving {
			p.DeleteAt = b.now.Add(grace)
		}
		return tx.PutPerson(p)
	})
	return key
}
