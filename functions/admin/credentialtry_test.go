package admin

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager"
	"github.com/rollcall-emm/rollcall/shared/secret/secretmanager/secretmanagertest"
)

// TestRotate_K1_WhatCouldNotBeTriedIsTold: where nobody is known to act for, the old
// credential is destroyed only if the new one is of the same service account, to which
// the scopes are granted.
func TestRotate_K1_WhatCouldNotBeTriedIsTold(t *testing.T) {
	t.Parallel()
	d := newDelegation(t)
	d.acme()
	d.put(func(tx *record.Tx) error {
		return tx.PutMailClient(mailclient.Client{
			ID: mailclient.AccountID("1000001"), Enterprise: "acme", Name: "Voicemail", Scope: mailclient.Full, State: mailclient.Active,
			ServiceAccount: &mailclient.ServiceAccount{Email: "v@p.iam.gserviceaccount.com", Sub: "1000001"}, Allow: mailclient.Allow{Domains: []string{"example.com"}},
		})
	})
	server := secretmanagertest.New(t)
	store := secretmanager.New("test-project", &secretmanager.Options{Client: server.Client()})
	t.Cleanup(func() { _ = store.Close() })
	d.office.Secrets = store
	old, same, other := d.account("mail", mailclient.Full.URL()), d.account("mail"), d.account("other")
	same.JSON = bytes.Replace(same.JSON, []byte(same.ClientID), []byte(old.ClientID), 1) // another key of the account
	d.want(200, "PUT", credentialPath, keyBody(old.JSON), nil)
	for _, tc := range []struct {
		file     []byte
		versions int
		kept     string
	}{
		{same.JSON, 1, ""}, {other.JSON, 2, "another service account"},
	} {
		var got credentialReply
		d.want(200, "PUT", rotatePath, keyBody(tc.file), &got)
		if n := server.Kept(directory.KeySecret("acme")); n != tc.versions || !strings.Contains(got.OldKept, tc.kept) || (got.OldKept == "") != (tc.kept == "") {
			t.Errorf("%d versions are kept, want %d: %q", n, tc.versions, got.OldKept)
		}
		if !slices.Equal(got.Untried, []string{mailclient.Full.URL()}) || len(got.Tried) != 0 {
			t.Errorf("tried %v, untried %v", got.Tried, got.Untried)
		}
	}
}
