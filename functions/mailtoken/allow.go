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
	// decided is how long it is remembered whose a mailbox is: so long does it stay
	// readable once the person left or lost the label.
	decided = 60 * time.Second
	// maxDecided bounds how many mailboxes that is remembered of.
	maxDecided = 50_000
)

// owned is whose a mailbox is.
type owned struct {
	mailclient.Owner
	at time.Time
}

type setting struct {
	mode directory.Mode
	at   time.Time
}

// allowed reports whether the client may have the mailbox. known is false where the
// store has to be asked, which is done only if ask is true.
func (s *Issuer) allowed(ctx context.Context, c *caller, mailbox string, ask bool) (yes, known bool, err error) {
	if !c.may.Concerns(mailbox) {
		return false, true, nil
	}
	// What is remembered is of the mailbox, not of the client: whatever an admin changes
	// about a client holds once its row is read again.
	key, now := c.Enterprise+" "+person.MailKey(mailbox), s.now()
	if o, ok := s.owners.get(key, now); ok && now.Sub(o.at) < decided {
		return c.may.Allows(mailbox, o.Owner), true, nil
	}
	if !ask {
		return false, false, nil
	}
	v, err, _ := s.flights.Do("owner "+key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reading)
		defer cancel()
		o, err := s.owner(ctx, c.Enterprise, mailbox)
		if err == nil {
			s.owners.put(key, owned{o, now}, now)
		}
		return o, err
	})
	if err != nil {
		return false, true, err
	}
	return c.may.Allows(mailbox, v.(mailclient.Owner)), true, nil
}

// owner asks the store whose mailbox it is.
func (s *Issuer) owner(ctx context.Context, ent, mailbox string) (mailclient.Owner, error) {
	mode, err := s.mode(ctx, ent)
	if fault.KindOf(err) == fault.NotFound {
		return mailclient.Owner{}, nil // without a directory nobody is known
	}
	if err != nil {
		return mailclient.Owner{}, err
	}
	people, err := s.opt.Rows.PeopleByAddress(ctx, ent, mailbox)
	if err != nil {
		return mailclient.Owner{}, err
	}
	return mailclient.OwnerOf(mode, mailbox, people), nil
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
