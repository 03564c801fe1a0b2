package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/rollcall-emm/rollcall/scripts/local/stack"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// googleAdmin is the administrator whom the service account acts as.
const googleAdmin = "emm-admin@example.com"

// organisation is the people whose devices enrol, as their directory gives them.
type organisation struct {
	stack  *stack.Stack
	office office
	ent    string
	ldap   *ldapServer
	config directory.Config
	// console is nil where the directory is not ours to change.
	console console
}

// join describes the directory to Rollcall as an admin does: the configuration,
// the password of the LDAP account and the key of Google's service account.
func join(ctx context.Context, s *stack.Stack, o office, ent string, mode directory.Mode, l *ldapServer) (*organisation, error) {
	g := &organisation{stack: s, office: o, ent: ent, ldap: l}
	switch {
	case !mode.UsesLDAP():
		g.console = googleConsole{s.Workspace}
	case l.editor != nil:
		g.console = ldapConsole{l}
	}
	c := directory.Config{Mode: mode}
	if mode.UsesLDAP() {
		described := l.Config()
		if l.editor != nil {
			described.Attributes.Disabled, described.Attributes.DisabledValues = "employeeType", []string{locked}
		}
		c.LDAP = &described
		if l.passwords != nil {
			c.SignIn = &directory.SignIn{LDAP: true, Labels: []string{staff}}
		}
	}
	if mode.UsesGoogle() {
		c.Google = &directory.Google{Subject: googleAdmin}
		if err := g.openGoogle(mode); err != nil {
			return nil, err
		}
		if err := o.put(ctx, "/v1/enterprises/"+ent+"/credential", map[string]any{"key": s.DirectoryKey}, nil); err != nil {
			return nil, err
		}
	}
	if mode.UsesLDAP() {
		password, err := l.Password(ctx)
		if err != nil {
			return nil, err
		}
		if !password.Empty() {
			if err := o.put(ctx, g.path("/bind-password"), map[string]string{"password": password.Reveal()}, nil); err != nil {
				return nil, err
			}
		}
	}
	return g, o.put(ctx, g.path(""), c, &g.config)
}

func (g *organisation) path(rest string) string {
	return "/v1/enterprises/" + g.ent + "/directory" + rest
}

// openGoogle makes the organisation's managed Google domain: with an account for
// each person but a few where accounts are only read, and empty where Rollcall is
// to make them.
func (g *organisation) openGoogle(mode directory.Mode) error {
	w := g.stack.Workspace
	if w.UserCount(g.stack.Customer) > 0 {
		return nil // an earlier run's, of this process
	}
	g.stack.Settings.SetSuperAdmin(googleAdmin, true)
	if _, err := w.AddAdmin(googleAdmin); err != nil || mode == directory.ReadWrite {
		return err
	}
	return w.Seed(func(yield func(workspacetest.User) bool) {
		for i, e := range g.ldap.people {
			mail := e.first("mail")
			if mail == "" || i%30 == 29 && mode == directory.ReadOnly {
				continue
			}
			u := workspacetest.User{PrimaryEmail: mail, GivenName: short(e.first("givenName")), FamilyName: short(e.first("sn"))}
			if !yield(u) {
				return
			}
		}
	})
}

// short cuts a name to what Google takes.
func short(name string) string {
	r := []rune(name)
	return string(r[:min(len(r), 40)])
}

// sync has the directory read, waits for the end, and returns how it ended; a run
// that waits for an admin has ended too.
func (g *organisation) sync(ctx context.Context, patience time.Duration, full bool) (directory.Run, error) {
	var started struct {
		Run string `json:"run"`
	}
	if err := g.office.post(ctx, g.path("/runs"), map[string]any{"kind": directory.Sync, "full": full}, &started); err != nil {
		return directory.Run{}, err
	}
	return g.wait(ctx, patience, started.Run)
}

// wait waits until a run has ended, or waits itself.
func (g *organisation) wait(ctx context.Context, patience time.Duration, id string) (directory.Run, error) {
	return g.until(ctx, patience, id, func(p directory.Phase) bool { return p.Ended() || p == directory.Quarantined })
}

