package mailtoken

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/setup/mailtokens"
	"github.com/rollcall-emm/rollcall/shared/xoauth2"
)

const (
	// budget is how long one request may take: it ends before a client gives it up.
	// What is not ready by then is asked for again.
	budget = 25 * time.Second
	// workers is how many mailboxes of one request are worked on at once.
	workers = 32
	// pause is when to ask again where nobody says.
	pause = 10 * time.Second
)

// Mint gets tokens; *mailtokens.Mint does.
type Mint interface {
	// Kept returns what is known of a mailbox without asking Google.
	Kept(ctx context.Context, ent, mailbox string, s mailclient.Scope) (tok google.AccessToken, known bool, err error)
	// Token asks Google where that is needed.
	Token(ctx context.Context, ent, mailbox string, s mailclient.Scope) (google.AccessToken, error)
}

// issue answers for each mailbox, in order. What is known without asking anybody is
// answered first; the others share what is left of the budget.
func (s *Issuer) issue(ctx context.Context, c *caller, mailboxes []string) []mailclient.TokenItem {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	items := make([]mailclient.TokenItem, len(mailboxes))
	var open []int
	for i, m := range mailboxes {
		if item, ok := s.known(ctx, c, m); ok {
			items[i] = item
		} else {
			open = append(open, i)
		}
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(workers, len(open)) {
		wg.Go(func() {
			for i := range next {
				items[i] = s.find(ctx, c, mailboxes[i])
			}
		})
	}
	for _, i := range open {
		next <- i
	}
	close(next)
	wg.Wait()
	return items
}

// known answers from what is remembered.
func (s *Issuer) known(ctx context.Context, c *caller, mailbox string) (mailclient.TokenItem, bool) {
	yes, known, err := s.allowed(ctx, c, mailbox, false)
	if err != nil || !known {
		return mailclient.TokenItem{}, false
	}
	if !yes {
		return notAllowed(mailbox), true
	}
	tok, known, err := s.opt.Mint.Kept(ctx, c.Enterprise, mailbox, c.Scope)
	if !known {
		return mailclient.TokenItem{}, false
	}
	return s.item(ctx, c, mailbox, tok, err), true
}

// find answers by asking the store and Google.
func (s *Issuer) find(ctx context.Context, c *caller, mailbox string) mailclient.TokenItem {
	if ctx.Err() != nil {
		return s.refused(ctx, c, mailbox, mailtokens.Later(ctx))
	}
	yes, _, err := s.allowed(ctx, c, mailbox, true)
	switch {
	case err != nil:
		return s.refused(ctx, c, mailbox, err)
	case !yes:
		return notAllowed(mailbox)
	}
	tok, err := s.opt.Mint.Token(ctx, c.Enterprise, mailbox, c.Scope)
	return s.item(ctx, c, mailbox, tok, err)
}

func (s *Issuer) item(ctx context.Context, c *caller, mailbox string, tok google.AccessToken, err error) mailclient.TokenItem {
	if err != nil {
		return s.refused(ctx, c, mailbox, err)
	}
	response, err := xoauth2.Encoded(person.MailKey(mailbox), tok.Value)
	if err != nil {
		return s.refused(ctx, c, mailbox, err)
	}
	return mailclient.TokenItem{
		Mailbox: mailbox, AccessToken: tok.Value, ExpiresAt: tok.Expiry.UTC().Truncate(time.Second), XOAUTH2: response,
	}
}

func notAllowed(mailbox string) mailclient.TokenItem {
	return mailclient.TokenItem{Mailbox: mailbox, Reason: mailclient.ReasonNotAllowed,
		Detail: "This mail client may not have this mailbox, or there is none."}
}

// refused says why there is no token. Only what is public of err shows; a cause that
// nobody classified is logged.
func (s *Issuer) refused(ctx context.Context, c *caller, mailbox string, err error) mailclient.TokenItem {
	item := mailclient.TokenItem{Mailbox: mailbox, Reason: "unavailable", Detail: "Rollcall could not get a token now; ask again later."}
	f := fault.As(err)
	if f == nil || f.Kind == fault.Unknown {
		s.opt.Log.LogAttrs(ctx, slog.LevelError, "no mail token", slog.String("who", actor(c)), slog.String("error", err.Error()))
		item.RetryAfterSeconds = seconds(pause)
		return item
	}
	if f.Reason != "" {
		item.Reason = f.Reason
	}
	if f.Public != "" {
		item.Detail = f.Public
	}
	switch {
	case f.RetryAfter > 0:
		item.RetryAfterSeconds = seconds(f.RetryAfter)
	case f.Kind == fault.Transient, f.Kind == fault.Exhausted:
		item.RetryAfterSeconds = seconds(pause)
	}
	return item
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
