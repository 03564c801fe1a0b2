package directorysync

import (
	"context"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// settling is how long after a notification Google may still deny that the user is
// there, or leave out whether the account is open.
const settling = 15 * time.Minute

// clocks is how far the clocks of two functions may lie apart.
const clocks = 5 * time.Second

// refresh reads single Google users again and takes in what Google says of them
// now. What cannot be done by itself is left to the next run, which then lists
// Google.
func (s *Engine) refresh(ctx context.Context, cmd directory.Command) error {
	c, err := s.DB.Directory(ctx, cmd.Enterprise)
	if err != nil {
		return err
	}
	if c.Google == nil || !c.Mode.UsesGoogle() || !c.Google.Watch || c.Paused {
		// Nobody wants the channel that told of it.
		if _, err := s.channels(ctx, c); err != nil {
			return err
		}
	}
	switch {
	case c.Google == nil || !c.Mode.UsesGoogle() || c.Paused:
		return nil
	case cmd.Full:
		return s.missed(ctx, c.Enterprise, cmd.RequestedAt)
	}
	client, err := s.Google(ctx, c)
	if err != nil {
		return err
	}
	r := &refresher{Engine: s, config: c, client: client, cmd: cmd}
	return r.all(ctx)
}

// missed has the next run that begins after until list Google.
func (s *Engine) missed(ctx context.Context, ent string, until time.Time) error {
	rows, _, err := s.DB.Channels(ctx, ent, record.Page{})
	if err != nil {
		return err
	}
	for _, ch := range rows {
		err := s.DB.Update(ctx, func(tx *record.Tx) error {
			row, err := tx.Channel(ch.ID)
			if err != nil {
				return err
			}
			row.Missed(until)
			return tx.PutChannel(row)
		})
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
	}
	return nil
}

// refresher does one command.
type refresher struct {
	*Engine
	config directory.Config
	client *workspace.Client
	cmd    directory.Command
	// unsettled are the people whose devices and accounts are to be brought in
	// line, and left says that something is for the next run.
	unsettled []string
	left      bool
}

func (r *refresher) all(ctx context.Context) error {
	var again error
	for _, id := range r.cmd.Users {
		err := r.user(ctx, id)
		switch {
		case err == nil:
		case fault.Redeliver(err):
			again = err
		default:
			r.leave(ctx, id, reasonOf(err))
		}
	}
	if r.left {
		if err := r.missed(ctx, r.config.Enterprise, r.Now()); err != nil {
			return err
		}
	}
	if len(r.unsettled) > 0 {
		if err := r.settle(ctx, r.config, r.unsettled, r.cmd.RequestedBy); err != nil {
			return err
		}
	}
	return again
}

// leave leaves a user to the next run.
func (r *refresher) leave(ctx context.Context, id, reason string) {
	r.left = true
	r.Log.LogAttrs(ctx, slog.LevelWarn, "notification left to the next run", slog.String("enterprise", r.config.Enterprise),
		slog.String("user", id), slog.String("reason", reason))
}

// user takes in one user, by Google's id.
func (r *refresher) user(ctx context.Context, id string) error {
	p, err := r.known(ctx, id)
	if err != nil {
		return err
	}
	askedAt, createdAt := p.GoogleAt, p.Google.CreatedAt
	if r.config.Mode == directory.GoogleOnly {
		askedAt, createdAt = p.EntryAt, p.CreatedAt
	}
	if p.Key != "" && askedAt.Sub(r.cmd.RequestedAt) >= clocks {
		r.unsettle(p) // Google was asked since
		return nil
	}
	at := r.Now()
	u, err := r.client.Get(ctx, workspace.Key{ID: id, CreatedAt: createdAt})
	switch {
	case fault.ReasonOf(err) == workspace.ReasonDeleted, fault.ReasonOf(err) == google.ReasonNotFound && p.Key != "":
		return r.takeIn(ctx, p.Key, id, r.gone(directory.Absent, at))
	case fault.ReasonOf(err) == google.ReasonNotFound:
		return r.young()
	case err != nil:
		return err
	}
	g := accountOf(u)
	switch {
	case (g.Suspended == person.Unknown || g.Archived == person.Unknown) && r.Now().Sub(r.cmd.RequestedAt) < settling:
		return r.young()
	case !r.config.InScope(g):
		return r.takeIn(ctx, p.Key, id, r.gone(directory.OutOfScope, at))
	case r.config.Mode == directory.GoogleOnly:
		e := directory.EntryOf(g)
		return r.takeIn(ctx, person.KeyOf(r.config.Enterprise, id), id, directory.Facts{Entry: &e, EntryAt: at})
	}
	if p.Key == "" {
		if p, err = r.owner(ctx, g); err != nil {
			return err
		}
	}
	return r.takeIn(ctx, p.Key, id, directory.Facts{Google: &g, GoogleAt: at})
}

// young is the answer for a user of whom Google does not say enough yet.
func (r *refresher) young() error {
	if r.Now().Sub(r.cmd.RequestedAt) < settling {
		return fault.New(fault.Transient, google.ReasonNotReady, "Google is still creating the user.")
	}
	return fault.New(fault.NotFound, google.ReasonNotFound, "Google told of a user whom it does not have.")
}

func (r *refresher) gone(f directory.Finding, at time.Time) directory.Facts {
	if r.config.Mode == directory.GoogleOnly {
		return directory.Facts{EntryGone: f, EntryAt: at}
	}
	return directory.Facts{GoogleGone: f, GoogleAt: at}
}
