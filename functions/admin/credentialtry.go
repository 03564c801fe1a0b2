package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// tryTime is how long Google is given for all tokens of a trial.
const tryTime = 25 * time.Second

// triedScope is a scope that Google gave a token for.
type triedScope struct {
	Scope string `json:"scope"`
	// Subject is whom the token acts for; empty is the service account itself.
	Subject string `json:"subject,omitempty"`
}

// situation returns what an enterprise has configured that needs its credential.
func (o *Office) situation(ctx context.Context, enterprise string) (doctor.Situation, error) {
	s := doctor.Situation{Enterprise: enterprise}
	dir, err := o.DB.Directory(ctx, enterprise)
	switch {
	case err == nil:
		s.Directory = &dir
	case fault.KindOf(err) != fault.NotFound:
		return s, err
	}
	policy, err := o.DB.PasswordPolicy(ctx, enterprise)
	switch {
	case err == nil:
		s.Passwords = &policy
	case fault.KindOf(err) != fault.NotFound:
		return s, err
	}
	var end ending
	clients := every(maxCounted, func(p record.Page) ([]mailclient.Client, string, error) { return o.mailClients(ctx, enterprise, p) }, &end)
	for c := range clients {
		if c.State == mailclient.Active {
			s.Clients = append(s.Clients, c)
		}
	}
	return s, end.err
}

// try asks Google for a token with a credential that is not stored yet: one for the
// service account itself, and one for each scope that the enterprise uses, as the
// administrator whom its directory names. Where there is none, and no mail client has a
// mailbox in its list, nobody is known to act for: those scopes are untried. The error
// says in words which failed and what to do; then the credential must not be stored.
func (o *Office) try(ctx context.Context, enterprise string, c credential.Credential) (tried []triedScope, untried []string, err error) {
	s, err := o.situation(ctx, enterprise)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	tokens := o.Tokens(enterprise, c.Stored())
	if _, err := patiently(ctx, tokens, "", doctor.ScopeReadUsers); err != nil {
		return nil, nil, refusedAs(err, "nothing is changed, for Google gives the new credential no token: "+publicOf(err))
	}
	var refused grouped
	var worst error
	for _, n := range s.Needs() {
		if n.Optional {
			continue
		}
		subject := s.SubjectFor(n.Scope)
		if subject == "" {
			untried = append(untried, n.Scope)
			continue
		}
		if _, err := patiently(ctx, tokens, subject, n.Scope); err != nil {
			refused.add(publicOf(err), fmt.Sprintf("for %s, needed to %s, as %s", n.Scope, n.For, subject))
			if worst == nil || fault.ReasonOf(err) == google.ReasonConfig {
				worst = err
			}
			continue
		}
		tried = append(tried, triedScope{n.Scope, subject})
	}
	if worst != nil {
		return nil, nil, refusedAs(worst, "nothing is changed, for Google does not give the new credential every token that is in use: "+refused.String())
	}
	return tried, untried, nil
}

// grouped are texts by what they are about, in the order in which they came: one
// cause is told once.
type grouped struct {
	causes []string
	about  map[string][]string
}

func (g *grouped) add(cause, about string) {
	if g.about == nil {
		g.about = map[string][]string{}
	}
	if g.about[cause] == nil {
		g.causes = append(g.causes, cause)
	}
	g.about[cause] = append(g.about[cause], about)
}

func (g *grouped) String() string {
	var parts []string
	for _, cause := range g.causes {
		parts = append(parts, strings.Join(g.about[cause], "; ")+". "+cause)
	}
	return strings.Join(parts, " And ")
}

// refusedAs is a refusal of Google as one of ours: a failure that passes is to be
// tried again, any other is in conflict with what Google has.
func refusedAs(err error, text string) error {
	k := fault.Conflict
	if was := fault.KindOf(err); fault.ReasonOf(err) != google.ReasonConfig && (was == fault.Transient || was == fault.Exhausted) {
		k = fault.Transient
	}
	return fault.Wrap(err, k, "credential-untried", "%s", text)
}
