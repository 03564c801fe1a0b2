package enroll_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/functions/enroll"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// fakeLDAP is the directories of all enterprises, as *ldap.Client shows one.
type fakeLDAP struct {
	t *testing.T

	mu      sync.Mutex
	entries map[string]person.Entry // by login in lower case
	asked   []string                // the logins
	err     error                   // what it says instead of an answer
	before  func()                  // called within each Authenticate
}

const password = `correct "horse" battery`

func newFakeLDAP(t *testing.T) *fakeLDAP {
	return &fakeLDAP{t: t, entries: map[string]person.Entry{}}
}

func (f *fakeLDAP) of(directory.Config) enroll.Passwords { return f }

func (f *fakeLDAP) Authenticate(ctx context.Context, login string, given secret.Value) (person.Entry, error) {
	f.mu.Lock()
	f.asked = append(f.asked, login)
	before, err := f.before, f.err
	e, known := f.entries[strings.ToLower(login)]
	f.mu.Unlock()
	if _, bounded := ctx.Deadline(); !bounded {
		f.t.Error("the directory is waited for without end")
	}
	if given.Empty() {
		f.t.Error("an empty password reached the directory")
	}
	if before != nil {
		before()
	}
	switch {
	case ctx.Err() != nil:
		return person.Entry{}, fault.Wrap(ctx.Err(), fault.Transient, "ldap-unreachable", "")
	case err != nil:
		return person.Entry{}, err
	case !known || given.Reveal() != password:
		return person.Entry{}, fault.New(fault.Unauthorized, "bad-credentials", "The user name or the password is not right.")
	}
	return e, nil
}

// count returns how often the directory was asked, and for whom.
func (f *fakeLDAP) count() (n int, asked []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked), f.asked
}

// fail has the directory say err from now on; nil ends it.
func (f *fakeLDAP) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}
