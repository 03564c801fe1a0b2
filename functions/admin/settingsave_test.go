package admin

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestSettingRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.configured()
	before := b.trail("acme")
	set := func(change func(*mail.Setting)) string { return withSetting(change) }
	ok := set(func(*mail.Setting) {})
	for _, tc := range []struct {
		name, path, body string
		status           int
		field, text      string
	}{
		{"id in capitals", "/Sales", ok, 400, "id", "a-z"},
		{"long id", "/" + strings.Repeat("a", 41), ok, 400, "id", "1 to 40"},
		{"an id with a space", "/Sales%20two", ok, 400, "id", "a-z"},
		{"an id with a slash", "/..%2Fsales", ok, 400, "id", "a-z"},
		{"another id", "/sales", set(func(s *mail.Setting) { s.ID = "other" }), 400, "id", `names the setting "sales"`},
		{"another enterprise", "/sales", set(func(s *mail.Setting) { s.Enterprise = "other" }), 400, "enterprise", `"acme"`},
		{"a version of nothing", "/sales", set(func(s *mail.Setting) { s.Version = 1 }), 409, "", "no such setting any more"},
		{"a time of nothing", "/sales", set(func(s *mail.Setting) { s.UpdatedAt = clock }), 409, "", "no such setting any more"},
		{"no name", "/sales", set(func(s *mail.Setting) { s.Name = "" }), 400, "name", "1 to 80"},
		{"no server", "/sales", set(func(s *mail.Setting) { s.Exchange.Server = "https://x/" }), 400, "exchange.server", "no scheme"},
		{"nothing", "/sales", `{}`, 400, "name", ""},
		{"no sign-in", "/sales", set(func(s *mail.Setting) { s.SignIn = "" }), 400, "signIn", "oauth"},
		{"unknown variable", "/sales", set(func(s *mail.Setting) { s.Email = "$WHO$" }), 400, "email", "$WHO$ is no variable"},
		{"a password", "/sales", set(func(s *mail.Setting) { s.SignIn, s.UserName, s.Password = mail.Password, "$EMAIL$", "hunter2" }), 400, "password", "give $PASSWORD$"},
		{"label", "/sales", set(func(s *mail.Setting) { s.Labels = []string{"ok", "Not OK"} }), 400, "labels[1]", "a label is"},
		{"what replies have", "/sales", strings.TrimSuffix(ok, "}") + `,"warnings":[]}`, 400, "warnings", "not known"},
		{"unknown member within", "/sales", strings.Replace(ok, `"ssl"`, `"SSL"`, 1), 400, "exchange.SSL", "not known"},
		{"null", "/sales", `{"exchange":null}`, 400, "exchange", "null"},
		{"twice", "/sales", `{"name":"a","name":"b"}`, 400, "name", "twice"},
		{"list", "/sales", `[` + ok + `]`, 400, "", "one JSON object"},
		{"trailing", "/sales", ok + `{}`, 400, "", "not valid JSON"},
		{"deep", "/sales", `{"managed":{"extra":` + strings.Repeat(`{"a":`, 9000) + strings.Repeat(`}`, 9000) + `}}`, 400, "", ""},
		{"large", "/sales", `{"name":"` + strings.Repeat("x", maxBody) + `"}`, 413, "", "at most"},
		{"empty", "/sales", ``, 415, "", ""},
		{"labels missing", "/sales/labels", `{}`, 400, "labels", "[] is none"},
		{"labels null", "/sales/labels", `{"labels":null}`, 400, "labels", ""},
		{"labels wrong", "/sales/labels", `{"labels":["a","$"]}`, 400, "labels[1]", "a label is"},
		{"labels too many", "/sales/labels", `{"labels":["a"` + strings.Repeat(`,"a"`, 50) + `]}`, 400, "labels", "at most 50"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := b.do("PUT", settingsPath+tc.path, tc.body)
			if tc.name == "deep" { // the path of what is wrong is cut short
				if w.Code != 400 || w.Body.Len() > 2000 {
					t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
				}
				return
			}
			b.refuse(tc.status, "PUT", settingsPath+tc.path, tc.body, tc.field, tc.text)
		})
	}
	for _, path := range []string{"", "/sales"} {
		b.refuse(404, "GET", "/v1/enterprises/nobody/settings"+path, "", "", "no enterprise")
	}
	b.refuse(404, "PUT", "/v1/enterprises/nobody/settings/sales", ok, "", "no enterprise")
	b.refuse(404, "PUT", "/v1/enterprises/nobody/settings/sales/labels", `{"labels":[]}`, "", "no enterprise")
	b.refuse(404, "DELETE", "/v1/enterprises/nobody/settings/sales", "", "", "no enterprise")
	b.refuse(404, "GET", settingsPath+"/%2e%2e", "", "", "no mail setting")
	b.refuse(400, "GET", settingsPath+"?label=x", "", "label", "not known")
	if d := cmp.Diff(before, b.trail("acme")); d != "" || b.revisions() != [2]int{} {
		t.Errorf("a refusal left something: -want +got:\n%s", d)
	}
	b.leaksNothing("hunter2")
}

