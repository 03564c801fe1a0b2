package admin

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
)

const (
	dirPath  = "/v1/enterprises/acme/directory"
	readOnly = `{"mode":"read-only","ldap":{"url":"ldaps://ldap.example.com","baseDn":"ou=people,dc=example,dc=com",` +
		`"bindDn":"cn=rollcall,dc=example,dc=com"},"google":{"subject":"admin@example.com"}`
)

// configured is acme with a directory.
func (b *bench) configured() {
	b.t.Helper()
	b.acme()
	b.want(200, "PUT", dirPath, readOnly+`}`, nil)
}

func TestDirectoryConfiguration(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.refuse(404, "GET", dirPath, "", "", "rollcall directory configure")
	want := directory.Config{
		Enterprise: "acme", Mode: directory.ReadOnly, Google: &directory.Google{Subject: "admin@example.com"},
		LDAP: &directory.LDAP{
			URL: "ldaps://ldap.example.com", BaseDN: "ou=people,dc=example,dc=com", BindDN: "cn=rollcall,dc=example,dc=com",
		},
		Revision: 1, UpdatedAt: clock, UpdatedBy: "admin:local",
	}
	var put, got directory.Config
	b.want(200, "PUT", dirPath, readOnly+`}`, &put)
	b.want(200, "GET", dirPath, "", &got)
	if d := cmp.Diff([]directory.Config{want, want}, []directory.Config{put, got}); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}

	whole, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	b.want(200, "PUT", dirPath, string(whole), &got) // what GET answers may be put
	if got.Revision != 1 {
		t.Errorf("a configuration that did not change has the revision %d", got.Revision)
	}
	changed := strings.Replace(string(whole), `"read-only"`, `"read-write"`, 1)
	b.want(200, "PUT", dirPath, changed, &got)
	if got.Revision != 2 || got.Mode != directory.ReadWrite {
		t.Errorf("got %+v", got)
	}
	b.refuse(409, "PUT", dirPath, string(whole), "", "changed by admin:local and has the revision 2 by now, not 1")
	b.want(200, "PUT", dirPath, readOnly+`}`, &got) // without a revision it is replaced
	if got.Revision != 3 || got.Mode != directory.ReadOnly {
		t.Errorf("got %+v", got)
	}
	trail := []string{
		"admin:local directory.configure enterprise:acme ok", "admin:local directory.configure enterprise:acme ok",
		"admin:local directory.configure enterprise:acme ok",
	}
	if d := cmp.Diff(trail, b.trail("acme")[1:]); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}
}

func TestDirectoryConfigurationRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	for _, tc := range []struct {
		name, body  string
		status      int
		field, text string
	}{
		{"unknown member", readOnly + `,"colour":"red"}`, 400, "colour", "not known"},
		{"a password", `{"mode":"ldap-only","ldap":{"url":"ldap://x","baseDn":"dc=x","bindPassword":"hunter2"}}`, 400, "ldap.bindPassword", "not known"},
		{"another enterprise", readOnly + `,"enterprise":"other"}`, 400, "enterprise", `names the enterprise "acme"`},
		{"wrong type", `{"mode":"read-only","ldap":{"pageSize":"many"}}`, 400, "ldap.pageSize", "wrong type"},
		{"null", `{"mode":"google-only","google":null}`, 400, "google", "null"},
		{"no mode", `{}`, 400, "mode", ""},
		{"no base", `{"mode":"ldap-only","ldap":{"url":"ldaps://ldap.example.com"}}`, 400, "ldap.baseDn", ""},
		{"too large", `{"mode":"` + strings.Repeat("x", maxDirectory) + `"}`, 413, "", "at most"},
		{"nothing", ``, 415, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) { b.refuse(tc.status, "PUT", dirPath, tc.body, tc.field, tc.text) })
	}
	b.refuse(404, "PUT", "/v1/enterprises/nobody/directory", readOnly+`}`, "", "no enterprise")
	b.refuse(404, "GET", dirPath, "", "", "no directory")
	if strings.Contains(b.log.String(), "hunter2") {
		t.Error("the password is in the log")
	}
	if got := b.trail("acme"); len(got) > 1 {
		t.Errorf("a refusal left %v", got)
	}
}

func TestDirectoryConfigurationConcurrently(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	const n = 8
	codes := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			body := fmt.Sprintf(`%s,"revision":1,"fullEveryHours":%d}`, readOnly, i+1)
			codes[i] = b.do("PUT", dirPath, body).Code
		})
	}
	wg.Wait()
	tally := map[int]int{}
	for _, c := range codes {
		tally[c]++
	}
	if d := cmp.Diff(map[int]int{200: 1, 409: n - 1}, tally); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := b.trail("acme"); len(got) != 3 {
		t.Errorf("the trail has %d records: %v", len(got), got)
	}
}

func TestRemoveDirectory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	b.want(200, "PUT", dirPath+"/bind-password", `{"password":"hunter2"}`, nil)
	b.put(func(tx *record.Tx) error {
		return tx.PutRun(directory.Run{ID: runID, Enterprise: "acme", Revision: 7, Phase: directory.Collecting})
	})
	b.put(func(tx *record.Tx) error {
		return tx.PutDirectoryState(directory.State{Enterprise: "acme", Run: runID, Revision: 6})
	})
	b.want(204, "DELETE", dirPath, "", nil)
	b.refuse(404, "DELETE", dirPath, "", "", "no directory")
	if _, err := b.office.Secrets.Access(t.Context(), directory.BindSecret("acme")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("the bind password is still there: %v", err)
	}
	var got directory.Config
	b.want(200, "PUT", dirPath, readOnly+`}`, &got)
	if got.Revision != 8 {
		t.Errorf("made anew it has the revision %d, which the run under way could take for its own", got.Revision)
	}
	trail := b.trail("acme")
	if want := "admin:local directory.remove enterprise:acme ok"; trail[3] != want {
		t.Errorf("trail: %v", trail)
	}
}

// TestDirectoryConfiguration_KeepsWhereIDsComeFrom: once people are known, only modes
// that take them from the same directory are accepted, also after the configuration
// was removed.
func TestDirectoryConfiguration_KeepsWhereIDsComeFrom(t *testing.T) {
	t.Parallel()
	const google = `{"mode":"google-only","google":{"subject":"admin@example.com"}}`
	b := newBench(t)
	b.acme()
	b.want(200, "PUT", dirPath, google, nil)
	b.want(200, "PUT", dirPath, readOnly+`}`, nil)
	b.put(func(tx *record.Tx) error {
		return tx.PutDirectoryState(directory.State{Enterprise: "acme", People: 7,
			Manifests: map[directory.Source][]string{directory.FromLDAP: {"a"}, directory.FromGoogle: {"b"}}})
	})
	b.refuse(409, "PUT", dirPath, google, "", "the 7 people of this enterprise are known by their ids in LDAP")
	b.want(204, "DELETE", dirPath, "", nil)
	b.refuse(409, "PUT", dirPath, google, "", "Google's directory everybody would come as somebody else")
	b.want(200, "PUT", dirPath, readOnly+`}`, nil)
	b.put(func(tx *record.Tx) error {
		return tx.PutDirectoryState(directory.State{Enterprise: "acme", People: 7,
			Manifests: map[directory.Source][]string{directory.FromGoogle: {"b"}}})
	})
	b.refuse(409, "PUT", dirPath, readOnly+`}`, "", "known by their ids in Google's directory")
	b.want(200, "PUT", dirPath, google, nil)
}
