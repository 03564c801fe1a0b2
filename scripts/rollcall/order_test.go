package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workflow"
)

// TestOrders holds what the commands that start workflows ask for.
func TestOrders(t *testing.T) {
	t.Parallel()
	carol := person.KeyOf("acme", "e-1")
	for args, want := range map[string]*workflow.Command{
		"password renew ALAN@example.com":                             {Op: workflow.Renew, People: []string{keyBob}},
		"password renew alan " + carol + " alan@example.com --yes":    {Op: workflow.Renew, People: []string{keyBob, carol}},
		"password renew --all --now --yes":                            {Op: workflow.Renew, All: true, Now: true},
		"password renew --label sales --yes":                          {Op: workflow.Renew, All: true, HavingLabel: "sales"},
		"password renew --all --dry-run":                              nil,
		"password policy --length 24 --dry-run":                       nil,
		"password policy --length 24":                                 {Op: workflow.Replan},
		"device retire d2 --lost":                                     {Op: workflow.Retire, Devices: []string{"d2"}, Lost: true},
		"device retire d2":                                            {Op: workflow.Retire, Devices: []string{"d2"}},
		"device label d2 d3 --add a --add b --remove c":               {Op: workflow.Label, Devices: []string{"d2", "d3"}, AddLabels: []string{"a", "b"}, RemoveLabels: []string{"c"}},
		"directory people label carol ada@example.com --remove sales": {Op: workflow.Label, People: []string{carol, keyAda}, RemoveLabels: []string{"sales"}},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.mailroom()
			if code, _, errs := p.run(t.Context(), strings.Fields(args)...); code != 0 {
				t.Fatalf("code %d: %s", code, errs)
			}
			var orders []workflow.Command
			if want != nil {
				want.Enterprise, want.RequestedBy = "acme", "admin:local"
				orders = []workflow.Command{*want}
			}
			if d := cmp.Diff(orders, p.bus.orders, cmpopts.IgnoreFields(workflow.Command{}, "RequestID", "RequestedAt")); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestChangesNameWhatWasRead holds that a change says which state it is of, so that of
// two admins at once one is refused and undoes nothing.
func TestChangesNameWhatWasRead(t *testing.T) {
	t.Parallel()
	for args, read := range map[string][2]string{
		"password policy --length 24":                   {`{"policy":{"revision":7,"length":20}}`, `"revision":7`},
		"setting create imap mail --description better": {`{"id":"mail","kind":"imap","version":7,"signIn":"oauth","imap":{}}`, `"version":7`},
	} {
		var sent string
		code, errs, _ := newPlace(t).against(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, read[0])
				return
			}
			body, _ := io.ReadAll(r.Body)
			sent = string(body)
			problem(http.StatusConflict, "changed meanwhile")(w, r)
		}, strings.Fields(args)...)
		if code != exitRefused || !strings.Contains(errs, "changed meanwhile") || !strings.Contains(sent, read[1]) {
			t.Errorf("%s: code %d, sent %s: %s", args, code, sent, errs)
		}
	}
}
