package mailtoken

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

const (
	// remembered is how long a client's row, and an enterprise's mode, is used before it
	// is read again: so long does a revoked client get tokens yet.
	remembered = 30 * time.Second
	// maxClients bounds the rows that are remembered.
	maxClients = 1000
	// reading bounds one read of the store, which is for all who wait for it.
	reading = 10 * time.Second
)

// caller is a mail client that may ask.
type caller struct {
	mailclient.Client
	may mailclient.Permission
	at  time.Time // when the row was read
}

// client returns the active client of an id; anybody else is fault.Unauthorized. What is
// not there is not remembered: somebody is about to create it.
func (s *Issuer) client(ctx context.Context, id string) (*caller, error) {
	now := s.now()
	if c, ok := s.clients.get(id, now); ok && now.Sub(c.at) < remembered {
		return c, nil
	}
	v, err, _ := s.flights.Do("client "+id, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reading)
		defer cancel()
		row, err := s.opt.Rows.MailClient(ctx, id)
		switch {
		case fault.KindOf(err) == fault.NotFound:
			return nil, refusal("mail-client-unknown")
		case err != nil:
			return nil, err
		case row.State != mailclient.Active:
			return nil, refusal("mail-client-revoked")
		}
		c := &caller{row, mailclient.NewPermission(row.Allow), now}
		s.clients.put(id, c, now)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*caller), nil
}

func refusal(reason string) error { return fault.New(fault.Unauthorized, reason, "") }
