package mailtoken

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
)

const (
	// decided is how long it is remembered whose labels count for a mailbox: so long
	// does a person's mailbox stay readable once they left or lost the label.
	decided = 60 * time.Second
	// maxDecided bounds how many mailboxes that is remembered of.
	maxDecided = 50_000
)

// owned is what is known of a mailbox: the labels of whom it belongs to.
type owned struct {
	labels []string
	at     time.Time
}

type setting struct {
	mode directory.Mode
	at   time.Time
}

// allowed reports whether the client may have the mailbox. known is false where the
// store has to be asked, which is done only if ask is true.
func (s *Issuer) allowed(ctx context.Context, c *caller, mailbox string, ask bool) (yes, known bool, err error) {
	if c.may.ByAddress(mailbox) {
		return true, true, nil
	}
	if !c.may.UsesLabels() {
		return false, true, nil
	}
	// What is remembered is of the mailbox, not of the client: whatever an admin changes
	// about a client holds once its row is read again.
	key, now := c.Enterprise+" "+person.MailKey(mailbox), s.now()
	if o, ok := s.owners.get(key, now); ok && now.Sub(o.at) < decided {
		return c.may.ByLabels(o.labels), true, nil
	}
	if !ask {
		return false, false, nil
	}
	v, err, _ := s.flights.Do("labels "+key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reading)
		defer cancel()
		labels, err := s.labels(ctx, c.Enterprise, mailbox)
		if err == nil {
			s.owners.put(key, owned{labels, now}, now)
		}
		return labels, err
	})
	if err != nil {
		return false, true, err
	}
	return c.may.ByLabels(v.([]string)), true, nil
}

// labels asks the store whose mailbox it is.
func (s *Issuer) labels(ctx context.Context, ent, mailbox string) ([]string, error) {
	mode, err := s.mode(ctx, ent)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil // without a directory nobody's labels count
	}
	if err != nil {
		return nil, err
	}
	people, err := s.opt.Rows.PeopleByAddress(ctx, ent, mailbox)
	if err != nil {
		return nil, err
	}
	return mailclient.LabelsOf(mode, mailbox, people), nil
}

// mode returns where the enterprise's people come from.
func (s *Issuer) mode(ctx context.Context, ent string) (directory.Mode, error) {
	now := s.now()
	if m, ok := s.modes.get(ent, now); ok && now.Sub(m.at) < remembered {
		return m.mode, nil
	}
	v, err, _ := s.flights.Do("mode "+ent, func() (any, error) {
		cfg, err := s.opt.Rows.Directory(ctx, ent)
		if err == nil {
			s.modes.put(ent, setting{cfg.Mode, now}, now)
		}
		return cfg.Mode, err
	})
	mode, _ := v.(directory.Mode)
	return mode, err
}
