package push

import (
	"context"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
)

// remembered is how long the policy and the configuration of an enterprise are used
// before they are read again.
const remembered = 30 * time.Second

// known is what was read of enterprises. Its zero value is empty.
type known struct {
	mu  sync.Mutex
	all map[string]remembrance
}

type remembrance struct {
	at     time.Time
	policy password.Policy
	config directory.Config
}

// enterprise is whose password is pushed.
type enterprise struct {
	id     string
	policy password.Policy
	mode   directory.Mode
	google Google
	// off is why nobody's password can be pushed at present.
	off error
}

// enterprise reads policy and configuration. What is missing is not remembered, for
// an admin is about to mend it.
func (p *Pusher) enterprise(ctx context.Context, id string) (enterprise, error) {
	e := enterprise{id: id}
	r, ok := p.known.get(id, p.Now())
	if !ok {
		var err error
		if r.policy, err = p.DB.PasswordPolicy(ctx, id); err != nil {
			e.off = off()
			return e, unless(err, fault.NotFound)
		}
		e.policy = r.policy
		if r.config, err = p.DB.Directory(ctx, id); err != nil {
			e.off = unlinked()
			return e, unless(err, fault.NotFound)
		}
		r.at = p.Now()
		p.known.put(id, r)
	}
	e.policy, e.mode = r.policy, r.config.Mode
	if e.google, e.off = p.Google(ctx, r.config); e.off != nil {
		e.google = nil
	}
	return e, nil
}

// unless returns err, or nil where it is of the kind.
func unless(err error, k fault.Kind) error {
	if fault.KindOf(err) == k {
		return nil
	}
	return err
}

func (k *known) get(id string, now time.Time) (remembrance, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.all[id]
	return r, ok && now.Sub(r.at) < remembered
}

func (k *known) put(id string, r remembrance) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[string]remembrance{}
	}
	k.all[id] = r
}
