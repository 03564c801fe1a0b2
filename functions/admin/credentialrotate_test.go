package admin

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager/secretmanagertest"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// needs gives the enterprise all that needs the credential.
func (d *delegation) needs() {
	d.t.Helper()
	d.configured()
	d.put(func(tx *record.Tx) error {
		return tx.PutPasswordPolicy(password.Policy{Enterprise: "acme", Revision: 1, Length: 16})
	})
	for sub, scope := range map[string]mailclient.Scope{"1000001": mailclient.Full, "1000002": mailclient.IMAPAdmin} {
		d.put(func(tx *record.Tx) error {
			return tx.PutMailClient(mailclient.Client{
				ID: mailclient.AccountID(sub), Enterprise: "acme", Name: "Voicemail", Scope: scope, State: mailclient.Active,
				ServiceAccount: &mailclient.ServiceAccount{Email: "v@p.iam.gserviceaccount.com", Sub: sub}, Allow: mailclient.Allow{Domains: []string{"example.com"}},
			})
		})
	}
}

var allScopes = []string{doctor.ScopeReadUsers, doctor.ScopeUsers, mailclient.IMAPAdmin.URL(), mailclient.Full.URL()}

// TestRotate_K1_TriesEveryScopeInUseBeforeTheOldKeyGoes: each apart, as the
// administrator whom the directory names; and whatever fails, nothing changes.
func TestRotate_K1_TriesEveryScopeInUseBeforeTheOldKeyGoes(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.needs()
	old := d.account("sync", allScopes...)
	d.want(200, "PUT", credentialPath, keyBody(old.JSON), nil)
	other := d.account("other", doctor.ScopeReadUsers, mailclient.Full.URL())
	revoked := d.account("sync")
	d.google.DeleteKey(revoked.Email, revoked.KeyID)
	next := d.account("sync")
	before := d.trail("acme")
	lacking := "https://www.googleapis.com/auth/admin.directory.user, needed to set generated passwords, as admin@example.com"
	d.refuse(409, "PUT", rotatePath, keyBody(other.JSON), "", lacking)
	d.refuse(409, "PUT", rotatePath, keyBody(other.JSON), "", "gmail.imap_admin, needed to give mail clients tokens, as admin@example.com")
	d.refuse(409, "PUT", rotatePath, keyBody(other.JSON), "", "domain-wide delegation")
	d.refuse(409, "PUT", rotatePath, keyBody(revoked.JSON), "", "deleted, disabled or expired")
	d.refuse(409, "PUT", rotatePath, keyBody(old.JSON), "", "is in use")
	d.refuse(409, "PUT", credentialPath, strings.Replace(keyBody(revoked.JSON), "{", `{"verify":true,`, 1), "", "deleted, disabled or expired")
	d.google.SetSubject(boss, googletest.SubjectSuspended)
	d.refuse(409, "PUT", rotatePath, keyBody(next.JSON), "", "the person is suspended")
	d.google.SetSubject(boss, googletest.SubjectActive)
	d.google.SetAccount(next.Email, googletest.AccountDisabled)
	d.refuse(409, "PUT", rotatePath, keyBody(next.JSON), "", "disabled or deleted")
	d.google.SetAccount(next.Email, googletest.AccountActive)
	d.keeps(old)
	if diff := cmp.Diff(before, d.trail("acme")); diff != "" {
		t.Errorf("a refusal left a record: %s", diff)
	}

	w := d.do("PUT", rotatePath, keyBody(next.JSON))
	var got credentialReply
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var tried []triedScope
	for _, scope := range allScopes {
		tried = append(tried, triedScope{scope, boss})
	}
	if diff := cmp.Diff(tried, got.Tried); diff != "" {
		t.Errorf("tried: -want +got:\n%s", diff)
	}
	if got.Credential.KeyID != next.KeyID || got.Replaced == nil || got.Replaced.KeyID != old.KeyID || got.OldKept != "" || got.Covered {
		t.Errorf("answered %+v", got)
	}
	d.keeps(next)
	if details := d.trailText(); !strings.Contains(details, "credential.rotate: client "+next.ClientID+", key SHA-256 "+got.Credential.Fingerprint) {
		t.Errorf("the trail says %s", details)
	}
	d.leaks(w.Body.String())
}

