package directorysync

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// errUnchanged ends a transaction that has nothing to write.
var errUnchanged = errors.New("unchanged")

// openChannel opens the channel that follows old. Where Google refuses, that is
// noted and the zero value returned.
func (s *Engine) openChannel(ctx context.Context, c directory.Config, old directory.Channel) (directory.Channel, error) {
	ch := directory.Channel{ID: s.NewID(), Enterprise: c.Enterprise, Revision: c.Revision, OpenedAt: s.Now()}
	client, err := s.watcher(ctx, c)
	if err != nil {
		return directory.Channel{}, s.notOpened(ctx, c, err)
	}
	// Google may tell before it answers.
	if err := s.DB.Update(ctx, func(tx *record.Tx) error { return tx.PutChannel(ch) }); err != nil {
		return directory.Channel{}, err
	}
	opened, err := client.Watch(ctx, workspace.WatchRequest{
		Scope: workspace.Scope{Domain: c.Google.Domain}, ID: ch.ID, Address: s.PublicURL,
		Token: directory.ChannelToken(s.Key, ch.ID), TTL: channelLife,
	})
	if err != nil {
		return directory.Channel{}, s.notOpened(ctx, c, err)
	}
	err = s.DB.Update(ctx, func(tx *record.Tx) error {
		// Both rows anew: what was missed meanwhile is noted there.
		row, err := tx.Channel(ch.ID)
		if err != nil {
			return err
		}
		before := directory.Channel{}
		if old.ID != "" {
			if before, err = tx.Channel(old.ID); err != nil && fault.KindOf(err) != fault.NotFound {
				return err
			}
		}
		row.Opened(opened.ResourceID, s.Now(), opened.ExpiresAt, before)
		ch = row
		return tx.PutChannel(row)
	})
	if err != nil {
		return directory.Channel{}, err
	}
	return ch, s.watchStatus(ctx, c.Enterprise, nil)
}

// watcher returns the client that opens channels.
func (s *Engine) watcher(ctx context.Context, c directory.Config) (*workspace.Client, error) {
	if !strings.HasPrefix(s.PublicURL, "https://") {
		return nil, fault.New(fault.Permanent, "watch-address",
			"Google sends notifications to https addresses alone; ROLLCALL_PUBLIC_URL is none.")
	}
	return s.Google(ctx, c)
}

func (s *Engine) notOpened(ctx context.Context, c directory.Config, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	s.Log.LogAttrs(ctx, slog.LevelWarn, "directory channel not opened",
		slog.String("enterprise", c.Enterprise), slog.String("reason", reasonOf(cause)))
	return s.watchStatus(ctx, c.Enterprise, cause)
}

// watchStatus stores for people to read why Google does not tell of changes; nil
// is that nothing stands in the way.
func (s *Engine) watchStatus(ctx context.Context, ent string, cause error) error {
	reason, advice := "", ""
	if cause != nil {
		reason, advice = reasonOf(cause), "Google does not tell of changes at once; until it does, its users are listed at each run."
		if e := fault.As(cause); e != nil && e.Public != "" {
			advice = e.Public
		}
	}
	err := s.DB.Update(ctx, func(tx *record.Tx) error {
		st, err := tx.DirectoryState(ent)
		if err != nil {
			return err
		}
		if st.WatchReason == reason {
			return errUnchanged
		}
		st.WatchReason, st.WatchAdvice = reason, advice
		return tx.PutDirectoryState(st)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}
