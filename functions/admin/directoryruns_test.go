package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

var runID = strings.Repeat("a", 26)

// putRun stores a run, which is the current one.
func (b *bench) putRun(run directory.Run) {
	b.t.Helper()
	if run.ID == "" {
		run.ID = runID
	}
	run.Enterprise = "acme"
	b.put(func(tx *record.Tx) error { return tx.PutRun(run) })
	b.put(func(tx *record.Tx) error {
		s, err := tx.DirectoryState("acme")
		if err != nil {
			return err
		}
		s.Run = run.ID
		return tx.PutDirectoryState(s)
	})
}

func TestStartRun(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body string
		current    directory.Run
		want       directory.Command
		supersedes string
	}{
		{"sync", `{"kind":"sync"}`, directory.Run{}, directory.Command{Kind: directory.Sync}, ""},
		{"full", `{"kind":"sync","full":true}`, directory.Run{}, directory.Command{Kind: directory.Sync, Full: true}, ""},
		{"plan", `{"kind":"plan"}`, directory.Run{Phase: directory.Done}, directory.Command{Kind: directory.DryRun}, ""},
		{"test", `{"kind":"test"}`, directory.Run{Phase: directory.Failed}, directory.Command{Kind: directory.Probe}, ""},
		{"quarantined before", `{"kind":"sync"}`, directory.Run{Phase: directory.Quarantined, StartedAt: clock}, directory.Command{Kind: directory.Sync}, runID},
		{"waiting before", `{"kind":"sync"}`, directory.Run{Phase: directory.Collecting, Revision: 1, Reason: "ldap-unreachable"}, directory.Command{Kind: directory.Sync}, runID},
		{"of another configuration before", `{"kind":"plan"}`, directory.Run{Phase: directory.Collecting}, directory.Command{Kind: directory.DryRun}, runID},
		{"a test beside it", `{"kind":"test"}`, directory.Run{Phase: directory.Collecting, Revision: 1}, directory.Command{Kind: directory.Probe}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.configured()
			if tc.current.Phase != "" {
				b.putRun(tc.current)
			}
			var got ordered
			b.want(202, "POST", dirPath+"/runs", tc.body, &got)
			tc.want.Enterprise, tc.want.Op, tc.want.Run = "acme", directory.Start, got.Run
			tc.want.RequestedBy, tc.want.RequestedAt = "admin:local", clock
			if d := cmp.Diff([]directory.Command{tc.want}, b.bus.takeRuns()); d != "" || got.EventID == "" || got.Supersedes != tc.supersedes {
				t.Errorf("%+v, published: -want +got:\n%s", got, d)
			}
			trail := b.trail("acme")
			if want := "admin:local directory.request run:" + got.Run + " ok"; trail[len(trail)-1] != want {
				t.Errorf("the trail ends with %q, want %q", trail[len(trail)-1], want)
			}
		})
	}
}

func TestStartRunRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.refuse(404, "POST", dirPath+"/runs", `{"kind":"sync"}`, "", "no directory yet")
	b.want(200, "PUT", dirPath, readOnly+`}`, nil)
	before := b.trail("acme")
	b.refuse(400, "POST", dirPath+"/runs", `{}`, "kind", "sync, plan or test")
	b.refuse(400, "POST", dirPath+"/runs", `{"kind":"wipe"}`, "kind", "sync, plan or test")
	b.refuse(400, "POST", dirPath+"/runs", `{"kind":"sync","run":"x"}`, "run", "not known")
	b.putRun(directory.Run{Phase: directory.Collecting, Revision: 1})
	b.refuse(409, "POST", dirPath+"/runs", `{"kind":"sync"}`, "", runID+" is under way (collecting)")
	b.putRun(directory.Run{Phase: directory.Collecting, Revision: 1, Reason: "ldap-unreachable"})
	b.put(func(tx *record.Tx) error {
		return tx.PutDirectoryState(directory.State{Enterprise: "acme", Run: runID, Beat: clock.Add(1 - lease)})
	})
	b.refuse(409, "POST", dirPath+"/runs", `{"kind":"plan"}`, "", "is under way") // a process has it
	if got := b.bus.takeRuns(); len(got) > 0 {
		t.Errorf("a refusal published %v", got)
	}
	if d := cmp.Diff(before, b.trail("acme")); d != "" {
		t.Errorf("a refusal left records: -want +got:\n%s", d)
	}
	b.putRun(directory.Run{Phase: directory.Done})
	b.bus.fail = fault.New(fault.Transient, "bus-down", "the bus is down")
	b.refuse(503, "POST", dirPath+"/runs", `{"kind":"sync"}`, "", "the bus is down")
	if trail := b.trail("acme"); !strings.HasSuffix(trail[len(trail)-1], "bus-down") {
		t.Errorf("trail: %v", trail)
	}
}

