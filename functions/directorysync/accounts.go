package directorysync

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// AccountWriter makes people's Google accounts after the directory (invariant D2).
// It may be used concurrently for different people.
type AccountWriter struct {
	// Google makes the client for an enterprise's configuration.
	Google func(context.Context, directory.Config) (*workspace.Client, error)
	// Hash returns a person's password hash in a form that Google takes, by the
	// directory's id. Where there is none it is ldap.ReasonNoHash, and where Google
	// takes no such hash ldap.ReasonHashUnsupported.
	Hash func(ctx context.Context, c directory.Config, id string) (workspace.Password, error)
	// Joined returns the person whose joined Google account has the key
	// (record.DB.PersonByGoogle); none is fault.NotFound.
	Joined func(ctx context.Context, enterprise, key string) (person.Person, error)
	// Random is where passwords come from that nobody knows.
	Random io.Reader
	Now    func() time.Time
}

// Bring does what Config.AccountSteps says about p, one step after the other, each
// at most once, and those that allowed refuses not at all. It calls save with the
// row whenever Google told something, and before what Google alone could tell of
// otherwise; a failure of save is returned as it is. It returns the row as last
// saved and the steps that were done.
//
// It may be called again after a failure or a crash anywhere, with the row as last
// saved: there is one account in the end. What Google refuses for good is a word
// among p.Problems and stops nothing else; every other failure is returned.
func (w *AccountWriter) Bring(ctx context.Context, c directory.Config, p person.Person, allowed func(directory.Action) bool, save func(person.Person) error) (person.Person, []directory.Step, error) {
	b := &bringing{AccountWriter: w, config: c, person: p, save: save, tried: map[directory.Action]bool{}}
	if p.State == person.Missing {
		return p, nil, nil // nothing is said of them, so nothing is mended
	}
	var done []directory.Step
	for {
		steps, problems := c.AccountSteps(b.person, w.Now())
		i := slices.IndexFunc(steps, func(s directory.Step) bool { return !b.tried[s.Action] && allowed(s.Action) })
		if i < 0 {
			return b.finish(done, problems)
		}
		b.tried[steps[i].Action] = true
		step, err := b.do(ctx, steps[i])
		if word := problemOf(err); word != "" {
			b.problems = append(b.problems, word)
		} else if err != nil {
			return b.person, done, err
		}
		if err == nil && step.Action != "" {
			done = append(done, step)
		}
	}
}

// bringing is one person's turn.
type bringing struct {
	*AccountWriter
	config directory.Config
	google *workspace.Client
	// person is the row as last saved.
	person person.Person
	save   func(person.Person) error
	tried  map[directory.Action]bool
	// problems are what stood in the way.
	problems []string
}

// finish notes the problems.
func (b *bringing) finish(done []directory.Step, problems []string) (person.Person, []directory.Step, error) {
	next := b.person
	if !directory.NoteAccount(&next, append(problems, b.problems...)) {
		return b.person, done, nil
	}
	next.UpdatedAt = b.Now()
	if err := b.save(next); err != nil {
		return b.person, done, err
	}
	return next, done, nil
}

// put saves what Google said of the account just now.
func (b *bringing) put(g person.Google) error {
	next, now := b.person, b.Now()
	next.Google, next.GoogleAt, next.UpdatedAt = g, now, now
	if err := b.save(next); err != nil {
		return err
	}
	b.person = next
	return nil
}

// do does a step, and returns what was done, which may be something else, or
// nothing.
func (b *bringing) do(ctx context.Context, step directory.Step) (directory.Step, error) {
	if b.google == nil {
		client, err := b.Google(ctx, b.config)
		if err != nil {
			return directory.Step{}, err
		}
		b.google = client
	}
	var err error
	switch step.Action {
	case directory.CreateAccount:
		step, err = b.create(ctx, step)
	case directory.RestoreAccount:
		step, err = b.restore(ctx, step)
	case directory.CloseAccount:
		step, err = b.suspend(ctx, step)
	case directory.DeleteAccount:
		step, err = b.remove(ctx, step)
	default:
		step, err = b.change(ctx, step)
	}
	if fault.ReasonOf(err) == workspace.ReasonDeleted {
		return directory.Step{}, b.deleted()
	}
	return step, err
}

// deleted notes that Google says that the account is deleted, which only those
// answers do that name the account by its id.
func (b *bringing) deleted() error {
	g := b.person.Google
	g.Deleted, g.DeleteAt = true, time.Time{}
	return b.put(g)
}

// key names the account.
func (b *bringing) key() workspace.Key {
	return workspace.Key{ID: b.person.Google.ID, CreatedAt: b.person.Google.CreatedAt}
}