// TestSettings_M1_NeedWhatIsLinked: a setting with a generated password is refused as
// long as something is missing for it, and the refusal names that and the command.
func TestSettings_M1_NeedWhatIsLinked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	path, body := settingsPath+"/sales", withSetting(generated)
	refused := func(text string) {
		t.Helper()
		b.refuse(400, "PUT", path, body, "signIn", text)
	}
	refused("rollcall password policy acme --length 16")
	b.want(200, "PUT", policyPath, `{}`, nil)
	refused("rollcall directory configure acme --help")
	b.want(200, "PUT", dirPath, `{"mode":"ldap-only","ldap":{"url":"ldaps://ldap.example.com","baseDn":"dc=x"}}`, nil)
	refused("says nothing about Google")
	b.want(200, "PUT", dirPath, readOnly+`}`, nil)
	refused("rollcall directory configure acme --google-key-file FILE")
	if err := b.office.Secrets.Put(t.Context(), directory.KeySecret("acme"), secret.New("{}")); err != nil {
		t.Fatal(err)
	}
	var got settingView
	b.want(200, "PUT", path, body, &got)
	if !got.NeedsGenerated || !slices.ContainsFunc(got.Warnings, func(w mail.Warning) bool { return w.Reason == mail.WarnGoogleClosed }) {
		t.Errorf("W9: %+v", got)
	}
	// What does not need it asks for nothing.
	b.office.Secrets = brokenSecrets{}
	b.want(200, "PUT", settingsPath+"/plain", withSetting(func(*mail.Setting) {}), nil)
	b.refuse(502, "PUT", settingsPath+"/other", body, "", "grant the role")
	// Labels are applied without it, and a setting with another field wrong is told of that first.
	b.want(200, "PUT", path+"/labels", `{"labels":["x"]}`, nil)
}

// TestSettings_M2_KnowTheDirectorysAttributes: the variables are those of every
// enterprise, and the custom attributes that its own mapping reads.
func TestSettings_M2_KnowTheDirectorysAttributes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	body := withSetting(func(s *mail.Setting) { s.UserName = "$site$\\$USERID$" })
	b.refuse(400, "PUT", settingsPath+"/sales", body, "userName", "$site$ is no variable")
	b.want(200, "PUT", dirPath, strings.Replace(readOnly, `"baseDn"`, `"attributes":{"custom":{"site":"l"}},"baseDn"`, 1)+`}`, nil)
	b.want(200, "PUT", settingsPath+"/sales", body, nil)
	b.refuse(400, "PUT", settingsPath+"/sales", withSetting(func(s *mail.Setting) { s.Email = "$Site$" }), "email", "$site$")
}

func TestSettingsConcurrently(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	b.want(200, "PUT", settingsPath+"/sales", withSetting(func(*mail.Setting) {}), nil)
	const n = 8
	codes := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			body := withSetting(func(s *mail.Setting) { s.Version, s.Exchange.Server = 1, fmt.Sprintf("m%d.example.com", i) })
			codes[i] = b.do("PUT", settingsPath+"/sales", body).Code
		})
	}
	wg.Wait()
	tally := map[int]int{}
	for _, c := range codes {
		tally[c]++
	}
	if d := cmp.Diff(map[int]int{200: 1, 409: n - 1}, tally); d != "" || b.revisions() != [2]int{2, 2} {
		t.Errorf("revisions %v, -want +got:\n%s", b.revisions(), d)
	}
}
