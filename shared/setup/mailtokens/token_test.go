package mailtokens_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/setup/mailtokens"
)

// TestToken_K3_AThousandAskersMakeOneCall, also beyond what the limit would let
// through at once; afterwards the token is kept.
func TestToken_K3_AThousandAskersMakeOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		who := b.people("acme", 1)[0]
		b.google["acme"].faults.Add(googletest.Script{Method: "*", Mode: googletest.Answer, Latency: 3 * time.Second})
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 1000 {
			asked := who
			if i%2 == 0 {
				asked = strings.ToUpper(who) // the same mailbox
			}
			wg.Go(func() { b.want("acme", asked, "") })
		}
		wg.Wait()
		tok := b.want("acme", who, "")
		if g, _ := b.google["acme"].Grant(tok.Value.Reveal()); g.Subject != who {
			t.Errorf("the token is for %+v", g)
		}
		if n, took := b.calls("acme"), time.Since(began); n != 1 || took != 3*time.Second {
			t.Errorf("%d calls in %v, want 1 in 3 s", n, took)
		}
	})
}

// TestToken_EachScopeAndEnterpriseHasItsOwn: and a scope that is none gets none.
func TestToken_EachScopeAndEnterpriseHasItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		who := b.people("acme", 1)[0]
		b.people("beta", 1)
		for _, tc := range []struct {
			ent   string
			scope mailclient.Scope
		}{{"acme", mailclient.Full}, {"acme", mailclient.IMAPAdmin}, {"beta", mailclient.Full}} {
			tok, err := b.mint.Token(t.Context(), tc.ent, who, tc.scope)
			if err != nil {
				t.Fatal(err)
			}
			g, ok := b.google[tc.ent].Grant(tok.Value.Reveal())
			if !ok || g.Subject != who || len(g.Scopes) != 1 || g.Scopes[0] != tc.scope.URL() {
				t.Errorf("%v: the token is for %+v", tc, g)
			}
			if left := time.Until(tok.Expiry); left < 59*time.Minute || left > time.Hour {
				t.Errorf("it ends in %v", left)
			}
		}
		if _, err := b.mint.Token(t.Context(), "acme", who, "all"); err == nil {
			t.Error("a scope that is none gets a token")
		}
	})
}

// TestToken_K3_ASuspendedPersonFailsAlone and is asked for again after a minute.
func TestToken_K3_ASuspendedPersonFailsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		who := b.people("acme", 100)
		b.google["acme"].SetSubject(who[50], googletest.SubjectSuspended)
		for i, w := range who {
			reason := ""
			if i == 50 {
				reason = google.ReasonSubject
			}
			b.want("acme", w, reason)
			b.want("acme", w, reason)
		}
		if n := b.calls("acme"); n != 100 || strings.Contains(b.logged(), "level=ERROR") {
			t.Errorf("%d calls, log:\n%s", n, b.logged())
		}
		b.google["acme"].SetSubject(who[50], googletest.SubjectActive)
		time.Sleep(time.Minute + time.Second)
		b.want("acme", who[50], "")
	})
}

// TestToken_K3_ABrokenKeyFailsFastIsToldOnceAndRecovers: kept tokens go on, the other
// enterprise does not notice, and nobody needs to do more than mend the key.
func TestToken_K3_ABrokenKeyFailsFastIsToldOnceAndRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		who := b.people("acme", 300)
		b.people("beta", 300)
		kept := b.want("acme", who[0], "")
		acme := b.google["acme"]
		acme.DeleteKey(acme.account.Email, acme.account.KeyID)
		began := time.Now()
		for range 3 {
			var wg sync.WaitGroup
			for _, w := range who[1:] {
				wg.Go(func() { b.want("acme", w, google.ReasonKey) })
			}
			wg.Wait()
		}
		if n, took := b.calls("acme"), time.Since(began); n > 1+mailtokens.Parallel || took > time.Second {
			t.Errorf("%d calls in %v for the broken key", n, took)
		}
		if !b.want("acme", who[0], "").Value.Equal(kept.Value) {
			t.Error("the token that is kept is not handed out")
		}
		for _, w := range who {
			b.want("beta", w, "")
		}
		// However long it takes, it is told as what it is.
		for range 100 {
			time.Sleep(31 * time.Second)
			b.want("acme", who[1], google.ReasonKey)
			time.Sleep(10 * time.Second)
			b.want("acme", who[2], google.ReasonKey)
		}
		b.renew("acme")
		time.Sleep(31 * time.Second)
		for _, w := range who {
			b.want("acme", w, "")
		}
		log := b.logged()
		if e, i := strings.Count(log, "level=ERROR"), strings.Count(log, "level=INFO"); e != 1 || i != 1 || !strings.Contains(log, "enterprise=acme") {
			t.Errorf("%d errors, %d all-clears:\n%s", e, i, log)
		}
	})
}

