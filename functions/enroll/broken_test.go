package enroll_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
)

// TestLimit_LostCommitsNeverAddATry: wherever the store fails, no more guesses than the
// limit reach the directory, and the right password gets in once the store is well.
func TestLimit_LostCommitsNeverAddATry(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for k := 1; ; k++ {
			o := newOffice(t)
			o.registrar.Limits.Person.Tries = 2 // fewer sign-ins to break
			o.faulty.Fail(k, when)
			codes := map[int]int{}
			for range 4 {
				codes[o.signIn(o.phone(), byPassword("ada", "wrong"), home).Code]++
			}
			n, _ := o.ldap.count()
			if fired := o.faulty.Fired(); n > 2 || n < 1 || codes[http.StatusServiceUnavailable] > 1 {
				t.Errorf("operation %d, %v: %d guesses were judged, answers %v", k, when, n, codes)
			} else if !fired {
				break
			}
		}
	}
}

// TestSignIn_LostCommitsEndWell: wherever the store fails once, the device that tries
// again is enrolled, once, and nothing is left counted.
func TestSignIn_LostCommitsEndWell(t *testing.T) {
	t.Parallel()
	for _, when := range []storetest.When{storetest.Before, storetest.After} {
		for k := 1; ; k++ {
			o := newOffice(t)
			p := o.phone()
			o.faulty.Fail(k, when)
			first := o.signIn(p, byPassword("ada", password), home).Code
			fired := o.faulty.Fired()
			o.faulty.Fail(0, when)
			if (first == http.StatusOK) == fired {
				t.Errorf("operation %d, %v: status %d", k, when, first)
			}
			o.in(p, byPassword("ada", password))
			if n := len(o.documents(record.Devices)); n != 1 {
				t.Errorf("operation %d, %v: %d devices", k, when, n)
			}
			if left := o.attempts(); len(left) != 0 {
				t.Errorf("operation %d, %v: left %v", k, when, left)
			}
			if !fired {
				break
			}
		}
	}
}

// TestSignIn_D10_LeaverAndEnrolmentSerialise: a person who leaves while the directory
// checks the password gets no device.
func TestSignIn_D10_LeaverAndEnrolmentSerialise(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var once sync.Once
	o.ldap.before = func() {
		once.Do(func() { o.person(func(p *person.Person) { p.State = person.Leaving }) })
	}
	o.barred(o.phone(), byPassword("ada", password), home, http.StatusUnauthorized, "person-withdrawn")
	if n := len(o.documents(record.Devices)); n != 0 {
		t.Errorf("%d devices of somebody who left", n)
	}
}

// TestSignIn_AClaimThatChangesHandsMeanwhile: the row that is read with the device must
// still be the one that the claim names.
func TestSignIn_AClaimThatChangesHandsMeanwhile(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	find := o.registrar.People
	matchedByMail(o)
	o.registrar.People = peopleThen(find, func() {
		o.person(func(p *person.Person) { p.Entry.Mail = "renamed@example.com" })
	})
	o.barred(o.phone(), o.byIDToken(func(c map[string]any) { c["email"] = "ada@example.com" }), home,
		http.StatusUnauthorized, "person-unknown")
}

// TestSignIn_E3_NothingShowsTheSecrets: neither log, trail, store nor answer has the
// password or the token, whatever happens to them.
func TestSignIn_E3_NothingShowsTheSecrets(t *testing.T) {
	t.Parallel()
	const sentinel = "hunter2-sentinel"
	o := newOffice(t)
	var log strings.Builder
	o.logTo(&log)
	o.ldap.entries["ada"] = person.Entry{ID: adaID, Login: "ada"}
	answers := ""
	token := o.byIDToken(func(c map[string]any) { c["nonce"] = "wrong" })
	p := o.phone()
	raw := token(p).IDToken.Reveal()
	for _, err := range []error{nil, fault.New(fault.Transient, "ldap-cut", "cut"), context.DeadlineExceeded} {
		o.ldap.fail(err)
		answers += o.signIn(p, byPassword("ada", sentinel), home).Body.String()
		answers += o.signIn(p, byPassword(sentinel, sentinel), home).Body.String()
	}
	answers += o.signIn(p, token, home).Body.String()
	o.faulty.Fail(3, storetest.Before)
	answers += o.signIn(p, byPassword("ada", sentinel), home).Body.String()
	all := answers + log.String()
	for k, v := range o.documents(record.Kinds()...) {
		all += k.ID + v
	}
	for _, s := range []string{sentinel, raw, raw[:30]} {
		if strings.Contains(all, s) {
			t.Errorf("%.12s… shows", s)
		}
	}
}
