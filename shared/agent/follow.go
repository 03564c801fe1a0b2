package agent

import (
	"context"
	"net/http"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// visit is what one CheckIn remembers from reply to reply. Accounts and mail settings
// know nothing of each other's failures: what failed for the one holds back nothing of
// the other.
type visit struct {
	// held: a directive about an account failed, or a token was refused. What the
	// server wants then is for the next CheckIn.
	held bool
	// left are the directives about settings that failed, or were put off, by id: not
	// again in this CheckIn.
	left map[string]bool
}

func (v *visit) passes(d protocol.Directive) bool {
	if ofAccount(d.Kind) {
		return v.held
	}
	return v.left[d.ID]
}

// leave notes that a directive was not done.
func (v *visit) leave(d protocol.Directive) {
	if ofAccount(d.Kind) {
		v.held = true
		return
	}
	if v.left == nil {
		v.left = map[string]bool{}
	}
	v.left[d.ID] = true
}

func ofAccount(k protocol.DirectiveKind) bool {
	return k == protocol.AddAccount || k == protocol.RemoveAccount
}

func (a *Agent) knows(k protocol.DirectiveKind) bool {
	return ofAccount(k) || a.cfg.Mail != nil && (k == protocol.ApplySetting || k == protocol.RemoveSetting)
}

// follow does the directives in order and reports whether there is reason to check in
// again at once.
func (a *Agent) follow(ctx context.Context, ds []protocol.Directive, v *visit, r *CheckInResult) (again bool, err error) {
	for _, d := range ds {
		if !a.knows(d.Kind) || v.passes(d) {
			continue
		}
		o, err := a.do(ctx, d)
		if p := problemOf(err); p != nil && p.Status/100 == 4 {
			if p.Status == http.StatusConflict && p.Reason == ReasonStale {
				return true, nil
			}
			if !holds(p) {
				return false, p
			}
			r.Blocked = p
			v.leave(d)
			// But for a plain limit the server now holds the device: its next reply says
			// for how long.
			again = again || p.Status != http.StatusTooManyRequests
			continue
		}
		if err != nil {
			return false, err
		}
		// A cancelled call's failure says nothing of the directive.
		if (o == nil || o.Result == protocol.Failed) && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if o == nil || o.Result == protocol.Failed {
			v.leave(d)
		}
		if o == nil {
			continue
		}
		r.Outcomes = append(r.Outcomes, *o)
		if err := a.conclude(*o); err != nil {
			return false, err
		}
		again = true
	}
	return again, nil
}

// holds reports whether a refusal of a token is one that the device has to live with.
func holds(p *Problem) bool {
	return p.Status == http.StatusConflict || p.Status == http.StatusForbidden || p.Status == http.StatusTooManyRequests
}

// do does one directive. An error means that nothing is known of its outcome; without
// either, nothing is to be reported.
func (a *Agent) do(ctx context.Context, d protocol.Directive) (*protocol.Outcome, error) {
	switch d.Kind {
	case protocol.RemoveAccount:
		return a.remove(ctx, d), nil
	case protocol.AddAccount:
		return a.add(ctx, d.ID)
	}
	return a.setting(ctx, d), nil
}

// remove removes an account. What counts is that it is gone, not how.
func (a *Agent) remove(ctx context.Context, d protocol.Directive) *protocol.Outcome {
	err := a.cfg.Play.RemoveAccount(ctx, d.AccountName)
	if err != nil {
		named := func(x protocol.Account) bool { return x.Name == d.AccountName }
		if left, lerr := a.accounts(ctx); lerr != nil || slices.ContainsFunc(left, named) {
			o := failure(d.ID, err, ReasonRemoveFailed, nil)
			return &o
		}
	}
	return &protocol.Outcome{DirectiveID: d.ID, Result: protocol.Done}
}

func (a *Agent) token(ctx context.Context, directiveID string) (secret.Value, error) {
	req := protocol.TokenRequest{DirectiveID: directiveID, AndroidID: a.androidID()}
	reply, err := a.client.Token(ctx, a.state.Endpoints.Token, req)
	if err != nil {
		return secret.Value{}, err
	}
	return a.cfg.Keys.Open(reply, a.state.DeviceID, directiveID)
}

// add fetches a token and adds an account by it.
func (a *Agent) add(ctx context.Context, id string) (*protocol.Outcome, error) {
	token, err := a.token(ctx, id)
	switch reason := fault.ReasonOf(err); {
	case reason == ReasonUnreadable, reason == ReasonMisdirected:
		return &protocol.Outcome{DirectiveID: id, Result: protocol.Failed, Reason: reason}, nil
	case err != nil:
		return nil, err
	}
	if err := a.intend(ctx, id); err != nil {
		return nil, err
	}
	name, err := a.cfg.Play.AddAccount(ctx, token)
	switch {
	case err != nil:
		o := failure(id, err, ReasonAddFailed, []string{token.Reveal()})
		return &o, nil
	case !validName(name):
		return &protocol.Outcome{DirectiveID: id, Result: protocol.Failed, Reason: ReasonUnnamed}, nil
	}
	return &protocol.Outcome{DirectiveID: id, Result: protocol.Done, AccountName: name}, nil
}

// intend notes what is there before an account is added.
func (a *Agent) intend(ctx context.Context, id string) error {
	accounts, err := a.accounts(ctx)
	if err != nil {
		return err
	}
	intent := &Adding{DirectiveID: id}
	for _, x := range accounts {
		intent.Before = append(intent.Before, x.Name)
	}
	a.state.Adding = intent
	if err := a.save(); err != nil {
		a.state.Adding = nil
		return err
	}
	return nil
}

// conclude keeps an outcome until it is reported. If it cannot be saved it is
// kept in memory all the same; a process that dies then finds Adding instead, or does
// the directive again.
func (a *Agent) conclude(o protocol.Outcome) error {
	same := func(x protocol.Outcome) bool { return x.DirectiveID == o.DirectiveID }
	a.state.Outcomes = append(slices.DeleteFunc(a.state.Outcomes, same), o)
	if a.state.Adding != nil && a.state.Adding.DirectiveID == o.DirectiveID {
		a.state.Adding = nil
	}
	return a.save()
}
