package admin

import (
	"context"
	"encoding/json"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// statusView counts what an enterprise has.
type statusView struct {
	Enterprise string           `json:"enterprise"`
	State      enterprise.State `json:"state"`
	// Devices counts devices by status, and Accounts accounts by state.
	Devices  counts `json:"devices"`
	Accounts counts `json:"accounts"`
	// Passwords counts generated passwords by state.
	Passwords counts `json:"passwords"`
	// Directory is one word for how its directory stands, empty where it has none:
	// synced, syncing, quarantined, behind (the last run did not end well), or waiting for the
	// first one.
	Directory string `json:"directory,omitempty"`
	// Truncated says that there is more than was counted.
	Truncated bool `json:"truncated,omitzero"`
}

// counts is in order of its words in every reply, so that replies can be compared.
type counts map[string]int

// MarshalJSON implements json.Marshaler.
func (c counts) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]int(c)) }

// maxCounted bounds how many devices one request reads, how many accounts, people and
// passwords.
const maxCounted = 10_000

// showStatus counts for one enterprise, or for a page of all of them.
func (o *Office) showStatus(r *request) error {
	p, err := r.page("enterprise")
	if err != nil {
		return err
	}
	var enterprises []enterprise.Enterprise
	next := ""
	if id := r.query("enterprise"); id != "" {
		if err := enterprise.CheckID(id); err != nil {
			return missing("enterprise", id)
		}
		e, err := o.DB.Enterprise(r.Context(), id)
		if err != nil {
			return err
		}
		enterprises = []enterprise.Enterprise{e}
	} else if enterprises, next, err = o.DB.Enterprises(r.Context(), p); err != nil {
		return err
	}
	left := unread{maxCounted, maxCounted, maxCounted}
	items := make([]statusView, len(enterprises))
	for i, e := range enterprises {
		if items[i], err = o.count(r.Context(), e, &left); err != nil {
			return err
		}
	}
	return list(r, items, next)
}

// unread is how much of each one request may still read.
type unread struct{ devices, accounts, passwords int }

func (o *Office) count(ctx context.Context, e enterprise.Enterprise, left *unread) (statusView, error) {
	v := statusView{Enterprise: e.ID, State: e.State}
	var more bool
	var err error
	if v.Directory, err = o.directoryWord(ctx, e.ID); err != nil {
		return v, err
	}
	readDevices := func(p record.Page) ([]device.Device, string, error) { return o.DB.Devices(ctx, e.ID, p) }
	v.Devices, v.Truncated, err = tally(&left.devices, readDevices, func(d device.Device) string { return d.Status() })
	if err != nil {
		return v, err
	}
	readAccounts := func(p record.Page) ([]account.Account, string, error) { return o.DB.Accounts(ctx, e.ID, p) }
	v.Accounts, more, err = tally(&left.accounts, readAccounts, func(a account.Account) string { return string(a.State) })
	if v.Truncated = v.Truncated || more; err != nil {
		return v, err
	}
	v.Passwords, more, err = tally(&left.passwords, o.passwordRows(ctx, e.ID), func(l password.Ledger) string { return string(l.State) })
	v.Truncated = v.Truncated || more
	return v, err
}

func (o *Office) directoryWord(ctx context.Context, ent string) (string, error) {
	if _, err := o.DB.Directory(ctx, ent); err != nil {
		if fault.KindOf(err) == fault.NotFound {
			err = nil
		}
		return "", err
	}
	s, run, err := o.current(ctx, ent)
	switch {
	case err != nil:
		return "", err
	case run.Phase == directory.Quarantined:
		return "quarantined", nil
	case run.ID != "" && !run.Phase.Ended():
		return "syncing", nil
	case s.LastTried.IsZero():
		return "waiting", nil
	case s.LastTried.After(s.LastDone):
		return "behind", nil
	}
	return "synced", nil
}

// tally counts the items of a listing by word, takes what it read off left, and
// reports whether there is more.
func tally[T any](left *int, read func(record.Page) ([]T, string, error), word func(T) string) (counts, bool, error) {
	n := counts{}
	p := record.Page{}
	for *left > 0 {
		p.Limit = min(maxLimit, *left)
		items, next, err := read(p)
		if err != nil {
			return nil, false, err
		}
		for _, v := range items {
			n[word(v)]++
		}
		*left -= len(items)
		if next == "" {
			return n, false, nil
		}
		p.Next = next
	}
	return n, true, nil
}
