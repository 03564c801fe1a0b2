package token_test

import (
	"crypto"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// TestToken_P1_FirstToken: one request makes the account and mints its token; the
// row, Google and the trail agree.
func TestToken_P1_FirstToken(t *testing.T) {
	t.Parallel()
	for _, kind := range []account.Type{account.UserAccount, account.DeviceAccount} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			p := b.phone(kind)
			directive := p.row().Desired.AddID()
			claims := p.open(p.ask())
			// With the one read of the check-in before it, 4 and 4.
			b.wantOps("the first token", 3, 4)
			user, row := b.only(), p.account()
			if claims.DeviceID != p.id || claims.DirectiveID != directive {
				t.Errorf("the claims are for %s and %s, want %s and %s", claims.DeviceID, claims.DirectiveID, p.id, directive)
			}
			if user.Identifier != row.ID || user.Type != string(kind) || user.DisplayName != "Acme" {
				t.Errorf("Google has %+v, want the row's %s", user, row.ID)
			}
			if row.State != account.Active || row.UserID != user.ID || row.PlayEnterprise != b.playID {
				t.Errorf("row %+v does not name Google's account %s", row, user.ID)
			}
			if found, err := b.db.AccountByUser(t.Context(), b.playID, user.ID); err != nil || found.ID != row.ID {
				t.Errorf("by Google's ids: %s, %v, want %s (P4)", found.ID, err, row.ID)
			}
			want := []account.Binding{{DeviceID: p.id, AndroidID: p.play.AndroidID(), Since: noon, Tokens: token.Ledger{
				{DirectiveID: directive, At: noon, Deadline: noon.Add(5 * time.Minute), State: token.Outstanding},
			}, Proofs: row.Bindings[0].Proofs}}
			if diff := cmp.Diff(want, row.Bindings); diff != "" {
				t.Errorf("bindings (-want +got):\n%s", diff)
			}
			who, whom := "device:"+p.id, "account:"+row.ID
			trail := []line{{who, "token.request", whom, "ok"}, {who, "account.create", whom, "ok"}}
			if diff := cmp.Diff(trail, b.trail()); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
			if _, err := p.play.AddAccount(t.Context(), secretOf(claims)); err != nil {
				t.Errorf("Play does not take the token: %v", err)
			}
			p.open(p.ask())
			b.wantOps("a further token", 2, 2)
		})
	}
}

// TestToken_T1_NoTokenIsKept: neither the store nor the log holds any token, minted
// in vain or not.
func TestToken_T1_NoTokenIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone(account.DeviceAccount)
	p.add()
	b.sim.Faults.Add(googletest.Script{Method: mint, Mode: googletest.DropAfter, Times: 1})
	p.ask()
	b.sim.Faults.Add(googletest.Script{Method: mint, Mode: googletest.Echo, Times: 1})
	p.ask()
	issued := b.sim.IssuedTokens()
	if len(issued) != 2 {
		t.Fatalf("%d tokens were minted, want 2", len(issued))
	}
	texts := map[string]string{"the log": b.log.String()}
	for key, body := range b.documents() {
		texts[string(key.Kind)+" "+key.ID] = body
	}
	for what, text := range texts {
		for _, word := range append(issued, "sim-auth", "Bearer") {
			if strings.Contains(text, word) {
				t.Errorf("%s holds %q", what, word)
			}
		}
	}
}

// TestToken_T2_OnlyTheDeviceReadsIt: the reply is sealed to the one key that the
// device enrolled, of either kind.
func TestToken_T2_OnlyTheDeviceReadsIt(t *testing.T) {
	t.Parallel()
	rsa, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	for name, opening := range map[string]crypto.Signer{"EC": b.newKey(), "RSA": rsa} {
		p := b.phoneWith(account.DeviceAccount, opening)
		w := p.ask()
		claims := p.open(w)
		if strings.Contains(w.Body.String(), claims.Token) {
			t.Errorf("%s: the reply shows the token", name)
		}
		jwe := strings.Split(w.Body.String(), `"`)[3]
		if _, err := seal.Open(b.newKey(), jwe); err == nil {
			t.Errorf("%s: another key opens the reply", name)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q, want no-store", name, got)
		}
	}
}

// TestToken_T3_DeviceAccountHasOneToken: the next token takes the place of the one
// before, in the ledger and at Google.
func TestToken_T3_DeviceAccountHasOneToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone(account.DeviceAccount)
	first := p.open(p.ask())
	b.advance(time.Second)
	second := p.open(p.ask())
	states := []token.State{}
	for _, m := range p.account().Bindings[0].Tokens {
		states = append(states, m.State)
	}
	if diff := cmp.Diff([]token.State{token.Superseded, token.Outstanding}, states); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	at := map[playtest.TokenState]int{playtest.TokenSuperseded: 1, playtest.TokenIssued: 1}
	if diff := cmp.Diff(at, b.only().Tokens); diff != "" {
		t.Errorf("at Google (-want +got):\n%s", diff)
	}
	if _, err := p.play.AddAccount(t.Context(), secretOf(first)); err == nil {
		t.Error("Play takes the first token")
	}
	if _, err := p.play.AddAccount(t.Context(), secretOf(second)); err != nil {
		t.Errorf("Play does not take the second token: %v", err)
	}
}

// TestToken_C1_RefusalsLookAlike: who is not proven learns nothing and changes
// nothing.
func TestToken_C1_RefusalsLookAlike(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.phone(account.UserAccount)
	usedBody, used := p.proved(p.row().Desired.AddID())
	if w := b.send(usedBody, used); w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	other, _ := p.proved("add-other")
	_, jwt := p.proved(p.row().Desired.AddID())
	strangeBody, strange := b.stranger(b.newKey()).proved(p.row().Desired.AddID())
	before, minted := b.documents(), len(b.sim.IssuedTokens())
	uniform := ""
	for _, tc := range []struct {
		name, reason string
		body         []byte
		jwt          string
	}{
		{"reused proof", "proof-reused", usedBody, used},
		{"proof of another body", "proof-body", other, jwt},
		{"unknown key", "device-unknown", strangeBody, strange},
		{"no proof", "proof-missing", usedBody, ""},
	} {
		w := b.send(tc.body, tc.jwt)
		if w.Code != http.StatusUnauthorized || b.served.Reason != tc.reason {
			t.Errorf("%s: status %d for %q, want 401 for %q", tc.name, w.Code, b.served.Reason, tc.reason)
		}
		if uniform == "" {
			uniform = w.Body.String()
		}
		if diff := cmp.Diff(uniform, w.Body.String()); diff != "" {
			t.Errorf("%s tells itself apart:\n%s", tc.name, diff)
		}
	}
	if diff := cmp.Diff(before, b.documents()); diff != "" {
		t.Errorf("refused calls changed the store:\n%s", diff)
	}
	if n := len(b.sim.IssuedTokens()); n != minted {
		t.Errorf("refused calls minted %d tokens", n-minted)
	}
}

func secretOf(c protocol.TokenClaims) secret.Value { return secret.New(c.Token) }
