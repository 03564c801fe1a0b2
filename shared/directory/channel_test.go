package directory_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

var opened = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestChannel_Ending(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		life, at time.Duration
		want     bool
	}{
		"six hours, at the start":           {6 * time.Hour, 0, false},
		"six hours, before the quarter":     {6 * time.Hour, 4*time.Hour + 29*time.Minute, false},
		"six hours, a quarter left":         {6 * time.Hour, 4*time.Hour + 30*time.Minute, true},
		"over":                              {6 * time.Hour, 7 * time.Hour, true},
		"an hour, two periods left":         {time.Hour, 30 * time.Minute, true},
		"an hour, more than that":           {time.Hour, 29 * time.Minute, false},
		"shorter than two periods, at once": {20 * time.Minute, 0, true},
	} {
		c := directory.Channel{OpenedAt: opened, ExpiresAt: opened.Add(tt.life)}
		if got := c.Ending(opened.Add(tt.at), 15*time.Minute); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if none := (directory.Channel{}); !none.Ending(opened, time.Minute) || none.Live(opened) {
		t.Error("no channel is live")
	}
}

// TestChannel_WhatItVouchesFor: a channel answers for what those before it told
// only where they told up to its own opening, and never for what was missed.
func TestChannel_WhatItVouchesFor(t *testing.T) {
	t.Parallel()
	start := opened.Add(-5 * time.Hour)
	old := directory.Channel{ID: "old", OpenedAt: start, ExpiresAt: opened.Add(time.Second), Since: start, Walked: true}
	ended := old
	ended.ExpiresAt = opened
	for name, tt := range map[string]struct {
		old    directory.Channel
		missed time.Time // before the opening was answered
		since  time.Time
		walked bool
	}{
		"the first":                 {since: opened},
		"follows":                   {old: old, since: start, walked: true},
		"follows, with a gap":       {old: ended, since: opened},
		"follows, and missed since": {old: old, missed: opened.Add(time.Minute), since: opened.Add(time.Minute)},
		"missed what old tells of":  {old: old, missed: start.Add(time.Hour), since: start.Add(time.Hour)},
	} {
		c := directory.Channel{ID: "new"}
		c.Missed(tt.missed)
		c.Opened("r", opened, opened.Add(6*time.Hour), tt.old)
		want := directory.Channel{ID: "new", ResourceID: "r", OpenedAt: opened, ExpiresAt: opened.Add(6 * time.Hour), Since: tt.since, Walked: tt.walked}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	c := old
	if c.Missed(start); !c.Walked {
		t.Error("what was missed before the channel told is none of its business")
	}
	if c.Missed(start.Add(1)); c.Walked || !c.Since.Equal(start.Add(1)) {
		t.Errorf("missed: %+v", c)
	}
}

func TestChannelToken_DiffersByKeyAndChannel(t *testing.T) {
	t.Parallel()
	k := secret.New("key")
	token := directory.ChannelToken(k, "a")
	if token.Empty() || len(token.Reveal()) > 256 || !token.Equal(directory.ChannelToken(k, "a")) {
		t.Error("the token is none that Google takes, or differs from time to time")
	}
	if token.Equal(directory.ChannelToken(k, "b")) || token.Equal(directory.ChannelToken(secret.New("other"), "a")) {
		t.Error("two channels, or two keys, have one token")
	}
}
