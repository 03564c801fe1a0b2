package checkin_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/functions/checkin"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// TestCheckIn_MailTroubleLeavesAccountsAlone: what is wrong with mail is logged, the
// device is told of its account, and of mail once it is mended.
func TestCheckIn_MailTroubleLeavesAccountsAlone(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for name, tc := range map[string]struct {
		breaks func(*office)
		told   []string
		asked  bool // the password may have been asked for
	}{
		"the book":     {func(o *office) { o.desk.Settings = failing{o.desk.Settings, 1} }, []string{"addAccount "}, false},
		"the person":   {func(o *office) { o.desk.Settings = failing{o.desk.Settings, 2} }, []string{"addAccount "}, false},
		"the password": {func(o *office) { o.desk.Settings = failing{o.desk.Settings, 3} }, []string{"addAccount "}, false},
		"the clients": {func(o *office) {
			o.desk.Passwords = func(context.Context) (checkin.Passwords, error) { return nil, down }
		}, []string{"applySetting voice", "addAccount "}, false},
		"the key": {func(o *office) { o.pusher.Keys = keyless{o.pusher.Keys} }, []string{"applySetting voice", "addAccount "}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, sales(), voice())
			h := o.handset()
			h.change(func(d *device.Device) { d.Desired.AccountID = "a" })
			whole, keys, open := o.desk.Settings, o.pusher.Keys, o.desk.Passwords
			tc.breaks(o)
			if diff := cmp.Diff(tc.told, list(h.checkIn())); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if o.log.Len() == 0 || !h.row().Mail.Due {
				t.Errorf("nothing tells of it, or the settings are forgotten: %v", h.row().Mail)
			}
			o.desk.Settings, o.pusher.Keys, o.desk.Passwords = whole, keys, open
			if diff := cmp.Diff([]string{"applySetting sales", "applySetting voice", "addAccount "}, list(h.checkIn())); diff != "" {
				t.Errorf("told once it is mended (-want +got):\n%s", diff)
			}
		})
	}
}

// failing is a store in which one sort of row cannot be read.
type failing struct {
	checkin.Settings
	row int
}

func (f failing) MailBook(ctx context.Context, ent string) (mail.Book, error) {
	if f.row == 1 {
		return mail.Book{}, errors.New("damaged")
	}
	return f.Settings.MailBook(ctx, ent)
}

func (f failing) Person(ctx context.Context, key string) (person.Person, error) {
	if f.row == 2 {
		return person.Person{}, errors.New("damaged")
	}
	return f.Settings.Person(ctx, key)
}

func (f failing) Password(ctx context.Context, ent, key string) (password.Ledger, error) {
	if f.row == 3 {
		return password.Ledger{}, errors.New("damaged")
	}
	return f.Settings.Password(ctx, ent, key)
}
