package admin

import (
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// accountView is an account as admins see it.
type accountView struct {
	ID             string          `json:"id"`
	Enterprise     string          `json:"enterprise"`
	PlayEnterprise string          `json:"playEnterprise"`
	Subject        account.Subject `json:"subject"`
	Type           account.Type    `json:"type"`
	DisplayName    string          `json:"displayName"`
	State          account.State   `json:"state"`
	UserID         string          `json:"userId,omitempty"`
	Name           string          `json:"name,omitempty"`
	Reason         string          `json:"reason,omitempty"`
	Incarnation    int             `json:"incarnation,omitzero"`
	// Devices is how many devices hold the account.
	Devices   int       `json:"devices"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// accountDetail adds what one account's page shows.
type accountDetail struct {
	accountView
	Bindings []bindingView `json:"bindings"`
}

func viewAccount(a account.Account) accountView {
	return accountView{
		ID: a.ID, Enterprise: a.Enterprise, PlayEnterprise: a.PlayEnterprise, Subject: a.Subject, Type: a.Type,
		DisplayName: a.DisplayName, State: a.State, UserID: a.UserID, Name: a.Name, Reason: a.Reason,
		Incarnation: a.Incarnation, Devices: len(a.Bindings), CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

var accountStates = []account.State{account.Creating, account.Active, account.Deleting, account.Deleted}

// listAccounts lists an enterprise's accounts, or finds those of Google's user id
// or of a name on devices (invariant P4). There is no search by person: the
// identifier is a keyed hash, and admins do not have the key (invariant P3).
func (o *Office) listAccounts(r *request) error {
	p, err := r.page("state", "userId", "name")
	if err != nil {
		return err
	}
	state, userID, name := account.State(r.query("state")), r.query("userId"), r.query("name")
	switch {
	case state != "" && !slices.Contains(accountStates, state):
		return fault.Field("state", "give creating, active, deleting or deleted")
	case userID != "" && name != "":
		return fault.Field("name", "give userId or name, not both")
	case len(userID) > 128:
		return fault.Field("userId", "give Google's user id, at most 128 characters")
	case utf8.RuneCountInString(name) > 254:
		return fault.Field("name", "give the account's name as the device reports it, at most 254 characters")
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	read := func(p record.Page) ([]account.Account, string, error) { return o.DB.Accounts(r.Context(), e.ID, p) }
	switch {
	case userID != "":
		read = func(record.Page) ([]account.Account, string, error) { return o.ofUser(r, e, userID) }
	case name != "":
		read = func(p record.Page) ([]account.Account, string, error) {
			return o.DB.AccountsByName(r.Context(), e.ID, name, p)
		}
	}
	accounts, next, err := filtered(p, read, func(a account.Account) bool { return state == "" || a.State == state })
	if err != nil {
		return err
	}
	items := make([]accountView, len(accounts))
	for i, a := range accounts {
		items[i] = viewAccount(a)
	}
	return list(r, items, next)
}

// ofUser returns the account of Google's user id, or none.
func (o *Office) ofUser(r *request, e enterprise.Enterprise, userID string) ([]account.Account, string, error) {
	a, err := o.DB.AccountByUser(r.Context(), e.Play, userID)
	if fault.KindOf(err) == fault.NotFound || err == nil && a.Enterprise != e.ID {
		return nil, "", nil
	}
	return []account.Account{a}, "", err
}

func (o *Office) showAccount(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	id, err := r.id("account")
	if err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	a, err := o.DB.Account(r.Context(), id)
	if err == nil && a.Enterprise != e.ID {
		err = missing("account", id)
	}
	if err != nil {
		return err
	}
	v := accountDetail{accountView: viewAccount(a), Bindings: make([]bindingView, len(a.Bindings))}
	for i, b := range a.Bindings {
		v.Bindings[i] = viewBinding(b)
	}
	return api.WriteJSON(r.w, http.StatusOK, v)
}
