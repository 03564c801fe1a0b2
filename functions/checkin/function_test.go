package checkin_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/functions/checkin"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/setup"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// TestOpen_DeliversMail: as the function is deployed, with an enterprise whose
// directory names no Google yet.
func TestOpen_DeliversMail(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sales(), voice())
	h := o.handset()
	o.put(func(tx *record.Tx) error {
		c, err := o.db.Directory(t.Context(), "acme")
		c.Google = nil
		if err != nil {
			return err
		}
		return tx.PutDirectory(c)
	})
	p := setup.NewProcess(setup.Config{
		Secrets: "file", Data: t.TempDir(), PublicURL: "https://emm.example.com", DirectoryRate: 38, AuditDays: 1, PasswordBudget: time.Minute,
	}, slog.New(slog.DiscardHandler))
	p.Now = o.clock
	setup.Use[store.Driver](p, setup.SharedStore, o.driver)
	var err error
	if o.handler, err = checkin.Open(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"applySetting voice"}, list(h.checkIn())); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if l := o.ledger(); l.State != password.Retry || l.Last != password.ReasonNoDirectory || l.Attempts != 0 {
		t.Errorf("the password is %s for %q after %d attempts", l.State, l.Last, l.Attempts)
	}
}
