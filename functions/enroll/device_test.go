package enroll_test

import (
	"crypto"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
)

// idOf returns the id that p's signing key gives it.
func (b *bench) idOf(p *phone) string {
	b.t.Helper()
	return device.ID(b.thumbprint(p))
}

func (b *bench) thumbprint(p *phone) []byte {
	b.t.Helper()
	thumb, err := (&jose.JSONWebKey{Key: p.signing.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		b.t.Fatal(err)
	}
	return thumb
}

// TestEnroll_P5_AccountType: the token's word goes before a label's, a label's
// before the enterprise's, and a device of nobody has an account of its own.
func TestEnroll_P5_AccountType(t *testing.T) {
	t.Parallel()
	const user, own = account.UserAccount, account.DeviceAccount
	kiosk := map[string]account.Type{"kiosk": own, "office": user}
	for _, tc := range []struct {
		name   string
		policy enterprise.Policy
		token  func(*enrollment.Token)
		want   account.Type
	}{
		{"default", enterprise.Policy{}, func(*enrollment.Token) {}, user},
		{"enterprise", enterprise.Policy{AccountType: own}, func(*enrollment.Token) {}, own},
		{"label", enterprise.Policy{LabelAccountType: kiosk}, labels("field", "kiosk"), own},
		{"label against the enterprise", enterprise.Policy{AccountType: own, LabelAccountType: kiosk}, labels("office"), user},
		{"labels that disagree", enterprise.Policy{LabelAccountType: kiosk}, labels("office", "kiosk"), own},
		{"token against label", enterprise.Policy{LabelAccountType: kiosk}, func(t *enrollment.Token) {
			t.Labels, t.AccountType = []string{"kiosk"}, user
		}, user},
		{"token against enterprise", enterprise.Policy{}, func(t *enrollment.Token) { t.AccountType = own }, own},
		{"dedicated device", enterprise.Policy{AccountType: user}, func(t *enrollment.Token) { t.Person = "" }, own},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.enterprise(func(e *enterprise.Enterprise) { e.Policy = tc.policy })
			id := b.admitted(b.phone(), b.token(tc.token))
			d, err := b.db.Device(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			self := account.Subject{Kind: account.Device, ID: id}
			want := device.Desired{
				AccountType: tc.want, AccountID: identifier(own, self), OwnAccountID: identifier(own, self),
				PlayEnterprise: "LC01", DisplayName: "Acme",
			}
			if tc.want == user {
				want.AccountID = identifier(user, account.Subject{Kind: account.Person, ID: adaID})
			}
			if diff := cmp.Diff(want, d.Desired); diff != "" {
				t.Errorf("desired (-want +got):\n%s", diff)
			}
		})
	}
}

func labels(ls ...string) func(*enrollment.Token) {
	return func(t *enrollment.Token) { t.Labels = ls }
}

// TestEnroll_Device: the row holds who the device is, and the trail who let it in.
func TestEnroll_Device(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, person string
	}{{"of a person", adaID}, {"dedicated", ""}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.enterprise(func(e *enterprise.Enterprise) { e.Policy.CheckInSeconds = 900 })
			p := b.phone()
			token := b.token(func(t *enrollment.Token) { t.Person, t.Labels = tc.person, []string{"field"} })
			id := b.admitted(p, token)
			if id != b.idOf(p) {
				t.Errorf("id %s, want the one that the key gives, %s", id, b.idOf(p))
			}
			d, err := b.db.Device(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			subject := account.Subject{Kind: account.Person, ID: tc.person}
			if tc.person == "" {
				subject = account.Subject{Kind: account.Device, ID: id}
			}
			type summary struct {
				Enterprise string
				State      device.State
				Subject    account.Subject
				Labels     []string
				Token      string
				CheckIn    int
				Model      string
			}
			want := summary{"acme", device.Active, subject, []string{"field"}, enrollment.ID(token), 900, "Phone 9"}
			got := summary{d.Enterprise, d.State, d.Subject, d.Labels, d.EnrollmentToken, d.CheckInSeconds, d.Info.Model}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("device (-want +got):\n%s", diff)
			}
			if !d.EnrolledAt.Equal(noon) || !d.LastSeen.Equal(noon) {
				t.Errorf("enrolled %v, seen %v, want noon", d.EnrolledAt, d.LastSeen)
			}
			trail := []line{{"acme", "device:" + id, "device.enroll", "enrollment-token:" + enrollment.ID(token), "ok"}}
			if diff := cmp.Diff(trail, b.trail("acme")); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEnroll_MailSettingsAreLookedAtFirst: with the first check-in, where the
// enterprise has any; where it has none, that one costs no more than others.
func TestEnroll_MailSettingsAreLookedAtFirst(t *testing.T) {
	t.Parallel()
	for _, revision := range []int{0, 3} {
		b := newBench(t)
		b.enterprise(func(e *enterprise.Enterprise) { e.MailRevision = revision })
		p := b.phone()
		d, err := b.db.Device(t.Context(), b.admitted(p, b.token(func(*enrollment.Token) {})))
		if err != nil || d.Mail.Due != (revision > 0) {
			t.Errorf("with settings of revision %d: due %v, %v", revision, d.Mail.Due, err)
		}
	}
}
