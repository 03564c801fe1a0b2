package mailtoken_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
)

var all = mailclient.Allow{Domains: []string{"example.com"}}

// TestBatch_AnswersInOrder for each mailbox by itself, as it was asked for; a token
// comes with its end and the XOAUTH2 response (invariant M4).
func TestBatch_AnswersInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	who := b.mailboxes(500)
	b.google.SetSubject(who[7], googletest.SubjectSuspended)
	who[9] = "stranger@example.org"
	who[11] = strings.ToUpper(who[11])
	s := b.server(all)
	w := b.send(s.request(who...))
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	for i, it := range itemsOf(t, w) {
		switch {
		case it.Mailbox != who[i]:
			t.Fatalf("item %d is %s, want %s", i, it.Mailbox, who[i])
		case i == 7 && (it.Reason != "google-subject" || it.Detail == "" || it.AccessToken != ""):
			t.Errorf("suspended: %+v", it)
		case i == 9 && it.Reason != mailclient.ReasonNotAllowed:
			t.Errorf("not allowed: %+v", it)
		case i == 7, i == 9:
			continue
		}
		g, ok := b.google.Grant(it.AccessToken)
		if !ok || g.Subject != strings.ToLower(who[i]) || cmp.Diff(g.Scopes, []string{mailclient.Full.URL()}) != "" {
			t.Fatalf("%s: the token is for %+v", who[i], g)
		}
		if left := it.ExpiresAt.Sub(b.clock()); left != 59*time.Minute+59*time.Second {
			t.Fatalf("%s: it ends in %v", who[i], left)
		}
		response, err := base64.StdEncoding.DecodeString(it.XOAUTH2)
		if want := "user=" + g.Subject + "\x01auth=Bearer " + it.AccessToken + "\x01\x01"; err != nil || string(response) != want {
			t.Fatalf("%s: XOAUTH2 %q", who[i], response)
		}
	}
	b.leaksNothing()
}

// TestBatch_E4_RefusesWhatIsNone and names the mailbox; nothing is asked or stored.
func TestBatch_E4_RefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.server(all)
	many := make([]string, 501)
	for i := range many {
		many[i] = fmt.Sprintf(`"u%d@example.com"`, i)
	}
	for _, tc := range []struct {
		body   string
		status int
		field  string
	}{
		{`{}`, 400, "mailboxes"}, {`{"mailboxes":[]}`, 400, "mailboxes"}, {`{"mailboxes":null}`, 400, "mailboxes"}, {``, 400, ""},
		{`{"mailboxes":["a@example.com"],"scope":"x"}`, 400, "scope"}, {`{"Mailboxes":["a@example.com"]}`, 400, "Mailboxes"},
		{`{"mailboxes":["a@example.com",null]}`, 400, "mailboxes[1]"}, {`{"mailboxes":"a@example.com"}`, 400, "mailboxes"},
		{`{"mailboxes":["a@example.com","A@example.com"]}`, 400, "mailboxes[1]"}, {`{"mailboxes":["a@example.com\u0001auth=x"]}`, 400, "mailboxes[0]"},
		{`{"mailboxes":[` + strings.Join(many, ",") + `]}`, 400, "mailboxes"}, {`{"mailboxes":["a@example.com"]}` + strings.Repeat(" ", 64<<10), 413, ""},
	} {
		w := b.send(s.signed([]byte(tc.body)))
		if named := strings.Contains(w.Body.String(), `"field":"`+tc.field+`"`); w.Code != tc.status || tc.field != "" && !named {
			t.Errorf("%.60s: %d %s, want %d that names %q", tc.body, w.Code, w.Body, tc.status, tc.field)
		}
	}
	get := s.request("a@example.com")
	get.Method = http.MethodGet
	if w := b.send(get); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	form := s.request("a@example.com")
	form.Header.Set("Content-Type", "text/plain")
	if w := b.send(form); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("text: %d", w.Code)
	}
	if b.calls() != 0 || b.trail() != nil {
		t.Errorf("%d calls, %+v", b.calls(), b.trail())
	}
}

// TestBatch_WhatItCosts: a warm answer asks neither Google nor the store; half a minute
// later it reads the client's row, and a minute later whose the mailboxes are.
func TestBatch_WhatItCosts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	who := b.mailboxes(500)
	s := b.server(all)
	s.ask(who...)
	b.wantCost("cold: the row, the mode, and each address once as the directory's and once as Google's", 1+1+2*500, 1, 500)
	s.ask(who...)
	b.wantCost("warm", 0, 0, 500)
	b.pass(31 * time.Second)
	s.ask(who[100:300]...)
	b.wantCost("warm, half a minute later", 1, 0, 500)
	other := b.server(all)
	other.ask(who...)
	b.wantCost("another client", 1, 1, 500)
	b.pass(30 * time.Second)
	s.ask(who[0])
	b.wantCost("a minute later it is looked up again who left", 1+1+2, 0, 500)

	for i := range 50 {
		b.person(fmt.Sprintf("labelled%02d@example.org", i), "voicemail")
	}
	var labelled []string
	for i := range 50 {
		labelled = append(labelled, fmt.Sprintf("labelled%02d@example.org", i))
	}
	s = b.server(mailclient.Allow{Labels: []string{"voicemail"}})
	s.ask(labelled...)
	b.wantCost("by label", 1+2*50, 1, 550)
	s.ask(labelled...)
	b.wantCost("by label, warm", 0, 0, 550)
}

// TestBatch_K3_AThousandRequestsForOneColdMailbox make one call to Google, one read and
// one record.
func TestBatch_K3_AThousandRequestsForOneColdMailbox(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	who := b.mailboxes(1)[0]
	s := b.server(all)
	b.faults.Add(googletest.Script{Method: "*", Mode: googletest.Answer, Latency: 50 * time.Millisecond})
	var requests []*http.Request
	for range 1000 {
		requests = append(requests, s.request(who))
	}
	tokens := make([]string, len(requests))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, r := range requests {
		wg.Go(func() {
			<-start
			tokens[i] = itemsOf(t, b.send(r))[0].AccessToken
		})
	}
	close(start)
	wg.Wait()
	for _, tok := range tokens {
		if tok == "" || tok != tokens[0] {
			t.Fatalf("not everybody has the same token")
		}
	}
	if n := b.calls(); n != 1 || len(b.trail()) != 1 {
		t.Errorf("%d calls, %d records", n, len(b.trail()))
	}
}
