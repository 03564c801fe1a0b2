package provision

import (
	"context"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// Renewer replaces passwords; see push.Pusher.
type Renewer interface {
	Renew(ctx context.Context, r push.Renewal) (changed bool, err error)
}

// renew renews a page of a command's people, and with Now hands the new passwords
// out before the next page.
func (w *Worker) renew(ctx context.Context, cmd workflow.Command) error {
	if _, err := w.policy(ctx, cmd.Enterprise); err != nil {
		return err
	}
	keys, rest, err := w.toRenew(ctx, cmd)
	if err != nil {
		return err
	}
	var due []password.Ledger
	err = w.items(ctx, cmd, "person:", keys, func(ctx context.Context, cmd workflow.Command, key string) error {
		l, err := w.renewPerson(ctx, cmd, key)
		due = append(due, l)
		return err
	})
	if err != nil {
		return err
	}
	if cmd.Now {
		if _, err := w.Dispatch.Offer(ctx, cmd.Enterprise, due); err != nil {
			return err
		}
	}
	if rest == nil {
		return nil
	}
	return w.goOn(ctx, *rest)
}

// policy returns an enterprise's password policy; without one there is nothing to
// renew.
func (w *Worker) policy(ctx context.Context, ent string) (password.Policy, error) {
	p, err := w.DB.PasswordPolicy(ctx, ent)
	if fault.KindOf(err) == fault.NotFound {
		err = fault.Wrap(err, fault.Conflict, password.ReasonOff, "the enterprise has no password policy; set one first")
	}
	return p, err
}

// renewPerson renews one password, and with Now returns the row, for a worker to be
// told. Whoever has no password needs no new one; an admin who named the person is
// told so in the trail.
func (w *Worker) renewPerson(ctx context.Context, cmd workflow.Command, key string) (password.Ledger, error) {
	r := push.Renewal{Enterprise: cmd.Enterprise, Person: key, Asked: cmd.RequestedAt, When: password.When(cmd.Now),
		Actor: cmd.RequestedBy, RequestID: cmd.RequestID}
	changed, err := w.Passwords.Renew(ctx, r)
	if err != nil || !cmd.Now && (changed || cmd.All) {
		return password.Ledger{}, err
	}
	l, err := w.DB.Password(ctx, cmd.Enterprise, key)
	if err != nil || l.State != password.None || len(cmd.People) == 0 {
		return l, err
	}
	p, err := w.DB.Person(ctx, key)
	if err != nil {
		return l, err
	}
	if p.Enterprise != cmd.Enterprise {
		return l, errForeign("person", key)
	}
	return l, w.DB.AppendAudit(ctx, w.note(cmd, "person:"+key, "no-password"))
}

// toRenew returns whom one event renews, and the command for the rest, if any.
func (w *Worker) toRenew(ctx context.Context, cmd workflow.Command) (keys []string, rest *workflow.Command, err error) {
	next := cmd
	switch {
	case !cmd.All:
		n := min(pageSize, len(cmd.People))
		if keys, next.People = cmd.People[:n], cmd.People[n:]; len(next.People) == 0 {
			return keys, nil, nil
		}
		return keys, &next, nil
	case cmd.HavingLabel != "":
		keys, next.Next, err = w.labelled(ctx, cmd)
	default:
		var rows []password.Ledger
		var damaged int
		rows, damaged, next.Next, err = w.DB.EveryPassword(ctx, cmd.Enterprise, record.Page{Next: cmd.Next, Limit: pageSize})
		w.damaged(ctx, cmd, "passwords", damaged)
		for _, l := range rows {
			keys = append(keys, l.Person)
		}
	}
	if err != nil || next.Next == "" {
		return keys, nil, err
	}
	return keys, &next, nil
}

// The two halves of a walk for a label, as they begin the command's Next.
const (
	overDevices = "d"
	overPeople  = "p"
)

// labelled returns the people of one page who have the label: first by way of all
// devices of the enterprise, then of all people. That costs one read for each device
// and each person, and none for one of the other's; whoever is found both ways is
// renewed once, since the second renewal is as old as the first.
func (w *Worker) labelled(ctx context.Context, cmd workflow.Command) (keys []string, next string, err error) {
	half, cursor := overDevices, ""
	if cmd.Next != "" {
		half, cursor = cmd.Next[:1], cmd.Next[1:]
	}
	page := record.Page{Next: cursor, Limit: scanSize}
	var damaged int
	if half == overPeople {
		var ps []person.Person
		ps, damaged, next, err = w.DB.EveryPerson(ctx, cmd.Enterprise, page)
		w.damaged(ctx, cmd, "people", damaged)
		for _, p := range ps {
			if slices.Contains(p.Labels, cmd.HavingLabel) {
				keys = append(keys, p.Key)
			}
		}
		if next != "" {
			next = overPeople + next
		}
		return keys, next, err
	}
	ds, damaged, next, err := w.DB.EveryDevice(ctx, cmd.Enterprise, page)
	w.damaged(ctx, cmd, "devices", damaged)
	for _, d := range ds {
		if id, ok := d.PersonID(); ok && d.State == device.Active && slices.Contains(d.Labels, cmd.HavingLabel) {
			keys = append(keys, person.KeyOf(cmd.Enterprise, id))
		}
	}
	slices.Sort(keys)
	if next == "" {
		return slices.Compact(keys), overPeople, err
	}
	return slices.Compact(keys), overDevices + next, err
}

// lost renews the password of a device's person at once where the policy says so: the
// device is lost, or was the person's last.
func (w *Worker) lost(ctx context.Context, cmd workflow.Command, d device.Device) error {
	id, ok := d.PersonID()
	if !ok {
		return nil
	}
	p, err := w.DB.PasswordPolicy(ctx, cmd.Enterprise)
	if err != nil || !p.RotateOnLoss {
		return known(err)
	}
	if !cmd.Lost {
		others := false
		err := w.devicesOf(ctx, person.Person{Enterprise: cmd.Enterprise, ID: id}, func(d device.Device) error {
			others = others || d.State == device.Active
			return nil
		})
		if err != nil || others {
			return err
		}
	}
	cmd.Now = true
	l, err := w.renewPerson(ctx, cmd, person.KeyOf(cmd.Enterprise, id))
	if err != nil {
		return err
	}
	_, err = w.Dispatch.Offer(ctx, cmd.Enterprise, []password.Ledger{l})
	return err
}