// until waits until a run is in a phase that will do.
func (g *organisation) until(ctx context.Context, patience time.Duration, id string, will func(directory.Phase) bool) (r directory.Run, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = retry.Do(ctx, retry.NewConstant(50*time.Millisecond), func(ctx context.Context) error {
		err := g.office.get(ctx, g.path("/runs/"+id), &r)
		var no *refusal
		if errors.As(err, &no) && no.status == http.StatusNotFound {
			return retry.RetryableError(fmt.Errorf("the directory run %s does not start", id))
		}
		if err == nil && !will(r.Phase) {
			return retry.RetryableError(fmt.Errorf("the directory run %s is still %s", id, r.Phase))
		}
		return err
	})
	return r, err
}

// synced is sync for a run that must end well.
func (g *organisation) synced(ctx context.Context, patience time.Duration, full bool) (directory.Run, error) {
	r, err := g.sync(ctx, patience, full)
	if err == nil && r.Phase != directory.Done {
		err = fmt.Errorf("the directory run ended %s: %s %s", r.Phase, r.Reason, r.Advice)
	}
	return r, err
}

// people returns those whom Rollcall now knows and who may have devices, in order
// of their user ids.
func (g *organisation) people(ctx context.Context) ([]person.Person, error) {
	db, err := g.stack.Process.DB(ctx)
	if err != nil {
		return nil, err
	}
	var all []person.Person
	page := record.Page{Limit: 1000}
	for {
		ps, next, err := db.People(ctx, g.ent, person.Active, page)
		if err != nil {
			return nil, err
		}
		all = append(all, ps...)
		if page.Next = next; next == "" {
			break
		}
	}
	slices.SortFunc(all, byLogin)
	return all, nil
}

func byLogin(a, b person.Person) int {
	return cmp.Or(strings.Compare(a.Entry.Login, b.Entry.Login), strings.Compare(a.ID, b.ID))
}

// password returns a person's password, for those who may sign in with it: where
// Google's accounts are read, they must have one.
func (g *organisation) password(p person.Person) (secret.Value, bool) {
	if g.config.SignIn == nil || !g.config.SignIn.LDAP || g.config.Mode.UsesGoogle() && !p.Google.CanSignIn() {
		return secret.Value{}, false
	}
	password, ok := g.ldap.passwords[p.Entry.DN]
	return password, ok
}

// enlist describes the directory to Rollcall and has it read for the first time.
func (opt options) enlist(ctx context.Context, s *stack.Stack, o office, ent enterprise, l *ldapServer, sum *summary, out io.Writer) (*organisation, []person.Person, error) {
	mode := opt.directoryMode()
	source := l.String()
	if !mode.UsesLDAP() {
		source = "the simulated Google's directory"
	}
	fmt.Fprintf(out, "reading %s (%s)\n", source, mode)
	org, err := join(ctx, s, o, ent.id, mode, l)
	if err != nil {
		return nil, nil, err
	}
	began := time.Now()
	r, err := org.synced(ctx, opt.patience, true)
	if err != nil {
		return nil, nil, err
	}
	people, err := org.people(ctx)
	if err != nil {
		return nil, nil, err
	}
	if len(people) == 0 {
		return nil, nil, fault.New(fault.Invalid, "directory", "the directory has nobody who may have devices; check --ldap-base")
	}
	sum.Directory = lists{
		Mode: mode, Source: source, Seconds: time.Since(began).Seconds(), Listed: r.Counts.Listed,
		Linked: r.Counts.Done[directory.Link], Created: r.Counts.Done[directory.CreateAccount],
		GooglePages: r.Counts.GooglePages, Problems: r.Counts.Problems,
	}
	return org, people, nil
}

// secondAct is what happens to the directory once the fleet is up: people leave and
// return, nothing changes, and the directory answers nonsense.
func (g *organisation) secondAct(ctx context.Context, patience time.Duration, f *fleet, sum *summary, out io.Writer) error {
	if g.console != nil {
		fmt.Fprintln(out, "people leave, are locked, and return")
		t, err := g.turn(ctx, f, patience)
		if err != nil {
			return fmt.Errorf("people leave: %w", err)
		}
		sum.Turnover = &t
	}
	began := time.Now()
	r, err := g.synced(ctx, patience, true)
	if err != nil {
		return fmt.Errorf("the directory again: %w", err)
	}
	sum.Unchanged = unchanged{Listed: r.Counts.Listed, Planned: r.Counts.Planned, GooglePages: r.Counts.GooglePages, Seconds: time.Since(began).Seconds()}
	if g.console != nil {
		sum.HeldBack, err = g.doubt(ctx, patience)
	}
	return err
}
