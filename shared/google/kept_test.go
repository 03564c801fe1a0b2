package google_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// TestKept_AsksNobody: neither for a token that is there, nor for one that is not; and
// what is due for renewal is renewed behind it.
func TestKept_AsksNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDelegate(t)
		who := d.people(2)
		s := google.NewTokens(d.opt)
		if _, known, err := s.Kept(t.Context(), who[0], mail); known || err != nil || d.calls() != 0 {
			t.Fatalf("nothing is kept, and %v, %v, %d calls", known, err, d.calls())
		}
		first := d.want(s, who[0], "")
		kept := func() google.AccessToken {
			t.Helper()
			tok, known, err := s.Kept(t.Context(), who[0], mail)
			if !known || err != nil {
				t.Fatalf("%v, %v", known, err)
			}
			synctest.Wait()
			return tok
		}
		if !kept().Value.Equal(first.Value) || d.calls() != 1 {
			t.Errorf("another token, or %d calls", d.calls())
		}
		time.Sleep(55 * time.Minute)
		if !kept().Value.Equal(first.Value) || d.calls() != 2 {
			t.Errorf("another token while the renewal began, or %d calls", d.calls())
		}
		if kept().Value.Equal(first.Value) || d.calls() != 2 {
			t.Errorf("the same token after the renewal, or %d calls", d.calls())
		}
		d.google.SetSubject(who[1], googletest.SubjectSuspended)
		d.want(s, who[1], google.ReasonSubject)
		if _, known, err := s.Kept(t.Context(), who[1], mail); !known || fault.ReasonOf(err) != google.ReasonSubject || d.calls() != 3 {
			t.Errorf("a refusal: %v, %v, %d calls", known, err, d.calls())
		}
	})
}
