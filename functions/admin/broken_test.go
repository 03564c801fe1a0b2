package admin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// TestChanges_E5_AreStoredWhollyAndRecorded: wherever the store fails, a setting and
// the enterprise's word that there are settings go together, every change has one
// record, and asking again ends as asking once.
func TestChanges_E5_AreStoredWhollyAndRecorded(t *testing.T) {
	t.Parallel()
	steps := []struct {
		name, method, path, body string
		again                    int // the answer to asking again after it was done
		record                   string
	}{
		{"policy", "PUT", policyPath, `{"length":20}`, 200, "password-policy.set enterprise:acme"},
		{"setting", "PUT", settingsPath + "/old", withSetting(generated), 200, "setting.save setting:old"},
		{"labels", "PUT", settingsPath + "/old/labels", `{"labels":["a"]}`, 200, "setting.labels setting:old"},
		{"change", "PUT", settingsPath + "/old", withSetting(func(s *mail.Setting) { s.Name = "Other" }), 200, "setting.save setting:old"},
		{"removal", "DELETE", settingsPath + "/old", ``, 404, "setting.remove setting:old"},
		{"policy's removal", "DELETE", policyPath, ``, 404, "password-policy.remove enterprise:acme"},
	}
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		b := newBench(t)
		b.linked()
		for _, s := range steps {
			before := b.trail("acme")
			for k := 1; ; k++ {
				if k > 50 {
					t.Fatalf("%s: no end", s.name)
				}
				b.store.Fail(k, when)
				w := b.do(s.method, s.path, s.body)
				fired := b.store.Fired()
				b.store.Fail(0, when)
				if r := b.revisions(); r[1] != 0 && r[0] != r[1] {
					t.Fatalf("%s: the book has the revision %d, the enterprise says %d", s.name, r[0], r[1])
				}
				if !fired {
					if w.Code/100 != 2 && w.Code != s.again {
						t.Errorf("%s: %d %s", s.name, w.Code, w.Body)
					}
					break
				}
				if w.Code != 503 && w.Code != s.again {
					t.Errorf("%s, operation %d: %d %s", s.name, k, w.Code, w.Body)
				}
			}
			after := b.trail("acme")[len(before):]
			if d := cmp.Diff([]string{"admin:local " + s.record + " ok"}, after); d != "" {
				t.Errorf("%s: trail: -want +got:\n%s", s.name, d)
			}
		}
	}
}

// TestReads_E5_SayThatTheStoreFails: no listing takes a failure for an end.
func TestReads_E5_SayThatTheStoreFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.linked()
	b.passwordsOf("acme", 3)
	b.want(200, "PUT", settingsPath+"/plain", withSetting(func(*mail.Setting) {}), nil)
	for path := range b.office.routes() {
		if strings.Contains(path, "dead-letters") || strings.HasSuffix(path, "/google") {
			continue
		}
		path = strings.NewReplacer("{enterprise}", "acme", "/settings/{id}", "/settings/plain", "{id}", "p0").Replace(path)
		whole := b.do("GET", path, "")
		if whole.Code != 200 {
			continue
		}
		for k := 1; ; k++ {
			b.store.Fail(k, storetest.Before)
			w := b.do("GET", path, "")
			if !b.store.Fired() {
				break
			}
			if w.Code != 503 {
				t.Errorf("%s, operation %d: %d %s", path, k, w.Code, w.Body)
			}
		}
		b.store.Fail(0, storetest.Before)
	}
	body := `{"op":"renew","all":true,"havingLabel":"x","dryRun":true}`
	b.want(200, "POST", workflows, body, nil)
	for k := 1; ; k++ {
		b.store.Fail(k, storetest.Before)
		w := b.do("POST", workflows, body)
		if !b.store.Fired() {
			break
		}
		if w.Code != 503 {
			t.Errorf("renewal, operation %d: %d %s", k, w.Code, w.Body)
		}
	}
}
