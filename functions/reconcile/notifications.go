package reconcile

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// clocks is how far Google's clock may lie behind ours.
const clocks = 5 * time.Second

// notifications takes Google's word that a device added an account, which comes
// before, after or instead of the device's own.
func (s *Sweeper) notifications(ctx context.Context, sum *Summary) error {
	for range maxBatches {
		set, err := s.Google.PullNotifications(ctx)
		if err != nil || set.SetID == "" {
			return err
		}
		for _, n := range set.Items {
			if n.Type != "newDevice" || n.Device == nil {
				continue
			}
			ok, err := s.confirm(ctx, n)
			switch {
			case fault.Redeliver(err):
				return err // not acknowledged, so Google tells it again
			case err != nil:
				s.Log.LogAttrs(ctx, slog.LevelWarn, "notification not taken", slog.String("reason", fault.ReasonOf(err)))
			case ok:
				sum.Confirmed++
			}
		}
		if err := s.Google.Acknowledge(ctx, set.SetID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sweeper) confirm(ctx context.Context, n play.Notification) (bool, error) {
	found, err := s.DB.AccountByUser(ctx, n.EnterpriseID, n.Device.UserID)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil // another EMM server's, or deleted since
	}
	if err != nil {
		return false, err
	}
	confirmed := false
	err = s.DB.Update(ctx, func(tx *record.Tx) error {
		confirmed = false
		now := s.Now()
		row, err := tx.Account(found.ID)
		if err != nil {
			return err
		}
		for i, b := range row.Bindings {
			if b.AndroidID != n.Device.DeviceID || len(b.Tokens) == 0 {
				continue
			}
			last := b.Tokens[len(b.Tokens)-1]
			if n.Time.Before(last.At.Add(-clocks)) || last.State == token.Added {
				continue
			}
			tokens, changed := b.Tokens.Acknowledge(now, last.DirectiveID, true, "")
			if !changed {
				continue
			}
			row.Bindings[i].Tokens = tokens
			confirmed = true
			if err := tx.PutAccount(row); err != nil {
				return err
			}
			return tx.Audit(s.note(row, now, "token.confirm", "device:"+b.DeviceID))
		}
		return nil
	})
	return confirmed, err
}
