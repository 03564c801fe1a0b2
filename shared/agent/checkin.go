package agent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// maxRounds bounds the check-ins of one CheckIn. The usual ones are two: one that
// brings directives, and one that reports them done.
const maxRounds = 4

// maxOutcomes is how many outcomes a check-in carries.
const maxOutcomes = 50

// CheckInResult is what one CheckIn came to.
type CheckInResult struct {
	// Converged says that the server wants nothing more of the device.
	Converged bool
	// Rounds is how many check-ins were answered, 1 to 4; 0 with an error.
	Rounds int
	// Outcomes are those of the directives that were followed, in order. A failed
	// one is not an error: the server knows it, and says what to do next time.
	Outcomes []protocol.Outcome
	// Pending are the directives of the last reply; empty when Converged.
	Pending []protocol.Directive
	// Unknown are those of Pending whose kind this agent does not know.
	Unknown []protocol.Directive
	// Blocked is why a token was refused, such as reason needs-operator or
	// device-limit; nil if none was.
	Blocked *Problem
	// Next is when to check in again, as the server says it.
	Next time.Duration
}

// CheckIn reports, follows the directives in order, and reports what became of
// them at once, for at most four rounds. After a directive about an account that
// failed, those about accounts behind it are left, for they may rest on it; what the
// server wants then is for the next CheckIn, so that a device that cannot add its
// account does not use up its tokens in one go. Mail settings go on all the same, and
// one that failed is left by itself.
//
// An error means that the server could not be reached or refused the report, that
// the state could not be saved, or that Play could not list the accounts. Calling
// again is always right, in the time that Run would wait.
func (a *Agent) CheckIn(ctx context.Context) (CheckInResult, error) {
	var r CheckInResult
	if err := a.lock(ctx); err != nil {
		return r, err
	}
	defer a.unlock()
	if a.state.DeviceID == "" {
		return r, ErrNotEnrolled
	}
	var v visit
	for again := true; again; {
		reply, err := a.report(ctx)
		if err != nil {
			return r, err
		}
		r.take(reply, a.knows)
		a.rest = r.Next
		if r.Rounds == maxRounds {
			break
		}
		if again, err = a.follow(ctx, reply.Directives, &v, &r); err != nil {
			return r, err
		}
	}
	if r.Blocked != nil {
		r.Next = max(r.Next, r.Blocked.RetryAfter)
	}
	r.Converged = len(r.Pending) == 0 && len(a.state.Outcomes) == 0
	return r, nil
}

func (r *CheckInResult) take(reply protocol.CheckInReply, knows func(protocol.DirectiveKind) bool) {
	r.Rounds++
	r.Next = time.Duration(reply.NextCheckInSeconds) * time.Second
	r.Pending, r.Unknown = reply.Directives, nil
	for _, d := range reply.Directives {
		if !knows(d.Kind) {
			r.Unknown = append(r.Unknown, d)
		}
	}
}

// report makes one check-in, and forgets the outcomes that it carried.
func (a *Agent) report(ctx context.Context) (protocol.CheckInReply, error) {
	accounts, err := a.accounts(ctx)
	if err != nil {
		return protocol.CheckInReply{}, err
	}
	a.recover(accounts)
	req := protocol.CheckInRequest{
		AndroidID: a.androidID(),
		Accounts:  accounts,
		Outcomes:  slices.Clone(a.state.Outcomes[:min(len(a.state.Outcomes), maxOutcomes)]),
	}
	reply, err := a.client.CheckIn(ctx, a.state.Endpoints.CheckIn, req)
	if err != nil {
		return reply, err
	}
	if len(req.Outcomes) == 0 && a.state.Adding == nil {
		return reply, nil
	}
	a.state.Outcomes = slices.Delete(a.state.Outcomes, 0, len(req.Outcomes))
	a.state.Adding = nil
	return reply, a.save()
}

// accounts returns Play's accounts, never nil: the protocol wants a list.
func (a *Agent) accounts(ctx context.Context) ([]protocol.Account, error) {
	accounts, err := a.cfg.Play.Accounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the device's accounts: %w", err)
	}
	if accounts == nil {
		accounts = []protocol.Account{}
	}
	return accounts, nil
}

// recover says what became of an addition that was cut off; see the package's
// comment. What it finds need not be saved: until the check-in was answered, it
// would be found again.
func (a *Agent) recover(accounts []protocol.Account) {
	if a.state.Adding == nil {
		return
	}
	var more []string
	for _, x := range accounts {
		if !slices.Contains(a.state.Adding.Before, x.Name) {
			more = append(more, x.Name)
		}
	}
	id := a.state.Adding.DirectiveID
	known := slices.ContainsFunc(a.state.Outcomes, func(o protocol.Outcome) bool { return o.DirectiveID == id })
	if len(more) == 1 && !known {
		a.state.Outcomes = append(a.state.Outcomes, protocol.Outcome{DirectiveID: id, Result: protocol.Done, AccountName: more[0]})
	}
}
