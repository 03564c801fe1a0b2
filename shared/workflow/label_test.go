package workflow

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

var dawn = time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)

// asks returns a command of the given hour.
func asks(hour int, add, remove []string) Command {
	return Command{Op: Label, AddLabels: add, RemoveLabels: remove, RequestedAt: dawn.Add(time.Duration(hour) * time.Hour)}
}

func TestRelabel(t *testing.T) {
	t.Parallel()
	a, b, ab := []string{"a"}, []string{"b"}, []string{"a", "b"}
	for _, tc := range []struct {
		name    string
		have    []string
		do      []Command
		want    []string
		changed bool // by the last command
	}{
		{"add", nil, []Command{asks(1, a, nil)}, a, true},
		{"add to others", b, []Command{asks(1, a, nil)}, ab, true},
		{"remove", ab, []Command{asks(1, nil, a)}, b, true},
		{"both", a, []Command{asks(1, b, a)}, b, true},
		{"the same event again", nil, []Command{asks(1, a, nil), asks(1, a, nil)}, a, false},
		{"what is there, for the first time", a, []Command{asks(1, a, nil)}, a, true},
		{"a removal that comes late", nil, []Command{asks(2, a, nil), asks(1, nil, a)}, a, false},
		{"an addition that comes late", a, []Command{asks(2, nil, a), asks(1, a, nil)}, nil, false},
		{"late, about another label", nil, []Command{asks(2, a, nil), asks(1, b, nil)}, ab, true},
		{"late in part", nil, []Command{asks(2, a, nil), asks(1, b, a)}, ab, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, asked, changed, err := slices.Clone(tc.have), map[string]time.Time(nil), false, error(nil)
			for _, c := range tc.do {
				if got, asked, changed, err = c.Relabel(got, asked); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || changed != tc.changed {
				t.Errorf("changed %v, labels (-want +got):\n%s", changed, diff)
			}
		})
	}
}

// TestRelabel_W2_OrderMeansNothing: commands end as in the order in which they were
// asked for, in whatever order and however often they come.
func TestRelabel_W2_OrderMeansNothing(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(4, 2))
	for round := range 200 {
		var cs []Command
		for hour := range 6 {
			add, remove := []string{}, []string{}
			for i := range 4 {
				switch l := string(rune('a' + i)); dice.IntN(3) {
				case 0:
					add = append(add, l)
				case 1:
					remove = append(remove, l)
				}
			}
			cs = append(cs, asks(hour, add, remove))
		}
		run := func(cs []Command) []string {
			labels, asked := []string{"a", "c"}, map[string]time.Time(nil)
			for _, c := range cs {
				var err error
				if labels, asked, _, err = c.Relabel(labels, asked); err != nil {
					t.Fatal(err)
				}
			}
			return labels
		}
		want := run(cs)
		mixed := slices.Concat(cs, cs)
		dice.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if diff := cmp.Diff(want, run(mixed)); diff != "" {
			t.Fatalf("round %d (-in order +mixed):\n%s", round, diff)
		}
	}
}

func TestRelabel_IsBounded(t *testing.T) {
	t.Parallel()
	var labels []string
	asked := map[string]time.Time{}
	var err error
	for i := range maxHeld {
		if labels, asked, _, err = asks(0, []string{"l" + strconv.Itoa(i)}, nil).Relabel(labels, asked); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, _, err := asks(0, []string{"one-more"}, nil).Relabel(labels, asked); fault.ReasonOf(err) != "too-many-labels" {
		t.Errorf("label %d: %v", maxHeld+1, err)
	}
	for i := range 2 * maxAsked {
		if labels, asked, _, err = asks(i/10, nil, []string{fmt.Sprintf("l%d", i)}).Relabel(labels, asked); err != nil {
			t.Fatal(err)
		}
	}
	if len(labels) != 0 || len(asked) != maxAsked {
		t.Errorf("%d labels and %d times are kept, want 0 and %d", len(labels), len(asked), maxAsked)
	}
	if _, asked, _, err = asks(24*40, []string{"new"}, nil).Relabel(labels, asked); err != nil || len(asked) != 1 {
		t.Errorf("after 40 days %d times are kept, %v; want 1", len(asked), err)
	}
}
