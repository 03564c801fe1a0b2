package workspacetest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	admin "google.golang.org/api/admin/directory/v1"
	"google.golang.org/api/googleapi"

	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

func TestLifecycle(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	u := b.insert(t, "Anna@example.com")
	if u.Password != "" || u.Name.FullName != "Anna Example" || u.CustomerId != b.customer || u.OrgUnitPath != "/" {
		t.Errorf("inserted %+v", u)
	}
	if !b.PasswordIs(u.Id, secret.New(secret1)) || b.PasswordIs(u.Id, secret.New("other")) {
		t.Error("the password is not the one that was sent")
	}
	_, err := b.api.Users.Insert(newUser("anna@EXAMPLE.com")).Do()
	refused(t, err, 409, "duplicate")

	// Rename: the old address stays, and both find the user.
	if _, err := b.api.Users.Update("anna@example.com", &admin.User{PrimaryEmail: "anna.new@example.net"}).Do(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{u.Id, "ANNA@example.com", "anna.new@example.net"} {
		got, err := b.api.Users.Get(key).Do()
		if err != nil || got.Id != u.Id || got.PrimaryEmail != "anna.new@example.net" || !cmp.Equal(got.Aliases, []string{"Anna@example.com"}) {
			t.Errorf("get %s: %+v, %v", key, got, err)
		}
	}
	_, err = b.api.Users.Insert(newUser("anna@example.com")).Do()
	refused(t, err, 409, "duplicate")
	if _, err := b.api.Users.Update(u.Id, &admin.User{PrimaryEmail: "anna@example.com"}).Do(); err != nil {
		t.Error(err)
	}
	got, _ := b.UserOf(u.Id)
	if diff := cmp.Diff([]string{"anna.new@example.net"}, got.Aliases); diff != "" {
		t.Errorf("aliases (-want +got):\n%s", diff)
	}

	if err := b.api.Users.Delete(u.Id).Do(); err != nil {
		t.Fatal(err)
	}
	_, err = b.api.Users.Get(u.Id).Do()
	refused(t, err, 412, "conditionNotMet")
	_, err = b.api.Users.Get("anna@example.com").Do()
	refused(t, err, 404, "notFound")
	refused(t, b.api.Users.Undelete("anna@example.com", &admin.UserUndelete{OrgUnitPath: "/"}).Do(), 412, "conditionNotMet")
	refused(t, b.api.Users.Undelete(u.Id, &admin.UserUndelete{OrgUnitPath: "/Nowhere"}).Do(), 400, "invalid")
	b.clock.Advance(20*24*time.Hour - time.Second)
	if err := b.api.Users.Undelete(u.Id, &admin.UserUndelete{OrgUnitPath: "/"}).Do(); err != nil {
		t.Fatal(err)
	}
	refused(t, b.api.Users.Undelete(u.Id, &admin.UserUndelete{OrgUnitPath: "/"}).Do(), 412, "conditionNotMet")
	b.Remove(u.Id)
	b.clock.Advance(20 * 24 * time.Hour)
	refused(t, b.api.Users.Undelete(u.Id, &admin.UserUndelete{OrgUnitPath: "/"}).Do(), 412, "conditionNotMet")
	_, err = b.api.Users.Get(u.Id).Do()
	refused(t, err, 404, "notFound")
}

func TestUpdateSemantics(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	b.AddOrgUnit(b.customer, "/Sales")
	u := b.insert(t, "anna@example.com")
	update := func(in *admin.User) {
		t.Helper()
		if _, err := b.api.Users.Update(u.Id, in).Do(); err != nil {
			t.Fatal(err)
		}
	}
	update(&admin.User{OrgUnitPath: "/Sales", Suspended: true, Name: &admin.UserName{DisplayName: "Annie"},
		ExternalIds: []admin.UserExternalId{{Value: "1", Type: "organization"}, {Value: "2", Type: "account"}}})
	want := workspacetest.User{ID: u.Id, PrimaryEmail: "anna@example.com", GivenName: "Anna", FamilyName: "Example",
		DisplayName: "Annie", OrgUnitPath: "/Sales", Suspended: true, CreatedAt: b.clock.Now()}
	ignore := cmpopts.IgnoreFields(workspacetest.User{}, "Fields")
	got, _ := b.UserOf(u.Id)
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("absent fields stay (-want +got):\n%s", diff)
	}
	update(&admin.User{ExternalIds: []admin.UserExternalId{{Value: "3", Type: "custom"}}})
	// Read-only fields change nothing and are no error.
	update(&admin.User{Id: "1", Etag: "x", IsAdmin: true, CustomerId: "C1", Aliases: []string{"x@example.com"}, CreationTime: "2000-01-01T00:00:00Z"})
	got, _ = b.UserOf(u.Id)
	if s := string(got.Fields["externalIds"]); s != `[{"type":"custom","value":"3"}]` || got.Admin || len(got.Aliases) > 0 {
		t.Errorf("an array is replaced whole: %s, %+v", s, got)
	}
	patch := &admin.User{NullFields: []string{"ExternalIds"}}
	if _, err := b.api.Users.Patch(u.Id, patch).Do(); err != nil {
		t.Fatal(err)
	}
	if got, _ = b.UserOf(u.Id); len(got.Fields) != 1 {
		t.Error("patch cleared an array")
	}
	update(&admin.User{NullFields: []string{"ExternalIds", "OrgUnitPath", "Suspended"}, Name: &admin.UserName{NullFields: []string{"DisplayName"}}})
	want.DisplayName, want.OrgUnitPath, want.Suspended = "", "/", false
	got, _ = b.UserOf(u.Id)
	if diff := cmp.Diff(want, got, ignore); diff != "" || len(got.Fields) != 0 {
		t.Errorf("null clears %v (-want +got):\n%s", got.Fields, diff)
	}
	before := b.Snapshot(b.customer)
	for name, in := range map[string]*admin.User{
		"unit":     {Suspended: true, OrgUnitPath: "/Nowhere"},
		"address":  {Suspended: true, PrimaryEmail: "a..b@example.com"},
		"password": {Suspended: true, Password: "short"},
		"name":     {Suspended: true, Name: &admin.UserName{GivenName: strings.Repeat("x", 61)}},
		"null":     {Suspended: true, Name: &admin.UserName{NullFields: []string{"FamilyName"}}},
		"size":     {Suspended: true, ExternalIds: []admin.UserExternalId{{Value: strings.Repeat("x", 2<<10)}}},
	} {
		_, err := b.api.Users.Update(u.Id, in).Do()
		refused(t, err, 400, "invalid")
		if diff := cmp.Diff(before, b.Snapshot(b.customer)); diff != "" {
			t.Errorf("%s: a refused update changed (-want +got):\n%s", name, diff)
		}
	}
	_, err := b.api.Users.Update(u.Id, &admin.User{PrimaryEmail: "anna@elsewhere.com"}).Do()
	refused(t, err, 404, "notFound")
	_, err = b.api.Users.Update(u.Id, &admin.User{PrimaryEmail: boss}).Do()
	refused(t, err, 409, "duplicate")
}

