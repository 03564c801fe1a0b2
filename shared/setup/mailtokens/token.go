package mailtokens

import (
	"context"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// Kept returns what is kept for a mailbox, a token or a refusal that is still believed,
// without asking Google; known is false where nothing is.
func (m *Mint) Kept(ctx context.Context, ent, mailbox string, s mailclient.Scope) (tok google.AccessToken, known bool, err error) {
	tok, known, err = m.of(ent).Kept(ctx, person.MailKey(mailbox), scopes(s))
	return tok, known, explained(err)
}

// Token returns a token for a mailbox: a kept one, or one that is fetched now, for all
// who ask for it at the same time. Its errors are those of google.Tokens and
// google.Caller, with ReasonLater where ctx ends first, and ReasonCredential. Who gives
// up finds the token when they ask again.
func (m *Mint) Token(ctx context.Context, ent, mailbox string, s mailclient.Scope) (google.AccessToken, error) {
	if tok, known, err := m.Kept(ctx, ent, mailbox, s); known {
		return tok, err
	}
	if err := m.barred(ent); err != nil {
		return google.AccessToken{}, err
	}
	if ctx.Err() != nil {
		return google.AccessToken{}, Later(ctx)
	}
	subject := person.MailKey(mailbox)
	fetched := m.flight.DoChan(ent+" "+string(s)+" "+subject, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return m.fetch(ctx, ent, subject, s)
	})
	select {
	case <-ctx.Done():
		return google.AccessToken{}, Later(ctx)
	case r := <-fetched:
		tok, _ := r.Val.(google.AccessToken)
		return tok, r.Err
	}
}

// fetch asks Google, and again where that is worth it.
func (m *Mint) fetch(ctx context.Context, ent, subject string, s mailclient.Scope) (tok google.AccessToken, err error) {
	var answer error
	attempt := 0
	err = m.caller.Do(ctx, ent, op, true, func(ctx context.Context) (err error) {
		attempt++
		tok, answer = m.of(ent).Token(ctx, subject, scopes(s))
		outcome := "ok"
		if answer != nil {
			outcome = fault.ReasonOf(answer)
		}
		m.opt.Observe(op, outcome, attempt)
		if fault.ReasonOf(answer) == google.ReasonKey {
			// Tokens itself keeps everybody from asking with a broken key, and says why; a
			// breaker on top would say that calls are paused.
			return nil
		}
		return answer
	})
	if err == nil {
		err = answer
	}
	if err != nil {
		err = m.believe(ent, explained(err))
	}
	return tok, err
}

func (m *Mint) of(ent string) *google.Tokens {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tokens[ent]
	if t == nil {
		t = m.opt.Source(ent)
		m.tokens[ent] = t
	}
	return t
}

var full, imapAdmin = google.NewScopes(mailclient.Full.URL()), google.NewScopes(mailclient.IMAPAdmin.URL())

func scopes(s mailclient.Scope) google.Scopes {
	switch s {
	case mailclient.IMAPAdmin:
		return imapAdmin
	case mailclient.Full:
		return full
	}
	return google.NewScopes(s.URL()) // none, which Google refuses
}

// Later is the error of whose time ended before the token was there; ctx has ended.
func Later(ctx context.Context) error {
	return fault.Wrap(ctx.Err(), fault.Transient, ReasonLater, "The token was not there in time; ask again for this mailbox.").After(5 * time.Second)
}

// explained says in words what a missing credential is.
func explained(err error) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	return fault.Wrap(err, fault.Permanent, ReasonCredential,
		"No Google credential is imported for this enterprise; an admin imports one with rollcall credential import.")
}