// TestRotate_K1_AnOutageOfGoogleChangesNothing and says to try again.
func TestRotate_K1_AnOutageOfGoogleChangesNothing(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.needs()
	old := d.account("sync", allScopes...)
	d.want(200, "PUT", credentialPath, keyBody(old.JSON), nil)
	next := d.account("sync")
	// A request of which all calls but the first n fail.
	for n := range 1 + len(allScopes) {
		d.faults.Add(googletest.Script{Method: googletest.TokenMethod, Skip: n, Times: 100, Mode: googletest.Refuse})
		d.refuse(503, "PUT", rotatePath, keyBody(next.JSON), "", "nothing is changed")
		d.faults.Clear()
		d.keeps(old)
	}
	d.want(200, "PUT", rotatePath, keyBody(next.JSON), nil)
	d.keeps(next)
}

// TestRotate_K1_ChangedMeanwhile: of two admins who rotate at once, the second to
// store is refused, and the first one's key stays.
func TestRotate_K1_ChangedMeanwhile(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.needs()
	old, first, second := d.account("sync", allScopes...), d.account("sync"), d.account("sync")
	d.want(200, "PUT", credentialPath, keyBody(old.JSON), nil)
	var once atomic.Bool
	tokens := d.office.Tokens
	d.office.Tokens = func(enterprise string, stored secret.Value) *google.Tokens {
		if once.CompareAndSwap(false, true) {
			d.want(200, "PUT", rotatePath, keyBody(first.JSON), nil)
		}
		return tokens(enterprise, stored)
	}
	d.refuse(409, "PUT", rotatePath, keyBody(second.JSON), "", "changed by somebody else")
	d.keeps(first)
	want := "admin:local credential.rotate enterprise:acme " + secret.ReasonChanged
	if got := d.trail("acme"); got[len(got)-1] != want {
		t.Errorf("the trail ends with %q", got[len(got)-1])
	}
}

// TestRotate_K1_TheOldKeyIsDestroyedAfterwards in Secret Manager; where it may not be,
// the rotation stands and says so.
func TestRotate_K1_TheOldKeyIsDestroyedAfterwards(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.needs()
	server := secretmanagertest.New(t)
	store := secretmanager.New("test-project", &secretmanager.Options{Client: server.Client()})
	t.Cleanup(func() { _ = store.Close() })
	d.office.Secrets = store
	name := directory.KeySecret("acme")
	keys := []googletest.ServiceAccount{d.account("sync", allScopes...), d.account("sync"), d.account("sync"), d.account("sync")}
	d.want(200, "PUT", credentialPath, keyBody(keys[0].JSON), nil)
	d.want(200, "PUT", credentialPath, keyBody(keys[1].JSON), nil)
	if n := server.Kept(name); n != 2 {
		t.Fatalf("%d versions: an import that was not tried destroyed one", n)
	}
	d.want(200, "PUT", rotatePath, keyBody(keys[2].JSON), nil)
	if n := server.Kept(name); n != 2 {
		t.Errorf("%d versions after the rotation", n)
	}
	server.Fail(secretmanagertest.Destroy, codes.PermissionDenied)
	var got credentialReply
	d.want(200, "PUT", rotatePath, keyBody(keys[3].JSON), &got)
	if !strings.Contains(got.OldKept, "secretmanager.versions.destroy") || server.Kept(name) != 3 {
		t.Errorf("%q, %d versions", got.OldKept, server.Kept(name))
	}
	d.keeps(keys[3])
}

// TestTry_WithoutADirectory: the mail clients' mailboxes tell whom to act for.
func TestTry_WithoutADirectory(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.acme()
	d.put(func(tx *record.Tx) error {
		return tx.PutMailClient(mailclient.Client{
			ID: mailclient.AccountID("1000001"), Enterprise: "acme", Name: "Voicemail", Scope: mailclient.Full, State: mailclient.Active,
			ServiceAccount: &mailclient.ServiceAccount{Email: "v@p.iam.gserviceaccount.com", Sub: "1000001"}, Allow: mailclient.Allow{Mailboxes: []string{"ann@example.com"}},
		})
	})
	d.google.SetSubject("ann@example.com", googletest.SubjectActive)
	a := d.account("mail")
	body := strings.Replace(keyBody(a.JSON), "{", `{"verify":true,`, 1)
	d.refuse(409, "PUT", credentialPath, body, "", "https://mail.google.com/")
	d.google.Delegate(a.Email, mailclient.Full.URL())
	var got credentialReply
	d.want(200, "PUT", credentialPath, body, &got)
	if diff := cmp.Diff([]triedScope{{mailclient.Full.URL(), "ann@example.com"}}, got.Tried); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	d.refuse(409, "DELETE", credentialPath, "", "", "the mail client m")
}

