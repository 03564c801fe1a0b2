package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/imap/dovecottest"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

const (
	checkPath = "/v1/enterprises/acme/mail-check"
	ann       = "ann@example.com"
)

// mailroom is an enterprise whose credential may open Ann's mailbox, and a mail server
// that answers what the test says.
func mailroom(t *testing.T) (d *delegation, seen *[]string, answers func(imap.Result, error)) {
	t.Helper()
	d = newDelegation(t)
	d.configured()
	a := d.account("mail", mailclient.Full.URL(), mailclient.IMAPAdmin.URL())
	d.google.SetSubject(ann, googletest.SubjectActive)
	d.want(200, "PUT", credentialPath, keyBody(a.JSON), nil)
	var result imap.Result
	var failure error
	seen = &[]string{}
	d.office.IMAP = func(_ context.Context, s imap.Server, mailbox string, token secret.Value) (imap.Result, error) {
		g, ok := d.google.Grant(token.Reveal())
		*seen = append(*seen, fmt.Sprintf("%s:%d %s %s as %s %v %v", s.Host, s.Port, s.TLS, mailbox, g.Subject, g.Scopes, ok))
		return result, failure
	}
	return d, seen, func(r imap.Result, err error) { result, failure = r, err }
}

// TestMailCheck_M4_SignsInWithATokenThatStaysHere: as the mailbox, with the lesser scope
// in use, at Google's server.
func TestMailCheck_M4_SignsInWithATokenThatStaysHere(t *testing.T) {
	t.Parallel()
	d, seen, answers := mailroom(t)
	answers(imap.Result{Messages: 42}, nil)
	var got mailChecked
	w := d.do("POST", checkPath, `{"mailbox":"ann@example.com"}`)
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	want := mailChecked{Mailbox: ann, Server: "imap.gmail.com:993", Scope: mailclient.Full.URL(), OK: true, Messages: 42}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	d.want(200, "POST", checkPath, `{"mailbox":"ann@example.com","scope":"imap_admin"}`, nil)
	d.want(201, "POST", clientsPath, strings.Replace(withKey(rfcKey), `"full"`, `"imap_admin"`, 1), nil)
	d.want(200, "POST", checkPath, `{"mailbox":"ann@example.com"}`, nil)
	const at = "imap.gmail.com:993 tls ann@example.com as ann@example.com "
	calls := []string{at + "[https://mail.google.com/] true", at + "[https://www.googleapis.com/auth/gmail.imap_admin] true", at + "[https://www.googleapis.com/auth/gmail.imap_admin] true"}
	if diff := cmp.Diff(calls, *seen); diff != "" {
		t.Errorf("signed in: -want +got:\n%s", diff)
	}
	d.leaks(w.Body.String())
	d.leaksNothing(ann)
	trail := d.trail("acme")
	if last, want := trail[len(trail)-1], "admin:local mail.check mailbox:"+mailclient.Digest("acme", ann)+" ok"; last != want {
		t.Errorf("the trail ends with %q, want %q", last, want)
	}
}

