package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestBindPassword_E3_IsNeverShown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	path := dirPath + "/bind-password"
	const password = "hunter2-ü-\"quoted\""
	check := func(set bool) {
		t.Helper()
		var got secretView
		b.want(200, "GET", path, "", &got)
		if got.Set != set {
			t.Errorf("set is %v, want %v", got.Set, set)
		}
	}
	check(false)
	body, _ := json.Marshal(map[string]string{"password": password})
	w := b.do("PUT", path, string(body))
	if w.Code != 200 || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	check(true)
	kept, err := b.office.Secrets.Access(t.Context(), directory.BindSecret("acme"))
	if err != nil || kept.Reveal() != password {
		t.Errorf("it is not kept as it was given: %v", err)
	}
	for _, wrong := range []string{
		`{"password":""}`, `{}`, `{"password":7}`, `{"Password":"hunter2"}`, `{"hunter2":""}`, `"hunter2"`, `hunter2`, `{"password":"hunter2`,
		`{"password":"hunter2","hunter2":1}`, `{"password":"hunter2\u0000"}`, `{"password":"` + strings.Repeat("hunter2", 200) + `"}`,
	} {
		if w := b.do("PUT", path, wrong); w.Code != 400 || strings.Contains(w.Body.String(), "hunter2") || !strings.Contains(w.Body.String(), `"field":"password"`) {
			t.Errorf("%s: %d %s", wrong, w.Code, w.Body)
		}
	}
	b.want(204, "DELETE", path, "", nil)
	check(false)
	b.want(204, "DELETE", path, "", nil)
	b.refuse(404, "PUT", "/v1/enterprises/nobody/directory/bind-password", string(body), "", "no enterprise")
	b.leaksNothing("hunter2")
	want := []string{
		"admin:local directory.bind-password enterprise:acme ok", "admin:local directory.bind-password enterprise:acme ok",
		"admin:local directory.bind-password enterprise:acme ok",
	}
	if d := cmp.Diff(want, b.trail("acme")[1:]); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}
}

// leaksNothing looks for a secret in the log and in the trail.
func (b *bench) leaksNothing(secrets ...string) {
	b.t.Helper()
	records, _, err := b.office.DB.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	trail, err := json.Marshal(records)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range secrets {
		if bytes.Contains(b.log.Bytes(), []byte(s)) || bytes.Contains(trail, []byte(s)) {
			b.t.Errorf("%q is in the log or the trail", s)
		}
	}
}

// brokenSecrets is a store that fails.
type brokenSecrets struct{}

var errBroken = fault.New(fault.Permanent, "secretmanager-permission", "grant the role")

func (brokenSecrets) Access(context.Context, string) (secret.Value, error) {
	return secret.Value{}, errBroken
}
func (brokenSecrets) Newest(context.Context, string) (secret.Value, secret.Version, error) {
	return secret.Value{}, "", errBroken
}
func (brokenSecrets) Replace(context.Context, string, secret.Version, secret.Value) (secret.Version, []secret.Value, error) {
	return "", nil, errBroken
}
func (brokenSecrets) Retire(context.Context, string, secret.Version) error { return errBroken }
func (brokenSecrets) Put(context.Context, string, secret.Value) error      { return errBroken }
func (brokenSecrets) Delete(context.Context, string) error                 { return errBroken }

func TestSecretsThatCannotBeStored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	b.office.Secrets = brokenSecrets{}
	b.refuse(502, "PUT", dirPath+"/bind-password", `{"password":"hunter2"}`, "", "grant the role")
	b.refuse(502, "PUT", credentialPath, `{"key":`+keyFile(t, nil)+`}`, "", "grant the role")
	b.refuse(502, "GET", dirPath+"/bind-password", "", "", "grant the role")
	b.refuse(502, "GET", credentialPath, "", "", "grant the role")
	b.refuse(502, "DELETE", credentialPath, "", "", "grant the role")
	b.refuse(502, "DELETE", dirPath, "", "", "grant the role")
	b.want(200, "GET", dirPath, "", nil) // so that removing it can be tried again
	b.leaksNothing("hunter2", "PRIVATE KEY")
	for _, action := range []string{"directory.bind-password", "directory.remove"} {
		if want := "admin:local " + action + " enterprise:acme secretmanager-permission"; !slices.Contains(b.trail("acme"), want) {
			t.Errorf("the trail lacks %q: %v", want, b.trail("acme"))
		}
	}
}
