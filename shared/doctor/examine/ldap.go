package examine

import (
	"context"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

const (
	ldapFinding = "LDAP: "
	// A probe is looked at soon after it was asked for, then more rarely.
	probeFirst, probeEvery = 50 * time.Millisecond, 500 * time.Millisecond
)

// ldap has the function directorysync try the connection, for where this runs there
// may be no way to the organisation's network.
func (p *patient) ldap(ctx context.Context, c check) []doctor.Line {
	test := "rollcall directory test"
	d := p.situation.Directory
	switch {
	case d == nil || !d.Mode.UsesLDAP():
		return one(c.line(doctor.Skip, "No LDAP directory is configured."))
	case p.Probe == nil:
		return one(advise(c.line(doctor.Skip, "The LDAP directory is not tried here."), test, "Try it."))
	}
	id, err := p.Probe(ctx, *d)
	if err != nil {
		return one(p.because(ctx, advise(c.line(doctor.Fail, "The function directorysync, which has the way to LDAP, could not be asked to try it."), doctor.AtMachine, "Look at the event bus."), err))
	}
	run, taken, err := p.await(ctx, id)
	switch {
	case err != nil:
		return one(p.because(ctx, c.line(doctor.Fail, "What the function directorysync says of LDAP cannot be read."), err))
	case !taken:
		return one(advise(c.line(doctor.Warn, "The function directorysync did not take up the test of LDAP within %v.", p.limit), test, "Look whether it runs, and try again: this waits longer."))
	case !run.Phase.Ended():
		return one(advise(c.line(doctor.Warn, "The test of LDAP is not over within %v: the server is slow, or is not reached.", p.limit), test, "Try again: this waits longer."))
	}
	return ldapLines(run, c, test)
}

// await returns the probe once it is over, or as it is when the time is.
func (p *patient) await(ctx context.Context, id string) (run directory.Run, taken bool, err error) {
	for pause := probeFirst; ; pause = min(2*pause, probeEvery) {
		got, err := p.DB.Run(ctx, id)
		switch {
		case err == nil:
			run, taken = got, true
		case ctx.Err() == nil && fault.KindOf(err) != fault.NotFound:
			return run, taken, err
		}
		if run.Phase.Ended() {
			return run, taken, nil
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return run, taken, nil
		}
	}
}

// ldapLines tells the probe's findings on LDAP that an administrator must look at.
// The server's own words, which are among those that pass, are left out.
func ldapLines(run directory.Run, c check, test string) []doctor.Line {
	var lines []doctor.Line
	found := false
	for _, f := range run.Findings {
		word, text, ok := strings.Cut(f, ldapFinding)
		found = found || ok
		switch {
		case !ok || text == "":
		case word == directory.Fail:
			lines = append(lines, advise(c.line(doctor.Fail, "%s", sentence(text)), test, "Mend it with rollcall directory configure, and try again."))
		case word == directory.Warn:
			lines = append(lines, advise(c.line(doctor.Warn, "%s", sentence(text)), test, "Look at it; the test tells whom it is about."))
		}
	}
	switch {
	case len(lines) > 0:
		return lines
	case found:
		return one(c.line(doctor.Pass, "The LDAP server answers, takes the account that reads, and lists people."))
	}
	l := advise(c.line(doctor.Fail, "The function directorysync did not try LDAP."), test, "See what it says.")
	l.Reason = run.Reason
	return one(l)
}
