package examine

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// patient is an enterprise under examination. What a check finds for others it writes
// before it is over, and others read it after that.
type patient struct {
	*Examiner
	limit time.Duration

	enterprise enterprise.Enterprise // without id where it could not be read
	situation  doctor.Situation
	unread     []string // what could not be read of the store

	tokens     *google.Tokens
	caller     *google.Caller
	credential credential.Credential // of the check key
	clockOff   bool                  // of the check clock
	scopes     []*scope              // in order of need
}

// scope is a needed scope with what Google said of it.
type scope struct {
	doctor.Need
	err     error
	granted bool
}

// maxClients is how many mail clients are read.
const maxClients = 1000

// read reads the store, which is one of the things to look at. The error is that there
// is no such enterprise.
func (p *patient) read(ctx context.Context, ent string) (doctor.Line, error) {
	// The others need time, too.
	ctx, cancel := context.WithTimeout(ctx, p.limit/4)
	defer cancel()
	line := check{group: doctor.Service, name: "store"}.line(doctor.Pass, "The store answers.")
	p.situation.Enterprise = ent
	var failure error
	take := func(what string, err error) bool {
		if err == nil || fault.KindOf(err) == fault.NotFound {
			return err == nil
		}
		p.unread, failure = append(p.unread, what), err
		return false
	}
	var err error
	if p.enterprise, err = p.DB.Enterprise(ctx, ent); fault.KindOf(err) == fault.NotFound {
		return line, err
	}
	take("enterprise", err)
	if c, err := p.DB.Directory(ctx, ent); take("directory", err) {
		p.situation.Directory = &c
	}
	if c, err := p.DB.PasswordPolicy(ctx, ent); take("password policy", err) {
		p.situation.Passwords = &c
	}
	if b, err := p.DB.MailBook(ctx, ent); take("mail settings", err) {
		p.situation.Settings = b.Settings
	}
	take("mail clients", p.readClients(ctx, ent))
	if failure == nil {
		return line, nil
	}
	line.Status = doctor.Fail
	line.What = fmt.Sprintf("The store does not give the %s, so what depends on that is not looked at.", strings.Join(p.unread, ", the "))
	line.Advice, line.Where = "Look whether the database is up and whether the function admin may read it; a row that is damaged must be restored.", doctor.AtMachine
	return p.because(ctx, line, failure), nil
}

func (p *patient) readClients(ctx context.Context, ent string) error {
	for page := (record.Page{Limit: maxClients}); len(p.situation.Clients) < maxClients; {
		clients, next, err := p.DB.MailClients(ctx, ent, page)
		if err != nil {
			p.situation.Clients = []mailclient.Client{}
			return err
		}
		p.situation.Clients = append(p.situation.Clients, clients...)
		if page.Next = next; next == "" {
			break
		}
	}
	return nil
}

// prepare makes what Google is asked with: nothing that other parts of the process
// share, so that this examination finds out by itself.
func (p *patient) prepare() {
	opt := p.Calls
	if opt.Attempts == 0 {
		opt.Attempts = 2
	}
	if opt.BaseDelay == 0 {
		opt.BaseDelay, opt.MaxDelay = 500*time.Millisecond, 2*time.Second
	}
	if opt.AttemptTimeout == 0 {
		opt.AttemptTimeout = p.limit / 3
	}
	// Many checks fail at once for one cause, and each is to say so.
	opt.BreakerFailures = 1000
	p.caller = google.NewCaller(opt)
	p.tokens = google.NewTokens(google.TokenOptions{
		Credential:  func(context.Context) (secret.Value, error) { return p.credential.Stored(), nil },
		AnyTokenURI: p.Endpoint != "", Ambient: p.Ambient, IAMEndpoint: p.IAMEndpoint,
		Enterprise: p.situation.Enterprise, Timeout: p.limit / 2, Base: p.Base, Now: p.Examiner.clock,
		// What is found is told in lines. An alert for it is the other parts' affair.
		Log: slog.New(slog.DiscardHandler),
	})
	for _, n := range p.situation.Needs() {
		p.scopes = append(p.scopes, &scope{Need: n})
	}
}

// find returns the scope with what was said of it; nil where nothing needs it.
func (p *patient) find(url string) *scope {
	for _, s := range p.scopes {
		if s.Scope == url {
			return s
		}
	}
	return nil
}