// TestMailCheck_M4_FailuresAreToldInWords, and where they happened.
func TestMailCheck_M4_FailuresAreToldInWords(t *testing.T) {
	t.Parallel()
	d, _, answers := mailroom(t)
	check := func(mailbox, failed, reason, text string) {
		t.Helper()
		var got mailChecked
		w := d.do("POST", checkPath, `{"mailbox":"`+mailbox+`"}`)
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if got.OK || got.Failed != failed || got.Reason != reason || !strings.Contains(got.ReasonText, text) || strings.Contains(w.Body.String(), "private cause") {
			t.Errorf("%s: %s, want %s, %s and %q", mailbox, w.Body, failed, reason, text)
		}
		d.leaks(w.Body.String())
		if trail := d.trail("acme"); !strings.HasSuffix(trail[len(trail)-1], " "+reason) {
			t.Errorf("the trail ends with %q", trail[len(trail)-1])
		}
	}
	check("nobody@example.com", "token", "google-subject", "no such person")
	answers(imap.Result{}, fault.Wrap(errors.New("private cause"), fault.Permanent, imap.ReasonOff, "IMAP is turned off."))
	check(ann, "sign-in", imap.ReasonOff, "IMAP is turned off.")
	d.office.IMAP = func(ctx context.Context, _ imap.Server, _ string, _ secret.Value) (imap.Result, error) {
		return imap.Result{}, fault.New(fault.Transient, imap.ReasonNetwork, "The mail server cannot be reached.")
	}
	check(ann, "sign-in", imap.ReasonNetwork, "cannot be reached")
	d.faults.Add(googletest.Script{Method: googletest.TokenMethod, Mode: googletest.Echo, Times: 10})
	check(ann, "token", "google-backend", "fault at the moment")
}

func TestMailCheck_Refusals(t *testing.T) {
	t.Parallel()
	d, seen, _ := mailroom(t)
	for _, tc := range []struct{ body, field, text string }{
		{`{}`, "mailbox", "address"},
		{`{"mailbox":"ann"}`, "mailbox", "address"},
		{`{"mailbox":"ann@example.com\u0001auth=Bearer x"}`, "mailbox", "address"},
		{`{"mailbox":"ann@example.com","scope":"https://mail.google.com/"}`, "scope", "imap_admin"},
		{`{"mailbox":"ann@example.com","port":70000}`, "port", "65535"},
		{`{"mailbox":"ann@example.com","tls":"none"}`, "tls", "starttls"},
		{`{"mailbox":"ann@example.com","token":"x"}`, "token", "not known"},
		{`{"mailbox":["ann@example.com"]}`, "mailbox", "wrong type"},
		{`[]`, "", "JSON object"},
	} {
		d.refuse(400, "POST", checkPath, tc.body, tc.field, tc.text)
	}
	d.office.AnyTokenURI = false
	for _, member := range []string{`"host":"evil.example.com"`, `"port":143`, `"tls":"starttls"`} {
		d.refuse(400, "POST", checkPath, `{"mailbox":"ann@example.com",`+member+`}`, "host", "development")
	}
	d.office.AnyTokenURI = true
	d.want(204, "DELETE", dirPath, "", nil)
	d.want(204, "DELETE", credentialPath, "", nil)
	d.refuse(404, "POST", checkPath, `{"mailbox":"ann@example.com"}`, "", "rollcall credential import")
	d.office.Secrets = brokenSecrets{}
	d.refuse(502, "POST", checkPath, `{"mailbox":"ann@example.com"}`, "", "grant the role")
	if len(*seen) > 0 || d.faults.Calls(googletest.TokenMethod) > 0 {
		t.Errorf("a refusal signed in: %v", *seen)
	}
}

// TestMailCheck_E5_IsRecordedBeforeItIsDone: where the trail fails, nobody signs in.
func TestMailCheck_E5_IsRecordedBeforeItIsDone(t *testing.T) {
	t.Parallel()
	d, seen, _ := mailroom(t)
	for k := 1; ; k++ {
		before := len(*seen)
		d.store.Fail(k, storetest.Before)
		w := d.do("POST", checkPath, `{"mailbox":"ann@example.com"}`)
		fired := d.store.Fired()
		d.store.Fail(0, storetest.Before)
		if !fired {
			break
		}
		if w.Code != 503 || len(*seen) != before {
			t.Errorf("operation %d: %d, signed in %d times: %s", k, w.Code, len(*seen)-before, w.Body)
		}
	}
}

