package directorysync

import (
	"context"
	"errors"
	"log/slog"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// Handle does what one event asks for. An event without payload is the schedule's.
func (s *Engine) Handle(ctx context.Context, e event.Event) error {
	if len(e.Data) == 0 {
		return s.fanOut(ctx)
	}
	cmd, err := directory.ParseCommand(e.Data)
	if err != nil {
		return err
	}
	return s.Do(ctx, cmd)
}

// Do carries out one command. It returns when the slice of the run that it is for
// is over, whoever is to go on.
func (s *Engine) Do(ctx context.Context, cmd directory.Command) error {
	switch {
	case cmd.Op == directory.Refresh:
		return s.refresh(ctx, cmd)
	case cmd.Op == directory.Reject:
		return s.reject(ctx, cmd)
	case cmd.Op == directory.Start && cmd.Kind == directory.Probe:
		return s.probe(ctx, cmd)
	}
	live := false
	if cmd.Op == directory.Schedule {
		live = s.watch(ctx, cmd.Enterprise)
	}
	sl, err := s.take(ctx, cmd, live)
	if err != nil || sl == nil {
		return err
	}
	return sl.work(ctx)
}

// fanOut makes one event of the schedule's for each enterprise, so that the fault
// of one stops no other.
func (s *Engine) fanOut(ctx context.Context) error {
	var p record.Page
	var failed []error
	for {
		cs, damaged, next, err := s.DB.Directories(ctx, p)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		if damaged > 0 {
			s.Log.LogAttrs(ctx, slog.LevelError, "directory configurations cannot be read", slog.Int("number", damaged))
		}
		for _, c := range cs {
			failed = append(failed, s.publish(ctx, directory.Command{Enterprise: c.Enterprise, Op: directory.Schedule}))
		}
		if next == "" {
			return errors.Join(failed...)
		}
		p.Next = next
	}
}

func (s *Engine) publish(ctx context.Context, cmd directory.Command) error {
	cmd.RequestedBy, cmd.RequestedAt = actor, s.Now()
	data, err := cmd.Marshal()
	if err != nil {
		return err
	}
	_, err = s.Bus.Publish(ctx, event.Directory, data)
	return err
}

// watch keeps the enterprise's channels open and reports whether Google tells of
// every change. Its failure costs a listing and no more.
func (s *Engine) watch(ctx context.Context, ent string) bool {
	c, err := s.DB.Directory(ctx, ent)
	if err != nil || c.Google == nil || !c.Google.Watch {
		return false
	}
	live, err := s.channels(ctx, c)
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "directory channels not kept", slog.String("enterprise", ent),
			slog.String("reason", reasonOf(err)))
		return false
	}
	return live
}

// reasonOf is the word for an error, never empty.
func reasonOf(err error) string {
	if r := fault.ReasonOf(err); r != "" {
		return r
	}
	return fault.KindOf(err).String()
}
