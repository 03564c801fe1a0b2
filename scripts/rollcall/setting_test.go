package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// TestSettingCommands holds the outputs of the commands on mail settings.
func TestSettingCommands(t *testing.T) {
	t.Parallel()
	file := func(name, content string) func(*place) {
		return func(p *place) { p.mailroom(); p.write(name, content) }
	}
	for _, tc := range []struct {
		name  string
		setup func(*place)
		args  string
		code  int
	}{
		{"setting-list", (*place).mailroom, "setting list", 0},
		{"setting-list-none", (*place).company, "setting list", 0},
		{"setting-list-json", (*place).mailroom, "setting list --limit 1 --json", 0},
		{"setting-show", (*place).mailroom, "setting show legacy", 0},
		{"setting-show-json", (*place).mailroom, "setting show legacy --json", 0},
		{"setting-show-missing", (*place).mailroom, "setting show x", 3},
		{"setting-create-imap", (*place).company, "setting create imap mail --label sales", 0},
		{"setting-create-exchange", (*place).company, "setting create exchange office --name Office --description Own --server mail.example.com:8443" +
			" --sign-in password --user-name $USERID$_US --password $PASSWORD$ --sync email,calendar", 0},
		{"setting-create-managed", (*place).company, "setting create exchange gmail --managed gmail --extra default_signature=$USERID$ --label sales --label north", 0},
		{"setting-create-json", (*place).company, "setting create exchange mail --json", 0},
		{"setting-create-generated", func(p *place) { p.passwords(); p.linked() }, "setting create imap old --google-apps-password", 0},
		{"setting-create-generated-no-policy", (*place).company, "setting create imap old --google-apps-password", 2},
		{"setting-create-no-tls", (*place).company, "setting create imap bad --tls none", 2},
		{"setting-create-no-variable", (*place).company, "setting create imap bad --email $NAME$@example.com", 2},
		{"setting-create-extra-variable", (*place).company, "setting create exchange bad --managed gmail --extra k=$NAME$", 2},
		{"setting-create-id", (*place).company, "setting create imap Bad", 2},
		{"setting-create-long", (*place).company, "setting create exchange bad --managed gmail --extra k=" + strings.Repeat("a", 513), 2},
		{"setting-create-shell", (*place).company, "setting create imap bad --email $", 2},
		{"setting-create-shell-empty", (*place).company, "setting create imap bad --user-name=", 2},
		{"setting-create-no-app", (*place).company, "setting create imap bad --extra a=b", 2},
		{"setting-create-items", (*place).company, "setting create exchange bad --sync mail", 2},
		{"setting-create-two-ways", (*place).company, "setting create imap bad --sign-in oauth --google-apps-password", 2},
		{"setting-create-nothing", (*place).company, "setting create", 2},
		{"setting-create-kind", (*place).company, "setting create pop3 mail", 2},
		{"setting-create-word", (*place).company, "setting create mail", 2},
		{"setting-create-again", (*place).mailroom, "setting create imap mail --host imap.example.com --yes", 0},
		{"setting-create-again-alone", (*place).mailroom, "setting create imap mail --host imap.example.com", 2},
		{"setting-create-again-words", (*place).mailroom, "setting create imap mail --description new", 0},
		{"setting-create-again-same", (*place).mailroom, "setting create imap mail", 0},
		{"setting-create-again-kind", (*place).mailroom, "setting create exchange mail", 4},
		{"setting-create-yaml", file("s.yaml", "id: team\nname: Team\nkind: imap\nsignIn: oauth\nemail: team@example.com\nimap: {host: imap.gmail.com, port: 993, tls: tls}\nlabels: [sales]\n"),
			"setting create --file DIR/s.yaml", 0},
		{"setting-create-yaml-unknown", file("s.yaml", "id: team\nkind: imap\npasword: hunter2\n"), "setting create --file DIR/s.yaml", 2},
		{"setting-create-yaml-broken", file("s.yaml", "id: [\npassword: hunter2"), "setting create --file DIR/s.yaml", 2},
		{"setting-create-yaml-nameless", file("s.yaml", "kind: imap\n"), "setting create --file DIR/s.yaml", 2},
		{"setting-create-yaml-over", file("s.yaml", "id: mail\nname: Mail\nkind: imap\nsignIn: oauth\nemail: $EMAIL$\nimap: {host: x.example.com, port: 993, tls: tls}\nlabels: [sales]\n"),
			"setting create --file DIR/s.yaml", 2},
		{"setting-create-yaml-stale", file("s.yaml", "id: mail\nversion: 7\nname: Mail\nkind: imap\nsignIn: oauth\nemail: $EMAIL$\nimap: {host: x.example.com, port: 993, tls: tls}\n"),
			"setting create --file DIR/s.yaml", 4},
		{"setting-create-no-file", (*place).mailroom, "setting create --file /nowhere/s.yaml", 2},
		{"setting-apply", (*place).mailroom, "setting apply mail --label north --remove-label sales", 0},
		{"setting-apply-same", (*place).mailroom, "setting apply mail --label sales", 0},
		{"setting-apply-none", (*place).mailroom, "setting apply mail --remove-label sales", 0},
		{"setting-apply-json", (*place).mailroom, "setting apply mail --label north --json", 0},
		{"setting-apply-nothing", (*place).mailroom, "setting apply mail", 2},
		{"setting-apply-both", (*place).mailroom, "setting apply mail --label a --remove-label a", 2},
		{"setting-apply-bad", (*place).mailroom, "setting apply mail --label No!", 2},
		{"setting-apply-missing", (*place).mailroom, "setting apply x --label north", 3},
		{"setting-preview", (*place).mailroom, "setting preview d3", 0},
		{"setting-preview-waits", (*place).mailroom, "setting preview d2", 0},
		{"setting-preview-json", (*place).mailroom, "setting preview d3 --json", 0},
		{"setting-preview-none", (*place).mailroom, "setting preview d1", 0},
		{"setting-preview-missing", (*place).mailroom, "setting preview x", 3},
		{"setting-remove", (*place).mailroom, "setting remove legacy --yes", 0},
		{"setting-remove-alone", (*place).mailroom, "setting remove legacy", 2},
		{"setting-remove-missing", (*place).mailroom, "setting remove x --yes", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.dir = t.TempDir()
			tc.setup(p)
			p.shows(tc.name, tc.args, tc.code)
		})
	}
}

