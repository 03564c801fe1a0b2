package directorysync

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const (
	// period is how often a schedule comes by.
	period = 15 * time.Minute
	// channelLife is how long a channel is asked for. Google documents two days at
	// most and gives six hours.
	channelLife = 24 * time.Hour
	// overlap is how long a channel tells beside the one that follows it.
	overlap = 5 * time.Minute
	// abandoned is when nobody can be opening a channel any more, for a function's
	// time is shorter.
	abandoned = 10 * time.Minute
)

// channels keeps one channel open on which Google tells of changes to the
// enterprise's users, and reports whether every change since Google was last
// listed has been told. No failure of Google's is returned: without a channel
// Google is listed, which costs calls and nothing else.
func (s *Engine) channels(ctx context.Context, c directory.Config) (live bool, err error) {
	rows, _, err := s.DB.Channels(ctx, c.Enterprise, record.Page{})
	if err != nil {
		return false, err
	}
	wanted := c.Mode.UsesGoogle() && c.Google != nil && c.Google.Watch && !c.Paused
	cur := newest(rows, c, s.Now())
	switch {
	case !wanted:
		cur = directory.Channel{}
		err = s.watchStatus(ctx, c.Enterprise, nil)
	case cur.Ending(s.Now(), period):
		var next directory.Channel
		if next, err = s.openChannel(ctx, c, cur); next.ID != "" {
			cur = next
		}
	}
	if err != nil {
		return false, err
	}
	if err := s.closeChannels(ctx, c, rows, cur); err != nil || !cur.Live(s.Now()) {
		return false, err
	}
	return s.walked(ctx, cur)
}

// newest returns the live channel that was opened last under the configuration as
// it is; the zero value is none.
func newest(rows []directory.Channel, c directory.Config, now time.Time) (cur directory.Channel) {
	for _, ch := range rows {
		if ch.Live(now) && ch.Revision == c.Revision && ch.OpenedAt.After(cur.OpenedAt) {
			cur = ch
		}
	}
	return cur
}

// closeChannels stops the channels that cur follows, once it has told for a while,
// and those of another configuration, and removes what is over.
func (s *Engine) closeChannels(ctx context.Context, c directory.Config, rows []directory.Channel, cur directory.Channel) error {
	now := s.Now()
	for _, ch := range rows {
		followed := cur.ID != "" && !now.Before(cur.OpenedAt.Add(overlap))
		switch {
		case ch.ID == cur.ID:
			continue
		case ch.ExpiresAt.IsZero():
			if now.Sub(ch.OpenedAt) < abandoned {
				continue
			}
		case ch.Live(now):
			if ch.Revision == c.Revision && cur.ID != "" && !followed || !s.stopChannel(ctx, c, ch) {
				continue
			}
		}
		if err := s.DB.Update(ctx, func(tx *record.Tx) error { return tx.DeleteChannel(ch.ID) }); err != nil {
			return err
		}
	}
	return nil
}

// stopChannel reports whether nothing is left to be told on the channel. One that
// Google does not stop is left to its end.
func (s *Engine) stopChannel(ctx context.Context, c directory.Config, ch directory.Channel) bool {
	if c.Google == nil {
		return true // there is nobody to ask as
	}
	client, err := s.Google(ctx, c)
	if err == nil {
		err = client.StopWatch(ctx, ch.ID, ch.ResourceID)
	}
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "directory channel not stopped", slog.String("enterprise", c.Enterprise),
			slog.String("channel", ch.ID), slog.String("reason", reasonOf(err)))
	}
	return err == nil
}

// walked reports whether Google was listed since the channel tells, and notes it
// with the channel.
func (s *Engine) walked(ctx context.Context, ch directory.Channel) (bool, error) {
	if ch.Walked {
		return true, nil
	}
	st, err := s.DB.DirectoryState(ctx, ch.Enterprise)
	if err != nil || st.LastRun == "" {
		return false, err
	}
	run, err := s.DB.Run(ctx, st.LastRun)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	// What a run left undone the next one finds by listing again.
	if err != nil || run.SkipGoogle || run.Incomplete != "" || run.Revision != ch.Revision || run.Counts.Failed+run.Counts.Withheld+run.Counts.Kept > 0 {
		return false, err
	}
	var row directory.Channel
	err = s.DB.Update(ctx, func(tx *record.Tx) (err error) {
		if row, err = tx.Channel(ch.ID); err != nil {
			return err
		}
		if row.Walked = !run.StartedAt.Before(row.Since); !row.Walked {
			return errUnchanged
		}
		return tx.PutChannel(row)
	})
	if errors.Is(err, errUnchanged) || fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	return row.Walked, err
}
