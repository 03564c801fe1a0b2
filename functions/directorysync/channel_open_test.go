package directorysync

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// TestChannels_NotWantedAnyMore are stopped, and their rows removed.
func TestChannels_NotWantedAnyMore(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*directory.Config)
		want   int
	}{
		"watch turned off": {func(c *directory.Config) { c.Google.Watch = false }, 0},
		"paused":           {func(c *directory.Config) { c.Paused = true }, 0},
		"only LDAP":        {func(c *directory.Config) { c.Mode = directory.LDAPOnly }, 0},
		"configuration changed": {func(c *directory.Config) {
			c.Revision++
			c.Google.Domain = "example.net"
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newWatchBench(t)
			b.keep()
			b.walk(false)
			if !b.keep() {
				t.Fatal("not live")
			}
			old := b.open()
			b.configure(tt.change)
			if b.keep() {
				t.Error("live under another configuration before Google was listed")
			}
			now := b.open()
			if len(now) != tt.want || slices.Contains(now, old[0]) || len(b.rows()) != tt.want {
				t.Errorf("open %v, before %v; rows %+v", now, old, b.rows())
			}
		})
	}
}

// TestChannels_Refused: what stands in the way is there for people to read until
// it is gone, and Google is listed meanwhile.
func TestChannels_Refused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil  func(*watchBench)
		mend   func(*watchBench)
		reason string
	}{
		"not allowed": {func(b *watchBench) {
			b.sim.Faults.Add(googletest.Script{Method: watchMethod, Mode: googletest.Refuse, Status: 400, Reason: "push.webhookUrlUnauthorized"})
		}, func(b *watchBench) { b.sim.Faults.Clear() }, "google-invalid"},
		"down": {func(b *watchBench) {
			b.sim.Faults.Add(googletest.Script{Method: watchMethod, Mode: googletest.Refuse, Status: 503})
		}, func(b *watchBench) { b.sim.Faults.Clear() }, "google-backend"},
		"answer lost": {func(b *watchBench) {
			b.sim.Faults.Add(googletest.Script{Method: watchMethod, Mode: googletest.DropAfter})
		}, func(b *watchBench) { b.sim.Faults.Clear() }, "google-network"},
		"no https": {func(b *watchBench) { b.engine.PublicURL = strings.Replace(b.engine.PublicURL, "https", "http", 1) },
			func(b *watchBench) { b.engine.PublicURL = strings.Replace(b.engine.PublicURL, "http", "https", 1) }, "watch-address"},
		"id in use": {func(b *watchBench) {
			next := b.engine.NewID
			b.engine.NewID = func() string { return strings.Repeat("z", 26) }
			b.keep()
			b.put(func(tx *record.Tx) error { return tx.DeleteChannel(strings.Repeat("z", 26)) })
			b.t.Cleanup(func() { b.engine.NewID = next })
		}, func(b *watchBench) { b.engine.NewID = func() string { return strings.Repeat("y", 26) } }, "workspace-channel"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newWatchBench(t)
			tt.spoil(b)
			if b.keep() {
				t.Error("live")
			}
			st := b.state()
			if st.WatchReason != tt.reason || st.WatchAdvice == "" || !strings.Contains(b.log.String(), "directory channel not opened") {
				t.Errorf("reason %q, advice %q, log %s", st.WatchReason, st.WatchAdvice, &b.log)
			}
			tt.mend(b)
			for range 2 {
				b.advance(15 * time.Minute)
				b.walk(b.keep())
			}
			if st := b.state(); !b.keep() || st.WatchReason != "" || st.WatchAdvice != "" || len(b.rows()) != 1 {
				t.Errorf("mended: %q %q, rows %+v", st.WatchReason, st.WatchAdvice, b.rows())
			}
		})
	}
}

// TestChannels_Cost: a schedule at which nothing is due reads one row.
func TestChannels_Cost(t *testing.T) {
	t.Parallel()
	b := newWatchBench(t)
	b.keep()
	b.walk(false)
	b.keep()
	calls := b.sim.Faults.Calls("*")
	ctx, ops := store.WithOps(t.Context())
	if live, err := b.engine.channels(ctx, b.config); !live || err != nil {
		t.Errorf("%v, %v", live, err)
	}
	got := []int64{ops.Reads.Load(), ops.Writes.Load(), int64(b.sim.Faults.Calls("*") - calls)}
	if diff := cmp.Diff([]int64{1, 0, 0}, got); diff != "" {
		t.Errorf("reads, writes and calls (-want +got):\n%s", diff)
	}
}
