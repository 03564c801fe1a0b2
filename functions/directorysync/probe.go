package directorysync

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

const (
	probeTime    = 90 * time.Second
	probeSample  = 5
	probeAliases = 20
)

// prober tries the connections of a configuration, whatever run is under way. It
// changes nothing but its own run.
type prober struct {
	*Engine
	config directory.Config
	run    directory.Run
}

// probe does a run of kind Probe, in one go.
func (s *Engine) probe(ctx context.Context, cmd directory.Command) error {
	p := prober{Engine: s}
	over := false
	err := s.DB.Update(ctx, func(tx *record.Tx) (err error) {
		over = false
		if p.config, err = tx.Directory(cmd.Enterprise); err != nil {
			return err
		}
		if p.run, err = tx.Run(cmd.Run); err == nil {
			over = p.run.Phase.Ended()
			return nil
		} else if fault.KindOf(err) != fault.NotFound {
			return err
		}
		now := s.Now()
		p.run = directory.Run{ID: cmd.Run, Enterprise: cmd.Enterprise, Kind: directory.Probe, Phase: directory.Collecting,
			RequestedBy: cmd.RequestedBy, StartedAt: now, Revision: p.config.Revision, Slices: 1}
		if err := tx.PutRun(p.run); err != nil {
			return err
		}
		return tx.Audit(s.note(p.run, now, cmd.RequestedBy, "directory.start", audit.OK, string(directory.Probe)))
	})
	if err != nil || over {
		return err
	}
	p.try(ctx)
	err = s.DB.Update(ctx, func(tx *record.Tx) error { return tx.PutRun(p.run) })
	if err == nil {
		s.logEnd(ctx, p.run)
	}
	return err
}

// try tests each source; one that fails does not spare the other.
func (p *prober) try(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	if p.config.Mode.UsesLDAP() {
		p.tryLDAP(ctx)
	}
	if p.config.Mode.UsesGoogle() {
		p.tryGoogle(ctx)
	}
	p.run.EndedAt = p.Now()
	if p.run.Phase != directory.Failed {
		p.run.Phase = directory.Done
	}
}

func (p *prober) say(level, format string, args ...any) {
	p.run.Findings = append(p.run.Findings, level+fmt.Sprintf(format, args...))
}

// broken notes that a source does not work. The reason of the first is the run's.
func (p *prober) broken(source string, err error) {
	advice := adviceFor(err)
	p.say(directory.Fail, "%s: %s (%s)", source, advice, reasonOf(err))
	if p.run.Reason == "" {
		p.run.Phase, p.run.Reason, p.run.Advice = directory.Failed, reasonOf(err), advice
	}
}

func (p *prober) tryLDAP(ctx context.Context) {
	src, err := p.LDAP(ctx, p.config)
	var r ldap.Report
	if err == nil {
		r, err = src.Test(ctx)
	}
	switch reason := fault.ReasonOf(err); {
	case err == nil:
	case reason == ldap.ReasonSizeLimit || reason == ldap.ReasonAdminLimit:
		p.say(directory.Warn, "LDAP: %s (%s)", adviceOf(reason), reason)
	default:
		p.broken("LDAP", err)
		return
	}
	server := "the server answers"
	if r.Vendor != "" {
		server = strings.TrimSpace(fmt.Sprintf("the server answers as %s %s", r.Vendor, r.Version))
	}
	p.say(directory.Pass, "LDAP: %s, and takes the account that reads", server)
	more := ""
	if r.More {
		more = "at least "
	}
	if r.People == 0 {
		p.say(directory.Warn, "LDAP: nobody is found below the base DN with this filter")
	} else {
		p.say(directory.Pass, "LDAP: %s%d people are found", more, r.People)
	}
	if r.Unidentified > 0 {
		p.say(directory.Warn, "LDAP: %d entries have no id in the mapped attribute; while there are any, nobody's absence means anything", r.Unidentified)
	}
	p.say(directory.Pass, "LDAP: changes are read by %q: %s", r.Incremental, r.Why)
	p.tell("LDAP", r.Problems)
	p.sample(r.Sample)
}

// sample keeps people for an admin to look at, with as many addresses as are looked
// at.
func (p *prober) sample(people []person.Entry) {
	for _, e := range people {
		e.Aliases = e.Aliases[:min(len(e.Aliases), probeAliases)]
		p.run.Sample = append(p.run.Sample, e)
	}
}

// tell counts problems by reason.
func (p *prober) tell(source string, problems []ldap.Problem) {
	by := map[string]int{}
	for _, x := range problems {
		by[x.Reason]++
		p.run.Note(directory.Problem{ID: x.ID, Name: x.DN, Reason: x.Reason})
	}
	for _, reason := range slices.Sorted(maps.Keys(by)) {
		p.say(directory.Warn, "%s: %d entries have a problem: %s", source, by[reason], reason)
	}
}

func (p *prober) tryGoogle(ctx context.Context) {
	client, err := p.Google(ctx, p.config)
	var page workspace.Page
	if err == nil {
		page, err = client.List(ctx, "", listOptions(p.config))
	}
	if err != nil {
		p.broken("Google", err)
		return
	}
	in, silent := 0, 0
	var sample []person.Entry
	for _, u := range page.Users {
		g := accountOf(u)
		if !p.config.InScope(g) {
			continue
		}
		in++
		if g.Suspended == person.Unknown {
			silent++
		}
		if len(sample) < probeSample {
			sample = append(sample, directory.EntryOf(g))
		}
	}
	more := ""
	if page.Next != "" {
		more = "at least "
	}
	if in == 0 {
		p.say(directory.Warn, "Google: no account is found; check the domain, the organizational units and the exclusions")
	} else {
		p.say(directory.Pass, "Google: %s%d accounts are found", more, in)
	}
	if silent > 0 {
		p.say(directory.Warn, "Google: of %d accounts it does not say whether they are suspended, as it does of new ones for a while", silent)
	}
	if p.config.Mode == directory.GoogleOnly {
		p.sample(sample)
		return
	}
	p.tryJoin(ctx, client)
}

// tryJoin looks whether the people of the sample have accounts.
func (p *prober) tryJoin(ctx context.Context, client *workspace.Client) {
	asked, have := 0, 0
	for _, e := range p.run.Sample {
		if e.Mail == "" {
			continue
		}
		asked++
		if _, err := client.Get(ctx, workspace.ByID(person.MailKey(e.Mail))); err == nil {
			have++
		}
	}
	level := directory.Pass
	if have == 0 && p.config.Mode == directory.ReadOnly {
		level = directory.Warn
	}
	if asked > 0 {
		p.say(level, "Google: %d of %d sample people of LDAP have an account with their address", have, asked)
	}
}
