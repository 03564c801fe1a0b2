package directorysync

import (
	"bytes"
	"regexp"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// outcome is what a run leaves, without the times at which it did so.
type outcome struct {
	People map[string]person.Person
	Run    directory.Run
	Plan   map[string]directory.Item
	// Rows are the manifests, packed.
	Rows map[directory.Source][]byte
	// Trail counts the records by action and target.
	Trail map[string]int
	// text is all of it as JSON, made once however often it is compared.
	text []byte
}

func (s *site) outcome(r directory.Run) outcome {
	s.t.Helper()
	st := s.state()
	o := outcome{People: s.people(), Run: r, Plan: s.plan(r), Rows: map[directory.Source][]byte{}, Trail: map[string]int{}}
	o.Run.Slices = 0
	known := len(st.Garbage)
	for src, names := range st.Manifests {
		known += len(names)
		for _, name := range names {
			b, err := s.db.Bucket(s.t.Context(), name)
			s.must(err)
			o.Rows[src] = append(o.Rows[src], b...)
		}
	}
	buckets, err := s.driver.Find(s.t.Context(), store.Query{Kind: record.DirectoryManifests, Limit: 1000})
	s.must(err)
	if len(buckets) != known {
		s.t.Errorf("%d buckets are stored and %d known", len(buckets), known)
	}
	for _, rec := range s.trail() {
		o.Trail[rec.Action+" "+rec.Target+" "+rec.Result]++
	}
	if st.Run != "" || !st.Beat.IsZero() || st.LastRun != r.ID {
		s.t.Errorf("the state is %+v after run %s", st, r.ID)
	}
	b, err := json.Marshal(o, json.Deterministic(true))
	s.must(err)
	o.text = timeText.ReplaceAll(b, []byte(`"then"`))
	return o
}

// timeText is a time in JSON. That something happened counts, and not when.
var timeText = regexp.MustCompile(`"20[0-9-]{8}T[0-9:.]+Z"`)

// differs returns how two outcomes differ, "" for not at all.
func differs(want, got outcome) string {
	if bytes.Equal(want.text, got.text) {
		return ""
	}
	timeless := cmp.Comparer(func(a, b time.Time) bool { return a.IsZero() == b.IsZero() })
	diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(outcome{}), timeless)
	return "(-want +got):\n" + diff[:min(len(diff), 6000)]
}
