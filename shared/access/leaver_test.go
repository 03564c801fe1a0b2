package access_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/person"
)

// TestLeaver_D10_LosesTheMailSettings: a device has settings by its labels and its
// person's; that of a person who is away counts as having none, so that everything it
// holds is withdrawn, and has them again with the person.
func TestLeaver_D10_LosesTheMailSettings(t *testing.T) {
	t.Parallel()
	both := append([]string{"field"}, labels...)
	for _, tc := range []struct {
		name   string
		states []person.State
		want   []string
	}{
		{"here", nil, both},
		{"not listed", []person.State{person.Missing}, both},
		{"locked", []person.State{person.Disabled}, nil},
		{"left", []person.State{person.Leaving}, nil},
		{"gone", []person.State{person.Leaving, person.Gone}, nil},
		{"back after being locked", []person.State{person.Disabled, person.Active}, both},
		{"back within the grace", []person.State{person.Leaving, person.Active}, both},
		{"back for good", []person.State{person.Leaving, person.Gone, person.Active}, both},
		{"back though locked", []person.State{person.Leaving, person.Disabled}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			for _, to := range tc.states {
				h.becomes(to)
				h.settle()
			}
			d := h.device()
			if diff := cmp.Diff(tc.want, d.ForMail(h.person().Labels).Labels); diff != "" {
				t.Errorf("labels for mail (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSettle_KeepsLabels that admins gave, through every writing of the row.
func TestSettle_KeepsLabels(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	written := 0
	step := func(what string, do func()) {
		t.Helper()
		before := h.person().UpdatedAt
		h.now = h.now.Add(time.Second)
		do()
		if p := h.person(); !slices.Equal(p.Labels, labels) {
			t.Fatalf("%s: labels %v", what, p.Labels)
		} else if !p.UpdatedAt.Equal(before) {
			written++
		}
	}
	h.becomes(person.Leaving)
	step("withdrawn", h.settle)
	h.now = h.person().DeleteAt
	step("the grace is over", h.settle)
	if s := h.person(); s.State != person.Gone || s.Settled != person.Removed {
		t.Fatalf("%s, settled as %q", s.State, s.Settled)
	}
	h.becomes(person.Active)
	step("not settled for now", func() {
		h.faulty.Fail(2, 0) // the devices cannot be read
		if res, err := h.settler.Settle(t.Context(), acme, janeKey, false); err != nil || res.Settled || h.person().Attempts == 0 {
			t.Errorf("%+v, %v, and nothing was postponed", res, err)
		}
		h.faulty.Fail(0, 0)
	})
	step("granted", h.settle)
	if written < 4 {
		t.Errorf("the row was written in %d steps", written)
	}
}
