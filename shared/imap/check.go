// Package imap signs in to mailboxes with OAuth tokens, as mail clients do, to check
// that a server takes them (invariant M4).
package imap

import (
	"context"
	"errors"
	"slices"
	"time"

	goimap "github.com/emersion/go-imap/v2"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/pattern"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/xoauth2"
)

// Result is what a sign-in showed.
type Result struct {
	// Messages is how many messages INBOX has.
	Messages int
	// Capabilities are the server's after the sign-in, sorted, 100 at most.
	Capabilities []string
}

// maxCheck bounds a check whose context has no earlier deadline.
const maxCheck = time.Minute

// Check signs in to mailbox at the server with SASL XOAUTH2, looks at the number of
// messages in INBOX, and signs out. It reads no message and changes nothing. The
// server's certificate is always verified. It takes as long as ctx allows, and a
// minute at most.
//
// Errors are fault.Invalid for a server, mailbox or token that cannot be, and else
// have one of this package's reasons. None holds the token or text of the server.
func Check(ctx context.Context, server Server, mailbox string, token secret.Value) (Result, error) {
	if err := server.validate(); err != nil {
		return Result{}, err
	}
	first, err := xoauth2.Response(mailbox, token)
	if err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, maxCheck)
	defer cancel()
	s, err := server.connect(ctx)
	if err != nil {
		return Result{}, err
	}
	defer s.Close()
	exchange := &signIn{first: []byte(first.Reveal())}
	result, err := s.look(exchange)
	if err != nil {
		return Result{}, s.told(ctx, err, exchange.refusal)
	}
	return result, nil
}

// look signs in, looks and signs out.
func (s *session) look(exchange *signIn) (Result, error) {
	if err := s.WaitGreeting(); err != nil {
		return Result{}, err
	}
	offered := s.Caps()
	switch {
	case offered == nil:
		return Result{}, errors.New("no capabilities")
	case s.State() != goimap.ConnStateNotAuthenticated || !offered.Has(goimap.AuthCap(xoauth2.Mechanism)):
		return Result{}, fault.New(fault.Permanent, ReasonMechanism,
			"The mail server does not offer sign-in with SASL XOAUTH2. If it is not Google's, turn XOAUTH2 on there; if it should be Google's, check the host.")
	}
	if err := s.Authenticate(exchange); err != nil {
		return Result{}, err
	}
	inbox, err := s.Status("INBOX", &goimap.StatusOptions{NumMessages: true}).Wait()
	if err != nil {
		return Result{}, err
	}
	result := Result{Capabilities: names(s.Caps())}
	if inbox.NumMessages != nil {
		result.Messages = int(*inbox.NumMessages)
	}
	// What was asked is known: a server that hangs up instead of answering is none
	// the worse for it.
	_ = s.Logout().Wait()
	return result, nil
}

// told tells in words why a session failed.
func (s *session) told(ctx context.Context, err error, refusal *Refusal) error {
	var answer *goimap.Error
	switch {
	case ctx.Err() != nil:
		return late(ctx)
	case fault.As(err) != nil:
		return err
	case errors.As(err, &answer):
		return refused(answer, refusal)
	case refusal != nil:
		return refusal.Fault()
	case s.wire.cut(err):
		return unreached(ctx, errors.New("lost on the way"))
	default:
		return noIMAP.because("the answer makes no sense")
	}
}

// capability is what a capability looks like (RFC 9051, section 9); other names are
// left out.
var capability = pattern.New(`^[A-Za-z0-9+=._:/-]{1,64}$`)

func names(caps goimap.CapSet) []string {
	var out []string
	for c := range caps {
		if capability.MatchString(string(c)) {
			out = append(out, string(c))
		}
	}
	slices.Sort(out)
	return out[:min(len(out), 100)]
}
