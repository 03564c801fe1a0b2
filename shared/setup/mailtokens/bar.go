package mailtokens

import (
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// bar is why an enterprise gets no new token for the moment.
type bar struct {
	err   error
	until time.Time
}

// believed is how long a failure that concerns the whole enterprise is believed before
// the next asker finds out whether it is over. Without it each mailbox of a batch would
// wait for its share of the limit, to hear the same.
func believed(reason string) time.Duration {
	switch reason {
	case google.ReasonKey, ReasonCredential:
		return 5 * time.Second
	case google.ReasonPaused, google.ReasonIdentity:
		return time.Second
	}
	return 0
}

// believe notes a failure that concerns the whole enterprise, and returns it with a
// time to come back at.
func (m *Mint) believe(ent string, err error) error {
	f := fault.As(err)
	if f == nil || believed(f.Reason) == 0 {
		return err
	}
	d := believed(f.Reason)
	if f.RetryAfter == 0 {
		f = f.After(30 * time.Second)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// While one asker finds out whether a key works again, the others are told to come
	// back in a second.
	m.bars[ent] = bar{f, m.opt.Now().Add(min(d, f.RetryAfter))}
	return f
}

// barred returns what is believed of the enterprise.
func (m *Mint) barred(ent string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.bars[ent]; m.opt.Now().Before(b.until) {
		return b.err
	}
	return nil
}
