package admin

import (
	"context"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// renewalView is what a renewal would do (invariant W7).
type renewalView struct {
	DryRun bool `json:"dryRun"`
	// People is how many would get a new password: all who have one.
	People int `json:"people"`
	// ByState counts those who were asked for by where their password stands.
	ByState map[password.State]int `json:"byState"`
	// Sample are some of People.
	Sample    []renewedView `json:"sample"`
	Truncated bool          `json:"truncated,omitzero"`
}

type renewedView struct {
	Person string         `json:"person"`
	Name   string         `json:"name,omitempty"`
	State  password.State `json:"state"`
}

// maxSample is how many people a dry run names.
const maxSample = 20

// previewRenewal tells whom a renewal concerns, and starts nothing.
func (o *Office) previewRenewal(r *request, c workflow.Command) error {
	v := renewalView{DryRun: true, ByState: map[password.State]int{}, Sample: []renewedView{}}
	var err error
	if c.All {
		v.Truncated, err = o.allRenewed(r.Context(), c, &v)
	} else {
		for _, key := range c.People {
			l, lerr := o.DB.Password(r.Context(), c.Enterprise, key)
			if lerr != nil {
				return lerr
			}
			v.add(l)
		}
	}
	if err != nil {
		return err
	}
	for i := range v.Sample {
		if v.Sample[i].Name, _, err = o.nameOf(r.Context(), v.Sample[i].Person); err != nil {
			return err
		}
	}
	return answer(r, v)
}

func (v *renewalView) add(l password.Ledger) {
	v.ByState[l.State]++
	if l.State == password.None {
		return
	}
	if v.People++; len(v.Sample) < maxSample {
		v.Sample = append(v.Sample, renewedView{Person: l.Person, State: l.State})
	}
}

// allRenewed adds everybody who has a password and, where one is asked for, the
// label.
func (o *Office) allRenewed(ctx context.Context, c workflow.Command, v *renewalView) (truncated bool, err error) {
	has := func(string) bool { return true }
	if c.HavingLabel != "" {
		var keys map[string]bool
		if keys, truncated, err = o.havingLabel(ctx, c.Enterprise, c.HavingLabel); err != nil {
			return false, err
		}
		has = func(key string) bool { return keys[key] }
	}
	var end ending
	for l := range every(maxCounted, o.passwordRows(ctx, c.Enterprise), &end) {
		if has(l.Person) {
			v.add(l)
		}
	}
	return truncated || end.more, end.err
}

// havingLabel returns the keys of the people who have a label, or have a device in
// service with it, as the function provision finds them.
func (o *Office) havingLabel(ctx context.Context, enterprise, label string) (keys map[string]bool, truncated bool, err error) {
	keys = map[string]bool{}
	var end ending
	people := func(p record.Page) ([]person.Person, string, error) { return o.DB.People(ctx, enterprise, "", p) }
	for p := range every(maxCounted, people, &end) {
		if slices.Contains(p.Labels, label) {
			keys[p.Key] = true
		}
	}
	if end.err != nil {
		return nil, false, end.err
	}
	truncated = end.more
	devices := func(p record.Page) ([]device.Device, string, error) { return o.DB.Devices(ctx, enterprise, p) }
	for d := range every(maxCounted, devices, &end) {
		if id, ok := d.PersonID(); ok && d.State == device.Active && slices.Contains(d.Labels, label) {
			keys[person.KeyOf(enterprise, id)] = true
		}
	}
	return keys, truncated || end.more, end.err
}
