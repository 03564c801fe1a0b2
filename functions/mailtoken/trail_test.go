package mailtoken_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// trail returns the audit trail without ids.
func (b *bench) trail() []audit.Record {
	b.t.Helper()
	records, _, err := b.db.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	var out []audit.Record
	for _, r := range records {
		r.ID = ""
		out = append(out, r)
	}
	return out
}

// TestTrail_E5_WhoGotTokensForWhichMailboxes is told once a day, by digests alone.
func TestTrail_E5_WhoGotTokensForWhichMailboxes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	who := b.mailboxes(4)
	s := b.server(all)
	actor := "mail-client:" + s.id
	issue := func(at time.Time, mailboxes ...string) audit.Record {
		r := audit.Record{Enterprise: "acme", At: at, Actor: actor, Action: "mailtoken.issue", Target: actor, Result: "ok"}
		for _, m := range mailboxes {
			r.Subjects = append(r.Subjects, mailclient.Digest("acme", m))
		}
		slices.Sort(r.Subjects)
		r.Detail = map[int]string{1: "tokens for 1 mailboxes, the first of a day", 2: "tokens for 2 mailboxes, the first of a day"}[len(mailboxes)]
		return r
	}
	var want []audit.Record
	s.ask(who[0], who[1], "stranger@example.org", "another@example.org")
	want = append(want, audit.Record{Enterprise: "acme", At: noon, Actor: actor, Action: "mailtoken.refuse", Target: actor,
		Result: "mailbox-not-allowed", Detail: "2 mailboxes in one request, the first of an hour"}, issue(noon, who[0], who[1]))
	for range 28 { // every 50 minutes, which brings new tokens
		s.ask(who[0], who[1])
		b.pass(50 * time.Minute)
	}
	if b.calls() < 20 {
		t.Errorf("%d calls: the tokens were not renewed", b.calls())
	}
	s.ask(who[1], who[2])
	want = append(want, issue(b.clock(), who[2]))
	b.pass(time.Hour)
	s.ask(who[0], who[1], who[2], "stranger@example.org")
	refused := want[0]
	refused.At, refused.Detail = b.clock(), "1 mailboxes in one request, the first of an hour"
	want = append(want, refused, issue(b.clock(), who[0], who[1]))
	s.ask("stranger@example.org")
	if diff := cmp.Diff(want, b.trail()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, w := range who {
		if strings.Contains(b.written(), w) {
			t.Errorf("%s is in the trail or the log", w)
		}
	}
	if !strings.Contains(b.logged(), `"who":"`+actor+`","enterprise":"acme","mailboxes":4,"refused":"mailbox-not-allowed 2"`) {
		t.Errorf("the log does not count:\n%.600s", b.logged())
	}
}

// TestTrail_E5_NothingGoesOutUnrecorded: whichever operation of the store fails, before
// or after its commit, an answer with tokens is in the trail; and the next request
// succeeds.
func TestTrail_E5_NothingGoesOutUnrecorded(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for k := 1; ; k++ {
			b := newBench(t)
			b.person("anna@example.org", "voicemail")
			who := append(b.mailboxes(2), "anna@example.org", "stranger@example.org")
			s := b.server(mailclient.Allow{Domains: []string{"example.com"}, Labels: []string{"voicemail"}})
			b.faulty.Fail(k, when)
			w := b.send(s.request(who...))
			fired := b.faulty.Fired()
			b.faulty.Fail(0, when)
			issued := 0
			switch w.Code {
			case http.StatusOK:
				for _, it := range itemsOf(t, w) {
					if it.AccessToken != "" {
						issued++
					}
				}
			case http.StatusServiceUnavailable:
				if strings.Contains(w.Body.String(), "ya29") {
					t.Error("a failure has a token in it")
				}
			default:
				t.Errorf("operation %d: %d %s", k, w.Code, w.Body)
			}
			recorded := 0
			for _, r := range b.trail() {
				if r.Action == "mailtoken.issue" {
					recorded = max(recorded, len(r.Subjects))
				}
			}
			if issued > recorded {
				t.Errorf("operation %d: %d tokens went out, %d are recorded", k, issued, recorded)
			}
			b.pass(time.Second)
			if got := s.reasons(who...); !slices.Equal(got, []string{"", "", "", denied}) {
				t.Errorf("operation %d: afterwards %q", k, got)
			}
			b.leaksNothing()
			if !fired {
				if k < 7 {
					t.Errorf("only %d operations failed", k-1)
				}
				break
			}
		}
	}
}