func TestPasswordFormats(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	u := b.insert(t, "anna@example.com")
	sha512 := strings.Repeat("a", 86)
	for _, tc := range []struct {
		function, password string
		ok                 bool
	}{
		{"", "12345678", true}, {"", "1234567", false}, {"", strings.Repeat("x", 100), true}, {"", strings.Repeat("x", 101), false},
		{"", "pässword1", false}, {"", "tab\tinside", false},
		{"MD5", "5f4dcc3b5aa765d61d8327deb882cf99", true}, {"MD5", "5f4dcc3b", false},
		{"SHA-1", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", true}, {"SHA-1", "5f4dcc3b5aa765d61d8327deb882cf99", false},
		{"SHA-256", strings.Repeat("a", 64), false},
		{"crypt", "abJnggxhB/yWI", true}, {"crypt", "plain password", false},
		{"crypt", "$1$salt$" + strings.Repeat("a", 22), true}, {"crypt", "$1$rounds=10$salt$" + strings.Repeat("a", 22), false},
		{"crypt", "$5$salt$" + strings.Repeat("a", 43), true}, {"crypt", "$6$salt$" + sha512, true}, {"crypt", "$6$salt$" + sha512[1:], false},
		{"crypt", "$6$rounds=10000$salt$" + sha512, true}, {"crypt", "$6$rounds=10001$salt$" + sha512, false},
		{"crypt", "$2b$10$" + strings.Repeat("a", 53), false},
	} {
		_, err := b.api.Users.Update(u.Id, &admin.User{Password: tc.password, HashFunction: tc.function}).Do()
		if tc.ok {
			if err != nil {
				t.Errorf("%s %s: %v", tc.function, tc.password, err)
			}
			continue
		}
		refused(t, err, 400, "invalid")
	}
	for function, hash := range map[string]string{"MD5": "5f4dcc3b5aa765d61d8327deb882cf99", "SHA-1": "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8"} {
		if _, err := b.api.Users.Update(u.Id, &admin.User{Password: hash, HashFunction: function}).Do(); err != nil {
			t.Fatal(err)
		}
		if !b.PasswordIs(u.Id, secret.New("password")) || b.PasswordIs(u.Id, secret.New(hash)) {
			t.Errorf("%s: PasswordIs does not hash", function)
		}
	}
}

func TestSettling(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{Settling: time.Minute, StatusDelay: 2 * time.Minute})
	u := b.insert(t, "anna@example.com")
	for _, want := range []int{404, 412, 403, 404} {
		_, err := b.api.Users.Get(u.Id).Do()
		var e *googleapi.Error
		if !asAPI(err, &e) || e.Code != want {
			t.Errorf("got %v, want %d", err, want)
		}
	}
	b.clock.Advance(time.Minute)
	for _, want := range []bool{false, true} {
		var got map[string]any
		b.decode(t, "/admin/directory/v1/users/"+u.Id, &got)
		if _, ok := got["suspended"]; ok != want {
			t.Errorf("suspended is there: %v, want %v", ok, want)
		}
		b.clock.Advance(time.Minute)
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{QuotaPerMinute: 25})
	b.clock.Advance(-b.clock.Now().Sub(b.clock.Now().Truncate(time.Minute)))
	for i := range 10 {
		b.insert(t, fmt.Sprintf("u%d@example.com", i))
	}
	_, err := b.api.Users.Insert(newUser("u10@example.com")).Do()
	refused(t, err, 503, "quotaExceeded")
	b.insert(t, "u10@example.net") // another domain has its own share
	b.clock.Advance(time.Second)
	b.insert(t, "u10@example.com")
	for range 12 {
		if _, err := b.api.Users.Get(boss).Do(); err != nil {
			t.Fatal(err)
		}
	}
	_, err = b.api.Users.Get(boss).Do()
	refused(t, err, 403, "userRateLimitExceeded")
	b.clock.Advance(time.Minute)
	u, err := b.api.Users.Get(boss).Do()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.api.Users.Get(boss).IfNoneMatch(u.Etag).Do(); !googleapi.IsNotModified(err) {
		t.Errorf("unchanged: %v", err)
	}
}
