package provision

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// labelDevice changes one device's labels, and has its settings looked at.
func (w *Worker) labelDevice(ctx context.Context, cmd workflow.Command, id string) error {
	return w.DB.Update(ctx, func(tx *record.Tx) error {
		d, err := tx.Device(id)
		if err != nil {
			return err
		}
		if d.Enterprise != cmd.Enterprise {
			return errForeign("device", id)
		}
		labels, asked, changed, err := cmd.Relabel(d.Labels, d.LabelsAsked)
		if err != nil || !changed {
			return err
		}
		d.Labels, d.LabelsAsked = labels, asked
		d.Mail.Due = d.Mail.Due || d.State == device.Active
		if err := tx.PutDevice(d); err != nil {
			return err
		}
		return tx.Audit(w.note(cmd, "device:"+id, audit.OK))
	})
}

// labelPerson changes one person's labels, and has the settings of the person's
// devices looked at: also where the labels are as asked for already, for then this
// event may be one that broke off before the devices.
func (w *Worker) labelPerson(ctx context.Context, cmd workflow.Command, key string) error {
	var p person.Person
	err := w.DB.Update(ctx, func(tx *record.Tx) (err error) {
		if p, err = tx.Person(key); err != nil {
			return err
		}
		if p.Enterprise != cmd.Enterprise {
			return errForeign("person", key)
		}
		labels, asked, changed, err := cmd.Relabel(p.Labels, p.LabelsAsked)
		if err != nil || !changed {
			return err
		}
		p.Labels, p.LabelsAsked, p.UpdatedAt = labels, asked, w.Now()
		if err := tx.PutPerson(p); err != nil {
			return err
		}
		return tx.Audit(w.note(cmd, "person:"+key, audit.OK))
	})
	if err != nil {
		return err
	}
	return w.devicesOf(ctx, p, func(d device.Device) error {
		if d.State != device.Active || d.Mail.Due {
			return nil
		}
		return w.lookAtMail(ctx, d.ID)
	})
}

// devicesOf gives do every device of a person that can be read, and reports those
// that cannot when it is through with the others.
func (w *Worker) devicesOf(ctx context.Context, p person.Person, do func(device.Device) error) error {
	broken := 0
	var page record.Page
	for {
		ds, damaged, next, err := w.DB.EveryDeviceOfPerson(ctx, p.Enterprise, p.ID, page)
		if err != nil {
			return err
		}
		broken += damaged
		for _, d := range ds {
			if err := do(d); err != nil {
				return err
			}
		}
		if page.Next = next; next != "" {
			continue
		}
		if broken > 0 {
			return fault.New(fault.Permanent, "record-damaged",
				"%d stored devices of the person cannot be read; restore them from a backup", broken)
		}
		return nil
	}
}

// lookAtMail has a device's settings looked at when it next checks in.
func (w *Worker) lookAtMail(ctx context.Context, id string) error {
	return w.DB.Update(ctx, func(tx *record.Tx) error {
		d, err := tx.Device(id)
		if err != nil || d.State != device.Active || d.Mail.Due {
			return err
		}
		d.Mail.Due = true
		return tx.PutDevice(d)
	})
}