func TestDecideOnRun(t *testing.T) {
	t.Parallel()
	waiting := directory.Run{Kind: directory.Sync, Phase: directory.Quarantined, StartedAt: clock.Add(-time.Hour), Revision: 1}
	for _, tc := range []struct {
		name, path, body string
		want             directory.Command
		detail           string
	}{
		{"approve", "/approve", `{}`, directory.Command{Op: directory.Approve}, "approve"},
		{"additions only", "/approve", `{"additionsOnly":true}`, directory.Command{Op: directory.Approve, AdditionsOnly: true}, "approve, additions only"},
		{"reject", "/reject", ``, directory.Command{Op: directory.Reject}, "reject"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.configured()
			b.putRun(waiting)
			var got ordered
			b.want(202, "POST", dirPath+"/runs/"+runID+tc.path, tc.body, &got)
			tc.want.Enterprise, tc.want.Run, tc.want.RequestedBy, tc.want.RequestedAt = "acme", runID, "admin:local", clock
			if d := cmp.Diff([]directory.Command{tc.want}, b.bus.takeRuns()); d != "" || got.Run != runID {
				t.Errorf("%+v, published: -want +got:\n%s", got, d)
			}
			records, _, err := b.office.DB.Audit(t.Context(), "acme", clock, record.Page{})
			if err != nil {
				t.Fatal(err)
			}
			last := records[len(records)-1]
			if last.Action != "directory.request" || last.Target != "run:"+runID || last.Detail != tc.detail || len(records) != 3 {
				t.Errorf("%d records, the last is %+v", len(records), last)
			}
		})
	}
	b := newBench(t)
	b.configured()
	b.putRun(waiting)
	b.refuse(400, "POST", dirPath+"/runs/"+runID+"/approve", `{"all":true}`, "all", "not known")
	b.refuse(404, "POST", dirPath+"/runs/"+strings.Repeat("b", 26)+"/approve", `{}`, "", "no directory run")
	b.refuse(404, "POST", dirPath+"/runs/x/reject", ``, "", "no directory run")
	stale := strings.Repeat("d", 26)
	b.putRun(directory.Run{ID: stale, Kind: directory.Sync, Phase: directory.Quarantined, Revision: 7})
	b.refuse(409, "POST", dirPath+"/runs/"+stale+"/approve", `{}`, "", "the configuration was changed after")
	other := strings.Repeat("c", 26)
	b.putRun(directory.Run{ID: other, Phase: directory.Applying})
	b.refuse(409, "POST", dirPath+"/runs/"+runID+"/approve", `{}`, "", "not the current one any more")
	b.refuse(409, "POST", dirPath+"/runs/"+other+"/reject", ``, "", "is applying and waits for nobody")
	b.putRun(directory.Run{ID: other, Phase: directory.Superseded})
	b.refuse(409, "POST", dirPath+"/runs/"+other+"/reject", ``, "", "is over (superseded)")
	b.put(func(tx *record.Tx) error {
		return tx.PutRun(directory.Run{ID: other, Enterprise: "other", Phase: directory.Quarantined})
	})
	b.refuse(404, "POST", dirPath+"/runs/"+other+"/approve", `{}`, "", "no directory run")
	if got := b.bus.takeRuns(); len(got) > 0 {
		t.Errorf("a refusal published %v", got)
	}
}

func TestRunsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	var ids []string
	for i, age := range []time.Duration{0, time.Hour, 50 * time.Hour, 400 * 24 * time.Hour, 5000 * 24 * time.Hour} {
		ids = append(ids, strings.Repeat(string(rune('a'+i)), 26))
		b.putRun(directory.Run{ID: ids[i], StartedAt: clock.Add(-age), Cursor: "cookie"})
	}
	for limit, want := range map[string][]string{"?limit=1": ids[:1], "?limit=3": ids[:3], "": ids} {
		var got page[directory.Run]
		b.want(200, "GET", dirPath+"/runs"+limit, "", &got)
		var found []string
		for _, r := range got.Items {
			found = append(found, r.ID)
			if r.Cursor != "" {
				t.Error("the cursor is shown")
			}
		}
		if d := cmp.Diff(want, found); d != "" {
			t.Errorf("%s: -want +got:\n%s", limit, d)
		}
	}
	b.refuse(400, "GET", dirPath+"/runs?next=x", "", "next", "not known")
}

func TestShowRunAndStatus(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	var s directoryStatus
	b.want(200, "GET", dirPath+"/status", "", &s)
	if d := cmp.Diff(directoryStatus{Enterprise: "acme", Mode: directory.ReadOnly, Revision: 1, FullEveryHours: 24, People: counts{}, Runs: []directory.Run{}}, s); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	b.putRun(directory.Run{
		Kind: directory.Probe, Phase: directory.Done, StartedAt: clock,
		Sample: []person.Entry{{ID: "1", Mail: "ada@example.com", Hash: "digest-of-a-hash"}},
	})
	b.put(func(tx *record.Tx) error {
		s, err := tx.DirectoryState("acme")
		if err != nil {
			return err
		}
		s.People, s.Cursor = 3, "eyJrIjoic3luYyIsInMiOiJ4In0" // {"k":"sync","s":"x"}
		return tx.PutDirectoryState(s)
	})
	for i, state := range []person.State{person.Active, person.Leaving, person.Leaving, person.Disabled} {
		b.put(func(tx *record.Tx) error {
			return tx.PutPerson(person.Person{Key: strings.Repeat(string(rune('a'+i)), 26), Enterprise: "acme", State: state})
		})
	}
	b.want(200, "GET", dirPath+"/status", "", &s)
	if s.Cursor != directory.SyncCookie || s.Listed != 3 || s.Run == nil || len(s.Runs) != 1 {
		t.Errorf("got %+v", s)
	}
	if d := cmp.Diff(counts{"leaving": 2, "disabled": 1}, s.People); d != "" {
		t.Errorf("people: -want +got:\n%s", d)
	}
	w := b.do("GET", dirPath+"/runs/"+runID, "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "ada@example.com") || strings.Contains(w.Body.String(), "digest-of-a-hash") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