// TestRemoveCredential_NotWhileItIsNeeded: what needs it is named.
func TestRemoveCredential_NotWhileItIsNeeded(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.needs()
	a := d.account("sync")
	d.want(200, "PUT", credentialPath, keyBody(a.JSON), nil)
	for _, what := range []string{"mode read-only", "password policy", "2 mail clients"} {
		d.refuse(409, "DELETE", credentialPath, "", "", what)
	}
	d.keeps(a)
	d.want(204, "DELETE", dirPath, "", nil)
	d.keeps(a) // it serves mail as well
	d.refuse(409, "DELETE", credentialPath, "", "", "password policy")
}

// TestCredential_E5_WhereverTheStoreFails nothing is done unrecorded, and asking again
// ends as asking once.
func TestCredential_E5_WhereverTheStoreFails(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.needs()
	old, next := d.account("sync", allScopes...), d.account("sync")
	d.want(200, "PUT", credentialPath, keyBody(old.JSON), nil)
	for k := 1; ; k++ {
		before := len(d.trail("acme"))
		d.store.Fail(k, storetest.Before)
		w := d.do("PUT", rotatePath, keyBody(next.JSON))
		fired := d.store.Fired()
		d.store.Fail(0, storetest.Before)
		if !fired {
			if w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			d.keeps(next)
			break
		}
		if w.Code != 503 || len(d.trail("acme")) != before {
			t.Errorf("operation %d: %d %s", k, w.Code, w.Body)
		}
		d.keeps(old)
	}
	for _, method := range []string{"GET", "DELETE"} {
		for k := 1; ; k++ {
			d.store.Fail(k, storetest.Before)
			w := d.do(method, credentialPath, "")
			fired := d.store.Fired()
			d.store.Fail(0, storetest.Before)
			if !fired {
				break
			}
			if w.Code != 503 {
				t.Errorf("%s, operation %d: %d %s", method, k, w.Code, w.Body)
			}
		}
	}
}

// TestCredential_E5_WhereverTheSecretStoreFails a second record says that it was not
// done.
func TestCredential_E5_WhereverTheSecretStoreFails(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.acme()
	server := secretmanagertest.New(t)
	store := secretmanager.New("test-project", &secretmanager.Options{Client: server.Client()})
	t.Cleanup(func() { _ = store.Close() })
	d.office.Secrets = store
	old, next := d.account("sync", allScopes...), d.account("sync")
	for _, tc := range []struct{ call, method, path, body, action string }{
		{secretmanagertest.Access, "PUT", credentialPath, keyBody(old.JSON), ""},
		{secretmanagertest.Add, "PUT", credentialPath, keyBody(old.JSON), "credential.import"},
		{"", "PUT", credentialPath, keyBody(old.JSON), ""},
		{secretmanagertest.Access, "GET", credentialPath, "", ""},
		{secretmanagertest.Access, "PUT", rotatePath, keyBody(next.JSON), ""},
		{secretmanagertest.Add, "PUT", rotatePath, keyBody(next.JSON), "credential.rotate"},
		{secretmanagertest.Access, "DELETE", credentialPath, "", ""},
		{secretmanagertest.Delete, "DELETE", credentialPath, "", "credential.remove"},
	} {
		before := d.trail("acme")
		if tc.call == "" {
			d.want(200, tc.method, tc.path, tc.body, nil)
			continue
		}
		server.Fail(tc.call, codes.PermissionDenied)
		d.refuse(502, tc.method, tc.path, tc.body, "", "cannot ")
		after := d.trail("acme")[len(before):]
		var want []string
		if tc.action != "" {
			want = []string{"admin:local " + tc.action + " enterprise:acme ok", "admin:local " + tc.action + " enterprise:acme secretmanager-permission"}
		}
		if diff := cmp.Diff(want, append([]string(nil), after...)); diff != "" {
			t.Errorf("%s %s, %s: trail: -want +got:\n%s", tc.method, tc.path, tc.call, diff)
		}
	}
	d.keeps(old)
	d.leaks()
}
