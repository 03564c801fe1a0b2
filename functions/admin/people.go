package admin

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// personView is a person as admins see them: without digests of passwords.
type personView struct {
	person.Person
	// Access is what the state grants; while settled differs, work is left.
	Access person.Access `json:"access"`
	// Due is when the person next needs attention, if nobody asks.
	Due time.Time `json:"due,omitzero"`
}

// personDetail adds what one person's page shows: at most 100 devices and accounts.
type personDetail struct {
	personView
	Devices  []deviceView  `json:"devices"`
	Accounts []accountView `json:"accounts"`
}

func viewPerson(p person.Person) personView {
	p.Entry, p.Google = viewEntry(p.Entry), viewGoogle(p.Google)
	return personView{Person: p, Access: p.State.Access(), Due: p.Due()}
}

var personStates = []person.State{person.Active, person.Disabled, person.Missing, person.Leaving, person.Gone}

// listPeople lists an enterprise's people, or finds those with an address or a user
// id.
func (o *Office) listPeople(r *request) error {
	p, err := r.page("state", "mail", "login")
	if err != nil {
		return err
	}
	state, mail, login := person.State(r.query("state")), r.query("mail"), r.query("login")
	switch {
	case state != "" && !slices.Contains(personStates, state):
		return fault.Field("state", "give active, disabled, missing, leaving or gone")
	case mail != "" && login != "":
		return fault.Field("login", "give mail or login, not both")
	case mail != "" && (!strings.Contains(mail, "@") || !isWord(mail, 320)):
		return fault.Field("mail", "give a mail address")
	case login != "" && !isWord(login, 256):
		return fault.Field("login", "give a user id of at most 256 characters")
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	read := func(p record.Page) ([]person.Person, string, error) { return o.DB.People(r.Context(), e.ID, state, p) }
	switch {
	case mail != "":
		read = func(p record.Page) ([]person.Person, string, error) {
			return o.DB.PeopleByMail(r.Context(), e.ID, mail, p)
		}
	case login != "":
		read = func(p record.Page) ([]person.Person, string, error) {
			return o.DB.PeopleByLogin(r.Context(), e.ID, login, p)
		}
	}
	people, next, err := filtered(p, read, func(p person.Person) bool { return state == "" || p.State == state })
	if err != nil {
		return err
	}
	items := make([]personView, len(people))
	for i, p := range people {
		items[i] = viewPerson(p)
	}
	return answer(r, page[personView]{Items: items, Next: next})
}

// person returns the person whom the path names, if they are the enterprise's.
func (o *Office) person(r *request) (person.Person, error) {
	key, err := r.id("person")
	if err != nil {
		return person.Person{}, err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return person.Person{}, err
	}
	p, err := o.DB.Person(r.Context(), key)
	if err == nil && p.Enterprise != e.ID {
		err = missing("person", key)
	}
	return p, err
}

func (o *Office) showPerson(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	p, err := o.person(r)
	if err != nil {
		return err
	}
	v := personDetail{personView: viewPerson(p), Devices: []deviceView{}, Accounts: []accountView{}}
	devices, _, err := o.DB.DevicesOfPerson(r.Context(), p.Enterprise, p.ID, record.Page{})
	if err != nil {
		return err
	}
	for _, d := range devices {
		v.Devices = append(v.Devices, viewDevice(d))
	}
	accounts, _, err := o.DB.AccountsOf(r.Context(), p.Enterprise, account.Subject{Kind: account.Person, ID: p.ID}, record.Page{})
	if err != nil {
		return err
	}
	for _, a := range accounts {
		v.Accounts = append(v.Accounts, viewAccount(a))
	}
	return answer(r, v)
}

// isWord reports whether s is text that a directory could hold as an address or a
// user id.
func isWord(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && !strings.ContainsFunc(s, unicode.IsControl)
}
