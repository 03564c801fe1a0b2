package record

import (
	"context"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// Person returns a person by key; see person.KeyOf.
func (db *DB) Person(ctx context.Context, key string) (person.Person, error) {
	return fetch[person.Person](ctx, db, People, key)
}

// People lists an enterprise's people; with a state, those in it alone.
func (db *DB) People(ctx context.Context, ent string, state person.State, p Page) ([]person.Person, string, error) {
	if state == "" {
		return list[person.Person](ctx, db, store.Equal(People, byEnterprise, ent, 0), p)
	}
	return list[person.Person](ctx, db, store.Equal(People, byState, ent+"/"+string(state), 0), p)
}

// EveryPerson is People for work on all of them: those that cannot be read are
// counted and left out.
func (db *DB) EveryPerson(ctx context.Context, ent string, p Page) (ps []person.Person, damaged int, next string, err error) {
	docs, next, err := find(ctx, db, store.Equal(People, byEnterprise, ent, 0), p)
	ps, damaged = readable[person.Person](docs)
	return ps, damaged, next, err
}

// PeopleByMail lists an enterprise's people with an address. More than one is a
// fault of the directory.
func (db *DB) PeopleByMail(ctx context.Context, ent, mail string, p Page) ([]person.Person, string, error) {
	return list[person.Person](ctx, db, store.Equal(People, byMail, nameIndex(ent, person.MailKey(mail)), 0), p)
}

// PeopleByAddress returns the people of an enterprise to whom the directory or their
// Google account gives an address, at most 20, which are more than an address can have.
func (db *DB) PeopleByAddress(ctx context.Context, ent, address string) ([]person.Person, error) {
	var all []person.Person
	for _, field := range []string{byMail, byGoogleMail} {
		ps, _, err := list[person.Person](ctx, db, store.Equal(People, field, nameIndex(ent, person.MailKey(address)), 0), Page{Limit: 10})
		if err != nil {
			return nil, err
		}
		all = append(all, ps...)
	}
	return all, nil
}

// PeopleByLogin lists an enterprise's people with a user id, whose case means
// nothing. More than one is a fault of the directory.
func (db *DB) PeopleByLogin(ctx context.Context, ent, login string, p Page) ([]person.Person, string, error) {
	return list[person.Person](ctx, db, store.Equal(People, byLogin, nameIndex(ent, strings.ToLower(login)), 0), p)
}

// PersonByGoogle returns the person whose joined Google account has the given key,
// which is person.KeyOf of Google's id.
func (db *DB) PersonByGoogle(ctx context.Context, ent, key string) (person.Person, error) {
	return only[person.Person](ctx, db, store.Equal(People, byGoogle, ent+"/"+key, 1), "person with that Google account")
}

// PeopleDue lists the people of all enterprises whose Due lies at or before now,
// the longest due first, and counts those that cannot be read.
func (db *DB) PeopleDue(ctx context.Context, now time.Time, limit int) (ps []person.Person, damaged int, err error) {
	docs, err := db.driver.Find(ctx, store.Query{Kind: People, Field: byDue, To: store.Timestamp(now.Add(1)), Limit: limit})
	ps, damaged = readable[person.Person](docs)
	return ps, damaged, err
}

// PeopleToDelete lists an enterprise's people whose Google account is to be deleted
// at or before now, and counts those that cannot be read.
func (db *DB) PeopleToDelete(ctx context.Context, ent string, now time.Time, p Page) (ps []person.Person, damaged int, next string, err error) {
	q := store.Query{Kind: People, Field: byGoogleDue, From: ent + "|", To: ent + "|" + store.Timestamp(now.Add(1))}
	docs, next, err := find(ctx, db, q, p)
	ps, damaged = readable[person.Person](docs)
	return ps, damaged, next, err
}

// DevicesOfPerson lists the devices of a person, by directory id, in an enterprise.
func (db *DB) DevicesOfPerson(ctx context.Context, ent, id string, p Page) ([]device.Device, string, error) {
	return list[device.Device](ctx, db, store.Equal(Devices, byPerson, ent+"/"+id, 0), p)
}

// EveryDeviceOfPerson is DevicesOfPerson for work on all of them: those that cannot
// be read are counted and left out, for one must not stop the others.
func (db *DB) EveryDeviceOfPerson(ctx context.Context, ent, id string, p Page) (ds []device.Device, damaged int, next string, err error) {
	docs, next, err := find(ctx, db, store.Equal(Devices, byPerson, ent+"/"+id, 0), p)
	ds, damaged = readable[device.Device](docs)
	return ds, damaged, next, err
}

// AccountsOf lists the accounts of a subject in an enterprise.
func (db *DB) AccountsOf(ctx context.Context, ent string, s account.Subject, p Page) ([]account.Account, string, error) {
	return list[account.Account](ctx, db, store.Equal(Accounts, bySubject, ent+"/"+s.String(), 0), p)
}

// Person returns a person by key.
func (tx *Tx) Person(key string) (person.Person, error) { return get[person.Person](tx, People, key) }

// PutPerson stores a person, so that they are found by address, user id, Google
// account, its address and state, and when they are due.
func (tx *Tx) PutPerson(p person.Person) error {
	index := map[string]string{byEnterprise: p.Enterprise, byState: p.Enterprise + "/" + string(p.State)}
	if m := person.MailKey(p.Entry.Mail); m != "" {
		index[byMail] = nameIndex(p.Enterprise, m)
	}
	if m := person.MailKey(p.Google.Mail); m != "" && m != person.MailKey(p.Entry.Mail) {
		index[byGoogleMail] = nameIndex(p.Enterprise, m)
	}
	if p.Entry.Login != "" {
		index[byLogin] = nameIndex(p.Enterprise, strings.ToLower(p.Entry.Login))
	}
	if p.Google.ID != "" {
		index[byGoogle] = p.Enterprise + "/" + person.KeyOf(p.Enterprise, p.Google.ID)
	}
	if due := p.Due(); !due.IsZero() {
		index[byDue] = store.Timestamp(due)
	}
	if at := p.Google.DeleteAt; !at.IsZero() && !p.Google.Deleted {
		index[byGoogleDue] = p.Enterprise + "|" + store.Timestamp(at)
	}
	return put(tx, People, p.Key, p, index)
}