// TestToken_E1_TriesAgainWhatIsWorthIt and leaves a token endpoint alone that is down,
// which another enterprise's is not.
func TestToken_E1_TriesAgainWhatIsWorthIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		who := b.people("acme", 200)
		b.people("beta", 1)
		acme := b.google["acme"]
		for _, mode := range []googletest.Script{
			{Mode: googletest.Refuse, Status: 503}, {Mode: googletest.Refuse, Status: 429, RetryAfter: "7"}, {Mode: googletest.DropBefore},
			{Mode: googletest.DropAfter}, {Mode: googletest.Malformed}, {Mode: googletest.Echo, Status: 500}, {Mode: googletest.HTML, Status: 502},
		} {
			mode.Method, mode.Times = "*", 1
			acme.faults.Add(mode)
			b.want("acme", who[0], "")
			who = who[1:]
		}
		acme.faults.Add(googletest.Script{Method: "*", Mode: googletest.Echo, Status: 500, Times: 1e6})
		for _, w := range who[:16] { // four tries each
			b.want("acme", w, google.ReasonBackend)
		}
		before := b.calls("acme")
		for _, w := range who[16:] {
			b.want("acme", w, google.ReasonPaused)
		}
		if n := b.calls("acme") - before; n != 0 {
			t.Errorf("%d calls while paused", n)
		}
		b.want("beta", who[0], google.ReasonSubject) // Google's own answer
		acme.faults.Clear()
		time.Sleep(31 * time.Second)
		for _, w := range who {
			b.want("acme", w, "")
		}
	})
}

// TestToken_WhoLeavesFindsItLater: the fetch goes on, and is one.
func TestToken_WhoLeavesFindsItLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		who := b.people("acme", 1)[0]
		b.google["acme"].faults.Add(googletest.Script{Method: "*", Mode: googletest.Answer, Latency: 10 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			time.Sleep(time.Millisecond)
			b.want("acme", who, "") // who waits along gets it
		})
		_, err := b.mint.Token(ctx, "acme", who, mailclient.Full)
		if f := fault.As(err); fault.ReasonOf(err) != mailtokens.ReasonLater || f.Kind != fault.Transient || f.RetryAfter <= 0 {
			t.Errorf("in time of one's own: %v", err)
		}
		if _, err := b.mint.Token(ctx, "acme", "x@example.com", mailclient.Full); fault.ReasonOf(err) != mailtokens.ReasonLater {
			t.Errorf("without time: %v", err)
		}
		wg.Wait()
		if _, known, err := b.mint.Kept(t.Context(), "acme", who, mailclient.Full); !known || err != nil || b.calls("acme") != 1 {
			t.Errorf("afterwards: %v, %v, %d calls", known, err, b.calls("acme"))
		}
	})
}

// TestToken_WithoutACredentialSaysSo, without looking for it once for each mailbox.
func TestToken_WithoutACredentialSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for _, w := range b.people("acme", 100) {
			b.want("gamma", w, mailtokens.ReasonCredential)
		}
		if b.reads > 2 {
			t.Errorf("%d reads of a secret that is not there", b.reads)
		}
		acme := b.google["acme"]
		stored := acme.stored
		acme.stored = secret.Value{}
		b.want("acme", "user00001@example.com", mailtokens.ReasonCredential)
		acme.stored = stored
		time.Sleep(6 * time.Second)
		b.want("acme", "user00001@example.com", "")
		if b.outcomes["oauth2.token ok"] != 1 {
			t.Errorf("observed: %v", b.outcomes)
		}
	})
}
