package admin

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	tokensPath = "/v1/enterprises/acme/enrollment-tokens"
	checksum   = "I5YvS0O5hXY46mb01BlRjq4oJJGs2kuUcHvVkAPEXlg"
)

func TestEnrollmentTokenLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	var made struct {
		enrollment.Token
		Secret, Status string
		QR             map[string]any
	}
	b.want(201, "POST", tokensPath, `{"person":"e-1","uses":30,"labels":["kiosk"],"note":"for Ada"}`, &made)
	if id := enrollment.ID(secret.New(made.Secret)); id != made.ID {
		t.Errorf("the secret is of token %s, the reply of %s", id, made.ID)
	}
	want := enrollment.Token{
		ID: made.ID, Enterprise: "acme", Person: "e-1", Uses: 30, Labels: []string{"kiosk"}, Note: "for Ada",
		CreatedAt: clock, CreatedBy: "admin:local", ExpiresAt: clock.Add(24 * time.Hour),
	}
	if d := cmp.Diff(want, made.Token); d != "" || made.Status != "active" || made.QR != nil {
		t.Errorf("status %q, QR %v, -want +got:\n%s", made.Status, made.QR, d)
	}
	b.put(func(tx *record.Tx) error { return tx.PutShard(enrollment.Shard{ID: want.ShardID(0), Used: 2}) })
	b.put(func(tx *record.Tx) error { return tx.PutShard(enrollment.Shard{ID: want.ShardID(1), Used: 3}) })

	var seen struct {
		Status string
		Used   *int
	}
	b.want(200, "GET", tokensPath+"/"+made.ID, "", &seen)
	if seen.Used == nil || *seen.Used != 5 {
		t.Errorf("used is %v, want 5", seen.Used)
	}
	b.want(200, "DELETE", tokensPath+"/"+made.ID, "", &seen)
	if seen.Status != "revoked" {
		t.Errorf("status after revocation: %q", seen.Status)
	}
	b.want(200, "DELETE", tokensPath+"/"+made.ID, "", nil) // again: nothing more to do
	target := "enrollment-token:" + made.ID
	trail := []string{
		"admin:local enterprise.create enterprise:acme ok",
		"admin:local enrollment-token.create " + target + " ok",
		"admin:local enrollment-token.revoke " + target + " ok",
	}
	if d := cmp.Diff(trail, b.trail("acme")); d != "" {
		t.Errorf("trail: -want +got:\n%s", d)
	}

	// E3: after the first reply the secret is nowhere.
	for _, path := range []string{tokensPath, tokensPath + "/" + made.ID, "/v1/enterprises/acme/audit"} {
		if body := b.do("GET", path, "").Body.String(); strings.Contains(body, made.Secret) {
			t.Errorf("%s shows the secret", path)
		}
	}
	if strings.Contains(b.log.String(), made.Secret) {
		t.Error("the log shows the secret")
	}
}

func TestEnrollmentTokenRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	qr := func(component, location, sum string) string {
		return `{"uses":1,"qr":{"adminComponent":"` + component + `","packageLocation":"` + location + `","signatureChecksum":"` + sum + `"}}`
	}
	const component, location = "com.example.agent/.Admin", "https://example.com/agent.apk"
	for _, tc := range []struct{ name, body, field string }{
		{"no uses", `{}`, "uses"},
		{"negative uses", `{"uses":-1}`, "uses"},
		{"an address", `{"uses":1,"person":"ada@example.com"}`, "person"},
		{"no life", `{"uses":1,"lifeSeconds":0}`, "lifeSeconds"},
		{"a long life", `{"uses":1,"lifeSeconds":31536001}`, "lifeSeconds"},
		{"an overflowing life", `{"uses":1,"lifeSeconds":9223372036854775807}`, "lifeSeconds"},
		{"account type", `{"uses":1,"accountType":"robot"}`, "accountType"},
		{"user account of nobody", `{"uses":1,"accountType":"userAccount"}`, "accountType"},
		{"label", `{"uses":1,"labels":["a","B"]}`, "labels[1]"},
		{"note", `{"uses":1,"note":"` + strings.Repeat("x", 121) + `"}`, "note"},
		{"its own secret", `{"uses":1,"secret":"x"}`, "secret"},
		{"component", qr("agent", location, checksum), "qr.adminComponent"},
		{"plain http", qr(component, "http://example.com/a.apk", checksum), "qr.packageLocation"},
		{"user in the URL", qr(component, "https://u:p@example.com/a.apk", checksum), "qr.packageLocation"},
		{"short checksum", qr(component, location, checksum[:40]), "qr.signatureChecksum"},
		{"hex checksum", qr(component, location, strings.Repeat("ab", 32)), "qr.signatureChecksum"},
		{"Wi-Fi password", `{"uses":1,"qr":{"wifiPassword":"x"}}`, "qr.wifiPassword"},
	} {
		t.Run(tc.name, func(t *testing.T) { b.refuse(400, "POST", tokensPath, tc.body, tc.field, "") })
	}
	b.refuse(404, "GET", tokensPath+"/nothing", "", "", "no enrollment token")
	b.refuse(404, "DELETE", tokensPath+"/%2e%2e", "", "", "no enrollment token")
	b.refuse(404, "POST", "/v1/enterprises/nobody/enrollment-tokens", `{"uses":1}`, "", "no enterprise")
	b.putEnterprise(enterprise.Enterprise{ID: "gone", Play: "LC09", State: enterprise.Gone})
	b.refuse(409, "POST", "/v1/enterprises/gone/enrollment-tokens", `{"uses":1}`, "", "no longer knows")

	// A token of another enterprise is not there.
	b.put(func(tx *record.Tx) error { return tx.PutToken(enrollment.Token{ID: "t1", Enterprise: "gone"}) })
	b.refuse(404, "DELETE", tokensPath+"/t1", "", "", "no enrollment token")
}

func TestEnrollmentTokenQR(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme()
	w := b.do("POST", tokensPath, `{"uses":0,"accountType":"deviceAccount","qr":{"adminComponent":"com.example.agent/.Admin",`+
		`"packageLocation":"https://example.com/agent.apk","signatureChecksum":"`+checksum+`=","leaveAllSystemApps":true}}`)
	var made struct {
		Secret      string
		AccountType account.Type
		QR          map[string]any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != 201 {
		t.Fatal(w.Code, w.Body, err)
	}
	want := map[string]any{
		"android.app.extra.PROVISIONING_DEVICE_ADMIN_COMPONENT_NAME":            "com.example.agent/.Admin",
		"android.app.extra.PROVISIONING_DEVICE_ADMIN_PACKAGE_DOWNLOAD_LOCATION": "https://example.com/agent.apk",
		"android.app.extra.PROVISIONING_DEVICE_ADMIN_SIGNATURE_CHECKSUM":        checksum,
		"android.app.extra.PROVISIONING_LEAVE_ALL_SYSTEM_APPS_ENABLED":          true,
		"android.app.extra.PROVISIONING_ADMIN_EXTRAS_BUNDLE": map[string]any{
			"rollcall.enrollUrl": "https://emm.example.com/enroll", "rollcall.enrollmentToken": made.Secret,
		},
	}
	if d := cmp.Diff(want, made.QR); d != "" || made.Secret == "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