// TestWhatIsShownCanBeGivenBack holds that the JSON of a setting is what --file takes,
// as it is, changed, and under another id.
func TestWhatIsShownCanBeGivenBack(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.dir = t.TempDir()
	p.mailroom()
	p.linked()
	_, shown, _ := p.run(t.Context(), "setting", "show", "legacy", "--json")
	p.write("s.json", shown)
	if code, _, errs := p.run(t.Context(), "setting", "create", "--file", p.dir+"/s.json"); code != 0 || !strings.Contains(errs, "nothing changed") {
		t.Errorf("as it is: %d %s", code, errs)
	}
	if code, _, errs := p.run(t.Context(), "setting", "create", "copy", "--file", p.dir+"/s.json"); code != 0 || !strings.Contains(errs, "Created.") {
		t.Errorf("as a copy: %d %s", code, errs)
	}
	p.write("s.json", strings.Replace(shown, "com.example.mail", "com.example.other", 1))
	code, out, errs := p.run(t.Context(), "setting", "create", "--file", p.dir+"/s.json", "--json")
	var s mail.Setting
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != 0 || s.Version != 2 || s.Managed.Package != "com.example.other" {
		t.Errorf("changed: %d %s%s", code, out, errs)
	}
	if code, _, errs := p.run(t.Context(), "setting", "create", "--file", p.dir+"/s.json"); code != exitRefused {
		t.Errorf("the older version took the newer's place: %d %s", code, errs)
	}
}

// TestWarningsAreTold_W9 holds that whoever makes or shows a setting that relies on a
// password is told what Google has closed, and JSON has it.
func TestWarningsAreTold_W9(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.mailroom()
	p.linked()
	for _, args := range []string{"setting create imap old --google-apps-password", "setting show old", "setting apply old --label north"} {
		if code, _, errs := p.run(t.Context(), strings.Fields(args)...); code != 0 || !strings.Contains(errs, "warning: Google has closed sign-in by password") {
			t.Errorf("%s: %d %s", args, code, errs)
		}
		if _, out, errs := p.run(t.Context(), append(strings.Fields(args), "--json")...); errs != "" || !strings.Contains(out, mail.WarnGoogleClosed) {
			t.Errorf("%s --json: %s%s", args, out, errs)
		}
	}
	_, out, _ := p.run(t.Context(), "setting", "create", "imap", "new", "--json")
	var s mail.Setting
	if err := json.Unmarshal([]byte(out), &s); err != nil || s.SignIn != mail.OAuth {
		t.Errorf("a new setting signs in by %q: %s", s.SignIn, out)
	}
}

// TestChangeOfAppliedSettingAsks holds that what devices have becomes something else
// only with a yes.
func TestChangeOfAppliedSettingAsks(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{"yes\n": "imap.example.com", "no\n": "imap.gmail.com", "": "imap.gmail.com"} {
		p := newPlace(t)
		p.mailroom()
		p.in, p.person = strings.NewReader(answer), true
		code, _, errs := p.run(t.Context(), "setting", "create", "imap", "mail", "--host", "imap.example.com")
		if !strings.Contains(errs, "The setting mail is there already (version 1), on the label sales. Change it for their devices?") {
			t.Errorf("asks %s", errs)
		}
		book, err := p.db.MailBook(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		if s, _ := book.Setting("mail"); s.IMAP.Host != want || (code == 0) != (answer == "yes\n") {
			t.Errorf("%q: code %d, host %s", answer, code, s.IMAP.Host)
		}
	}
}

// TestLabelsOfTwoAdmins holds that whoever adds a label undoes none that another gave
// meanwhile.
func TestLabelsOfTwoAdmins(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.mailroom()
	next := p.server.Config.Handler
	p.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/labels") {
			if err := p.db.Update(r.Context(), func(tx *record.Tx) error {
				book, err := tx.MailBook("acme")
				if err != nil {
					return err
				}
				s, _ := book.Setting("mail")
				s.Labels = append(s.Labels, "theirs")
				if book, _, err = book.With(s, clock.Add(time.Second)); err != nil {
					return err
				}
				return tx.PutMailBook(book)
			}); err != nil {
				t.Error(err)
			}
		}
		next.ServeHTTP(w, r)
	})
	if code, _, errs := p.run(t.Context(), "setting", "apply", "mail", "--label", "ours"); code != exitRefused || !strings.Contains(errs, "was last changed at") {
		t.Errorf("%d %s", code, errs)
	}
	book, err := p.db.MailBook(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := book.Setting("mail"); !slices.Contains(s.Labels, "theirs") || slices.Contains(s.Labels, "ours") {
		t.Errorf("the labels are %v", s.Labels)
	}
}
