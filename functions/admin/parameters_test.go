package admin

import (
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// TestWritesTakeNoParameters: what is written is said in the body alone. A parameter
// that nobody reads would be taken for said: an approval of additions only would approve
// the deletions too, and a secret stands in every log of addresses.
func TestWritesTakeNoParameters(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	const run = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	b.put(func(tx *record.Tx) error {
		if err := tx.PutRun(directory.Run{ID: run, Enterprise: "acme", Phase: directory.Quarantined, StartedAt: clock, Revision: 1}); err != nil {
			return err
		}
		return tx.PutDirectoryState(directory.State{Enterprise: "acme", Run: run})
	})
	before := b.trail("acme")
	const dir = "/v1/enterprises/acme/directory"
	for _, tc := range []struct{ method, path, body string }{
		{"POST", dir + "/runs/" + run + "/approve?additionsOnly=true", `{}`},
		{"POST", dir + "/runs/" + run + "/reject?x=hunter2", ``},
		{"PUT", dir + "/bind-password?password=hunter2", `{"password":"p"}`},
		{"PUT", dir + "/bind-password?hunter2", `{"password":"p"}`},
		{"DELETE", "/v1/enterprises/acme/credential?hunter2=1", ``},
		{"PUT", "/v1/enterprises/acme/credential/rotate?hunter2", `{}`},
		{"POST", clientsPath + "?scope=hunter2", `{}`},
		{"DELETE", clientsPath + "/mx?hunter2", ``},
		{"POST", checkPath + "?host=hunter2", `{"mailbox":"ann@example.com"}`},
		{"POST", "/v1/enterprises/acme/workflows?dry=hunter2", `{"op":"delete","all":true}`},
		{"POST", "/v1/enterprises?id=hunter2", `{"id":"other","name":"Other","play":"LC02"}`},
		{"PUT", "/v1/enterprises/acme/policy?%zz", `{}`},
		{"POST", clientsPath + "?scope=hunter2", `{}`},
		{"DELETE", clientsPath + "/mx?hunter2", ``},
		{"POST", checkPath + "?host=hunter2", `{"mailbox":"ann@example.com"}`},
		{"POST", "/v1/enterprises/acme/workflows?dryRun=true", `{"op":"renew","all":true}`},
		{"PUT", policyPath + "?dryRun=true", `{}`},
		{"DELETE", policyPath + "?hunter2", ``},
		{"POST", keyPath + "?rotate=true", `{"rotate":true}`},
		{"PUT", settingsPath + "/sales?version=1", withSetting(func(*mail.Setting) {})},
		{"PUT", settingsPath + "/sales/labels?labels=hunter2", `{"labels":[]}`},
		{"DELETE", settingsPath + "/sales?version=1", ``},
	} {
		b.refuse(400, tc.method, tc.path, tc.body, "", "no parameters")
		if w := b.do(tc.method, tc.path, tc.body); strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s %s: the answer repeats a parameter: %s", tc.method, tc.path, w.Body)
		}
	}
	if got := b.trail("acme"); len(got) != len(before) {
		t.Errorf("something was done: %v", got[len(before):])
	}
	if strings.Contains(b.log.String(), "hunter2") {
		t.Error("the log repeats a parameter")
	}
	b.want(202, "POST", dir+"/runs/"+run+"/approve", `{"additionsOnly":true}`, nil)
}

// TestARemovedDirectoryStaysRemoved: whoever changes a configuration that another admin
// has removed meanwhile does not bring it back, without its secrets.
func TestARemovedDirectoryStaysRemoved(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	var got directory.Config
	b.want(200, "GET", dirPath, "", &got)
	if w := b.do("DELETE", dirPath, ""); w.Code != 204 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	b.refuse(409, "PUT", dirPath, readOnly+`,"revision":1}`, "", "was removed")
	b.refuse(404, "GET", dirPath, "", "", "no directory yet")
	b.want(200, "PUT", dirPath, readOnly+`}`, &got) // without a revision it is made anew
}
