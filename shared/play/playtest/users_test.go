package playtest_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/play/playtest"
)

func TestInsertIsAnUpsert(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{})
	first := b.insert(t, "id-1", "userAccount")
	second, err := b.api.Users.Insert(b.ent, &androidenterprise.User{
		AccountIdentifier: "id-1", AccountType: "userAccount", DisplayName: "Example",
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	if first.Id != second.Id || second.DisplayName != "Example" {
		t.Errorf("second insert: %+v, want id %s and the new display name", second, first.Id)
	}
	_, err = b.api.Users.Insert(b.ent, &androidenterprise.User{AccountIdentifier: "id-1", AccountType: "deviceAccount"}).Do()
	wantStatus(t, err, http.StatusBadRequest, "invalid")

	want := []playtest.User{{ID: first.Id, Identifier: "id-1", Type: "userAccount", DisplayName: "Example"}}
	if diff := cmp.Diff(want, b.Users(b.ent), cmpopts.IgnoreFields(playtest.User{}, "AccountName", "Tokens")); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	if got := b.InsertCalls(); got != 3 {
		t.Errorf("insert calls: %d, want 3", got)
	}
}

func TestUserMethods(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{})
	u := b.insert(t, "id-1", "userAccount")
	gid, err := b.AddGoogleUser(b.ent, "someone@example.com")
	if err != nil {
		t.Fatal(err)
	}
	put := func(id string, in *androidenterprise.User) error {
		_, err := b.api.Users.Update(b.ent, id, in).Do()
		return err
	}
	if err := put(u.Id, &androidenterprise.User{DisplayName: "New", AccountType: "userAccount"}); err != nil {
		t.Error(err)
	}
	wantStatus(t, put(u.Id, &androidenterprise.User{AccountIdentifier: "other"}), http.StatusBadRequest, "invalid")
	wantStatus(t, put(gid, &androidenterprise.User{DisplayName: "New"}), http.StatusForbidden, "forbidden")
	got, err := b.api.Users.Get(b.ent, u.Id).Do()
	if err != nil || got.DisplayName != "New" {
		t.Errorf("get: %+v, %v", got, err)
	}
	for email, want := range map[string]int{"someone@example.com": 1, "id-1": 0} {
		list, err := b.api.Users.List(b.ent, email).Do()
		if err != nil || len(list.User) != want {
			t.Errorf("list %s: %+v, %v; want %d", email, list, err, want)
		}
	}
	if err := b.api.Users.Delete(b.ent, u.Id).Do(); err != nil {
		t.Error(err)
	}
	_, err = b.api.Users.Get(b.ent, u.Id).Do()
	wantStatus(t, err, http.StatusNotFound, "notFound")
	wantStatus(t, b.api.Users.Delete(b.ent, u.Id).Do(), http.StatusNotFound, "notFound")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{})
	stranger, err := b.NewServiceAccount("stranger")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.apiOf(t, stranger).Enterprises.Get(b.ent).Do()
	wantStatus(t, err, http.StatusForbidden, "forbidden")
	_, err = b.api.Enterprises.Get("LCnone").Do()
	wantStatus(t, err, http.StatusNotFound, "notFound")
	_, err = b.api.Users.Insert(b.ent, &androidenterprise.User{AccountType: "userAccount"}).Do()
	wantStatus(t, err, http.StatusBadRequest, "required")
	_, err = b.api.Users.Insert(b.ent, &androidenterprise.User{AccountIdentifier: "x", AccountType: "robot"}).Do()
	wantStatus(t, err, http.StatusBadRequest, "invalid")
	_, err = b.api.Users.List(b.ent, "").Do()
	wantStatus(t, err, http.StatusBadRequest, "required")
	_, err = b.api.Users.GetAvailableProductSet(b.ent, "1").Do()
	wantStatus(t, err, http.StatusNotImplemented, "notImplemented")
	b.Tokens.RevokeAll()
	_, err = b.api.Enterprises.Get(b.ent).Do()
	wantStatus(t, err, http.StatusUnauthorized, "authError")
}

func TestQuotaPerMinute(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{QuotaPerMinute: 2})
	for i := range 2 {
		if _, err := b.api.Enterprises.Get(b.ent).Do(); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	_, err := b.api.Enterprises.Get(b.ent).Do()
	wantStatus(t, err, http.StatusTooManyRequests, "rateLimitExceeded")
	b.clock.Advance(60e9)
	if _, err := b.api.Enterprises.Get(b.ent).Do(); err != nil {
		t.Error(err)
	}
}

func TestEnterpriseLifecycle(t *testing.T) {
	t.Parallel()
	b := newBench(t, playtest.Options{})
	su, err := b.api.Enterprises.GenerateSignupUrl().CallbackUrl("https://rollcall.example/signup?x=1").Do()
	if err != nil {
		t.Fatal(err)
	}
	back, err := b.ApproveSignup(su.Url, "Second")
	if err != nil {
		t.Fatal(err)
	}
	complete := func() (*androidenterprise.Enterprise, error) {
		return b.api.Enterprises.CompleteSignup().CompletionToken(su.CompletionToken).
			EnterpriseToken(back.Query().Get("enterpriseToken")).Do()
	}
	e, err := complete()
	if err != nil || e.Name != "Second" || back.Query().Get("x") != "1" {
		t.Fatalf("complete: %+v, %v, back at %s", e, err, back)
	}
	_, err = complete()
	wantStatus(t, err, http.StatusBadRequest, "invalid")
	if _, err := b.api.Enterprises.SetAccount(e.Id, &androidenterprise.EnterpriseAccount{AccountEmail: "x@y.example"}).Do(); err != nil {
		t.Error(err)
	}
	if err := b.api.Enterprises.Unenroll(e.Id).Do(); err != nil {
		t.Error(err)
	}
	_, err = b.api.Enterprises.Get(e.Id).Do()
	wantStatus(t, err, http.StatusForbidden, "forbidden")

	d, err := b.api.Enterprises.Enroll("enroll-example.com", &androidenterprise.Enterprise{PrimaryDomain: "example.com"}).Do()
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.api.Enterprises.List("example.com").Do()
	if err != nil || len(list.Enterprise) != 1 || list.Enterprise[0].Id != d.Id {
		t.Errorf("list: %+v, %v", list, err)
	}
	b.DeleteEnterprise(d.Id)
	_, err = b.api.Enterprises.Get(d.Id).Do()
	wantStatus(t, err, http.StatusNotFound, "notFound")
	if got := len(b.Snapshot().Enterprises); got != 2 {
		t.Error(fmt.Sprint("enterprises: ", got))
	}
}
