package directorysync

import (
	"context"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

func (s *site) runs() []directory.Run {
	s.t.Helper()
	runs, _, err := s.db.Runs(context.Background(), acme, time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return runs
}

func (s *site) run(id string) directory.Run {
	s.t.Helper()
	r, err := s.db.Run(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *site) state() directory.State {
	s.t.Helper()
	st, err := s.db.DirectoryState(context.Background(), acme)
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// people returns everybody, by address.
func (s *site) people() map[string]person.Person {
	s.t.Helper()
	out := map[string]person.Person{}
	var p record.Page
	for {
		ps, next, err := s.db.People(context.Background(), acme, "", p)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, x := range ps {
			name := x.Entry.Mail
			if _, twice := out[name]; twice || name == "" {
				name += "#" + x.ID
			}
			out[name] = x
		}
		if p.Next = next; next == "" {
			return out
		}
	}
}

// states counts people by state.
func (s *site) states() map[person.State]int {
	s.t.Helper()
	out := map[person.State]int{}
	for _, p := range s.people() {
		out[p.State]++
	}
	return out
}

func (s *site) person(mail string) person.Person {
	s.t.Helper()
	p, ok := s.people()[mail]
	if !ok {
		s.t.Fatalf("there is no person %q", mail)
	}
	return p
}

// plan returns every item of a run's plan, by address or id.
func (s *site) plan(r directory.Run) map[string]directory.Item {
	s.t.Helper()
	out := map[string]directory.Item{}
	for n := range r.Parts {
		part, err := s.db.Part(context.Background(), r.ID, n)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, it := range part.Items {
			name := it.Mail
			if _, twice := out[name]; twice || name == "" {
				name += "#" + it.ID
			}
			out[name] = it
		}
	}
	return out
}

func (s *site) trail() []audit.Record {
	s.t.Helper()
	rs, _, err := s.db.Audit(context.Background(), acme, time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return rs
}

func wantRun(t testing.TB, r directory.Run, phase directory.Phase, reason string) {
	t.Helper()
	if r.Phase != phase || r.Reason != reason {
		t.Errorf("run is %s %q (%s), want %s %q", r.Phase, r.Reason, r.Advice, phase, reason)
	}
}