// TestMailCheck_M4_AgainstDovecot signs in for real.
func TestMailCheck_M4_AgainstDovecot(t *testing.T) {
	t.Parallel()
	dovecottest.Need(t)
	d, _, _ := mailroom(t)
	introspect := httptest.NewServer(d.google.Introspection("mx", "password"))
	t.Cleanup(introspect.Close)
	s := dovecottest.Start(t, dovecottest.Options{Introspection: strings.Replace(introspect.URL, "http://", "http://mx:password@", 1)})
	for range 3 {
		if err := s.Deliver(ann); err != nil {
			t.Fatal(err)
		}
	}
	d.office.IMAP = func(ctx context.Context, server imap.Server, mailbox string, token secret.Value) (imap.Result, error) {
		server.RootCAs = s.IMAP(server.TLS).RootCAs
		return imap.Check(ctx, server, mailbox, token)
	}
	for _, how := range []mail.TLS{mail.ImplicitTLS, mail.StartTLS} {
		at := s.IMAP(how)
		var got mailChecked
		body := fmt.Sprintf(`{"mailbox":%q,"host":%q,"port":%d,"tls":%q}`, ann, at.Host, at.Port, how)
		d.want(200, "POST", checkPath, body, &got)
		if !got.OK || got.Messages != 3 {
			t.Errorf("%s: %+v", how, got)
		}
	}
	at := s.IMAP(mail.ImplicitTLS)
	var got mailChecked
	d.want(200, "POST", checkPath, fmt.Sprintf(`{"mailbox":%q,"host":%q,"port":%d,"scope":"imap_admin"}`, ann, at.Host, at.Port), &got)
	if got.OK || got.Failed != "sign-in" || got.ReasonText == "" {
		t.Errorf("a scope that Dovecot does not know: %+v", got)
	}
	d.leaks(fmt.Sprint(got))
}

func TestMailServer_IsAllThatAMailServersAdminNeeds(t *testing.T) {
	t.Parallel()
	d, _, _ := mailroom(t)
	d.office.MailTokenURL = "https://emm.example.com/mailtoken"
	const path = "/v1/enterprises/acme/mail-server"
	var byKey, byAccount mailClientView
	d.want(201, "POST", clientsPath, withKey(rfcKey), &byKey)
	d.want(201, "POST", clientsPath, `{"name":"Gateway","serviceAccount":{"email":"v@p.iam.gserviceaccount.com","sub":"100000000001"},"scope":"imap_admin",`+allow+`}`, &byAccount)
	var client credentialView
	d.want(200, "GET", credentialPath, "", &client)
	want := mailServer{
		Enterprise: "acme", IMAP: imapServer{Host: "imap.gmail.com", Port: 993, TLS: mail.ImplicitTLS, Mechanism: "XOAUTH2", GoogleClientID: client.ClientID},
		Token: tokenServer{URL: "https://emm.example.com/mailtoken", Method: "POST", ContentType: "application/json", MaxMailboxes: 500},
	}
	check := func(query string) {
		t.Helper()
		var got mailServer
		d.want(200, "GET", path+query, "", &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", query, diff)
		}
	}
	check("")
	want.Client = &mailServerClient{
		ID: byKey.ID, Name: "Voicemail", State: mailclient.Active, Proof: "dpop", Thumbprint: byKey.Thumbprint, Scope: mailclient.Full.URL(), Allow: byKey.Allow,
	}
	check("?client=" + byKey.ID)
	want.Client = &mailServerClient{
		ID: byAccount.ID, Name: "Gateway", State: mailclient.Active, Proof: "id-token", ServiceAccount: byAccount.ServiceAccount,
		Audience: "https://emm.example.com/mailtoken", Scope: mailclient.IMAPAdmin.URL(), Allow: byAccount.Allow,
	}
	check("?client=" + byAccount.ID)
	d.refuse(404, "GET", path+"?client=nobody", "", "", "no mail client")
	d.refuse(400, "GET", path+"?mailbox=x", "", "mailbox", "not known")
	want.Client, want.IMAP.GoogleClientID = nil, ""
	d.office.Secrets = brokenSecrets{}
	check("")
}
