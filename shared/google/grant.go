package google

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

const (
	// grantFailures is how many people of one domain, and none in between who did
	// not, must meet a missing grant before it is believed to miss for all. Google
	// says the same where it is one person's: a new grant reaches them one by one.
	grantFailures = 3
	// maxGrants bounds what is remembered; what is forgotten is found by asking.
	maxGrants = 1000
)

// grant is what an administrator gives: scopes, for the people of a domain.
type grant struct {
	scopes Scopes
	domain string
}

// grantOf is what an administrator must give so that subject gets a token.
func grantOf(subject string, scopes Scopes) grant {
	return grant{scopes, strings.ToLower(subject[strings.LastIndexByte(subject, '@')+1:])}
}

// grants remembers which grants seem to miss. For those one asker in a while is
// let through, whoever it is, so that a person who has the grant all the same does
// not wait for those who have not.
type grants struct {
	pause time.Duration
	now   func() time.Time
	log   func(level slog.Level, msg string, attrs ...slog.Attr)

	mu   sync.Mutex
	miss map[grant]*missing
}

type missing struct {
	people map[string]bool
	cause  *fault.Error
	next   time.Time // when the next asker is let through
}

// admit returns nil for who may ask, and otherwise what others were told.
func (g *grants) admit(k grant) *fault.Error {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.miss[k]
	if m == nil || len(m.people) < grantFailures {
		return nil
	}
	now := g.now()
	if now.Before(m.next) {
		return told(m.cause)
	}
	m.next = now.Add(g.pause)
	return nil
}

// learn takes in what subject was answered.
func (g *grants) learn(k grant, subject string, err error) {
	f := fault.As(err)
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.miss[k]
	switch {
	case err == nil || f != nil && f.Reason == ReasonSubject:
		if m != nil && len(m.people) >= grantFailures {
			g.note(slog.LevelInfo, "google grants scopes to the service account again", k)
		}
		delete(g.miss, k)
		return
	case f == nil || f.Reason != ReasonConfig:
		return
	case m == nil:
		if len(g.miss) >= maxGrants {
			clear(g.miss)
		}
		m = &missing{people: map[string]bool{}}
		g.miss[k] = m
	}
	m.cause = f
	if len(m.people) >= grantFailures {
		return
	}
	if m.people[subject] = true; len(m.people) == grantFailures {
		m.next = g.now().Add(g.pause)
		g.note(slog.LevelWarn, "google has not granted scopes to the service account", k, slog.String("error", f.Error()))
	}
}

func (g *grants) note(level slog.Level, msg string, k grant, attrs ...slog.Attr) {
	g.log(level, msg, append(attrs, slog.String("scopes", k.scopes.String()), slog.String("domain", k.domain))...)
}

// log says whose credential it is, by what a person finds in Google's console.
func (t *Tokens) log(level slog.Level, msg string, attrs ...slog.Attr) {
	if t.opt.Enterprise != "" {
		attrs = append(attrs, slog.String("enterprise", t.opt.Enterprise))
	}
	if s := t.inUse.Load(); s != nil {
		attrs = append(attrs, slog.String("client_id", s.view.ClientID), slog.String("fingerprint", s.view.Fingerprint))
	}
	t.opt.Log.LogAttrs(context.Background(), level, msg, attrs...)
}
