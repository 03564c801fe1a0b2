package agent

import (
	"context"
	"net/http"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// step is how a CheckIn goes on after directives were followed.
type step int

const (
	stop       step = iota // there is nothing to report
	again                  // check in, and follow what comes
	reportOnly             // check in, and leave what comes for the next CheckIn
)

// follow does the directives in order, up to the first that fails.
func (a *Agent) follow(ctx context.Context, ds []protocol.Directive, r *CheckInResult) (step, error) {
	next := stop
	for _, d := range ds {
		var o protocol.Outcome
		switch d.Kind {
		case protocol.RemoveAccount:
			o = a.remove(ctx, d)
		case protocol.AddAccount:
			token, err := a.token(ctx, d.ID)
			if p := problemOf(err); p != nil && p.Status/100 == 4 {
				return refused(p, next, r)
			}
			if o, err = a.add(ctx, d.ID, token, err); err != nil {
				return stop, err
			}
		default:
			continue
		}
		// A cancelled call's failure says nothing of the directive.
		if o.Result == protocol.Failed && ctx.Err() != nil {
			return stop, ctx.Err()
		}
		r.Outcomes = append(r.Outcomes, o)
		if err := a.conclude(o); err != nil {
			return stop, err
		}
		if o.Result == protocol.Failed {
			return reportOnly, nil
		}
		next = again
	}
	return next, nil
}

// refused decides what follows when the server gives no token.
func refused(p *Problem, next step, r *CheckInResult) (step, error) {
	if p.Status == http.StatusConflict && p.Reason == ReasonStale {
		return again, nil
	}
	if p.Status != http.StatusConflict && p.Status != http.StatusForbidden && p.Status != http.StatusTooManyRequests {
		return stop, p
	}
	r.Blocked = p
	if p.Status == http.StatusTooManyRequests && next == stop {
		return stop, nil
	}
	// The server now holds the device: its next reply says for how long.
	return reportOnly, nil
}

// remove removes an account. What counts is that it is gone, not how.
func (a *Agent) remove(ctx context.Context, d protocol.Directive) protocol.Outcome {
	err := a.cfg.Play.RemoveAccount(ctx, d.AccountName)
	if err != nil {
		named := func(x protocol.Account) bool { return x.Name == d.AccountName }
		if left, lerr := a.accounts(ctx); lerr != nil || slices.ContainsFunc(left, named) {
			return failure(d.ID, err, ReasonRemoveFailed, secret.Value{})
		}
	}
	return protocol.Outcome{DirectiveID: d.ID, Result: protocol.Done}
}

func (a *Agent) token(ctx context.Context, directiveID string) (secret.Value, error) {
	req := protocol.TokenRequest{DirectiveID: directiveID, AndroidID: a.androidID()}
	reply, err := a.client.Token(ctx, a.state.Endpoints.Token, req)
	if err != nil {
		return secret.Value{}, err
	}
	return a.cfg.Keys.Open(reply, a.state.DeviceID, directiveID)
}

// add adds an account by a token, or says why there is no token. Its error means
// that nothing is known of the directive's outcome.
func (a *Agent) add(ctx context.Context, id string, token secret.Value, err error) (protocol.Outcome, error) {
	switch reason := fault.ReasonOf(err); {
	case reason == ReasonUnreadable, reason == ReasonMisdirected:
		return protocol.Outcome{DirectiveID: id, Result: protocol.Failed, Reason: reason}, nil
	case err != nil:
		return protocol.Outcome{}, err
	}
	if err := a.intend(ctx, id); err != nil {
		return protocol.Outcome{}, err
	}
	name, err := a.cfg.Play.AddAccount(ctx, token)
	switch {
	case err != nil:
		return failure(id, err, ReasonAddFailed, token), nil
	case !validName(name):
		return protocol.Outcome{DirectiveID: id, Result: protocol.Failed, Reason: ReasonUnnamed}, nil
	}
	return protocol.Outcome{DirectiveID: id, Result: protocol.Done, AccountName: name}, nil
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
// kept in memory all the same; a process that dies then finds Adding instead.
func (a *Agent) conclude(o protocol.Outcome) error {
	same := func(x protocol.Outcome) bool { return x.DirectiveID == o.DirectiveID }
	a.state.Outcomes = append(slices.DeleteFunc(a.state.Outcomes, same), o)
	if a.state.Adding != nil && a.state.Adding.DirectiveID == o.DirectiveID {
		a.state.Adding = nil
	}
	return a.save()
}
