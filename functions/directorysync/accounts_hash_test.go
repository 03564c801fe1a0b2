package directorysync_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/functions/directorysync"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

type jsonRaw = json.RawMessage

var plain = secret.New("password")

const (
	secretSHA = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=" // of "password"
	crypt1    = "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/"
	crypt5    = "$5$saltsaltsalt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	crypt6    = "$6$rounds=10000$saltsalt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// The simulator holds what Google does: it refuses what is no such hash, and tells
// whether the password is that of an MD5 or SHA-1.
func TestAccounts_D2_Hashes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		stored string
		is     secret.Value // what the simulator then says is the password
	}{
		{secretMD5, plain}, {strings.Replace(secretMD5, "MD5", "md5", 1), plain}, {secretSHA, plain},
		{"{CRYPT}" + crypt1, secret.New(crypt1)}, {"{CRYPT}" + crypt5, secret.New(crypt5)}, {"{CRYPT}" + crypt6, secret.New(crypt6)},
	} {
		d := newDesk(t, deskOptions{})
		d.hash(tc.stored)
		d.must(t, "create-account")
		if !d.sim.PasswordIs(d.row.Google.ID, tc.is) || d.row.Google.Hash != d.row.Entry.Hash {
			t.Errorf("%.7s at creation: not set, known as %q", tc.stored, d.row.Google.Hash)
		}
		d.must(t, "")

		d = newDesk(t, deskOptions{})
		d.must(t, "create-account")
		d.hash(tc.stored)
		d.must(t, "send-password-hash")
		if !d.sim.PasswordIs(d.row.Google.ID, tc.is) || d.row.Google.Hash != d.row.Entry.Hash {
			t.Errorf("%.7s later: not set, known as %q", tc.stored, d.row.Google.Hash)
		}
		updates := d.sim.Faults.Calls(updateMethod)
		if d.must(t, ""); d.sim.Faults.Calls(updateMethod) != updates {
			t.Errorf("%.7s: sent again", tc.stored)
		}
	}
}

func TestAccounts_D2_HashesThatGoogleDoesNotTake(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{"{SSHA}c2FsdGVkIGhhc2ggb2YgYW5uYQ==", "{PBKDF2}x", "{CRYPT}$2b$10$" + strings.Repeat("a", 53), "password", "{MD5}x"} {
		d := newDesk(t, deskOptions{})
		d.hash(stored)
		d.must(t, "create-account")
		if !d.sim.PasswordIs(d.row.Google.ID, deskPassword) || d.row.Google.Hash != "" || !slices.Equal(d.row.Problems, []string{directory.ProblemHash}) {
			t.Errorf("%.7s at creation: known as %q, problems %v", stored, d.row.Google.Hash, d.row.Problems)
		}
		d.row.Problems = nil
		d.must(t, "")
		if d.sim.Faults.Calls(updateMethod) > 0 || !slices.Equal(d.row.Problems, []string{directory.ProblemHash}) {
			t.Errorf("%.7s later: problems %v", stored, d.row.Problems)
		}
		d.hash(secretMD5)
		d.must(t, "send-password-hash")
		if len(d.row.Problems) > 0 {
			t.Errorf("%.7s, then another: problems %v", stored, d.row.Problems)
		}
	}
}

// What the directory no longer shows is no problem; the next run sees why.
func TestAccounts_D2_HashThatIsGone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.hash(secretMD5)
	d.stored = ""
	d.must(t, "create-account")
	d.must(t, "")
	if d.row.Google.Hash != "" || len(d.row.Problems) > 0 || !d.sim.PasswordIs(d.row.Google.ID, deskPassword) {
		t.Errorf("known as %q, problems %v", d.row.Google.Hash, d.row.Problems)
	}
}

// A hash that Google refuses although it looks sound costs a second call, once.
func TestAccounts_D2_HashThatGoogleRefuses(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.hash(secretMD5)
	d.sim.Faults.Add(googletest.Script{Method: insertMethod, Mode: googletest.Refuse, Status: http.StatusBadRequest, Reason: "invalid", Message: "Invalid Password", Times: 1})
	d.must(t, "create-account")
	if !d.sim.PasswordIs(d.row.Google.ID, deskPassword) || d.sim.Faults.Calls(insertMethod) != 2 || !slices.Equal(d.row.Problems, []string{directory.ProblemHash}) {
		t.Errorf("problems %v", d.row.Problems)
	}
}

// A directory that is away lets the account wait: with a random password the
// person could not sign in.
func TestAccounts_D2_HashesOfADirectoryThatIsAway(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.hash(secretMD5)
	hash := d.Hash
	d.Hash = directorysync.HashFrom(func(context.Context, directory.Config) (*desk, error) {
		return nil, fault.New(fault.Transient, ldap.ReasonUnreachable, "away")
	})
	if got, err := d.bring(t, all); got != "" || fault.ReasonOf(err) != ldap.ReasonUnreachable || d.sim.Faults.Calls(insertMethod) > 0 {
		t.Errorf("did %q: %v", got, err)
	}
	d.Hash = hash
	d.must(t, "create-account")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

func TestAccounts_NoPasswordWithoutRandomness(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	d.Random = failing{}
	if got, err := d.bring(t, all); got != "" || err == nil || d.sim.Faults.Calls(insertMethod) > 0 {
		t.Errorf("did %q: %v", got, err)
	}
}

// A server that repeats in its refusals everything it was sent tells nobody.
func TestAccounts_E3_NoPasswordInAnyError(t *testing.T) {
	t.Parallel()
	md5 := "5f4dcc3b5aa765d61d8327deb882cf99"
	for _, status := range []int{400, 403, 409, 412, 500} {
		for _, stored := range []string{"", secretMD5, "{CRYPT}" + crypt6, "{SSHA}c2FsdGVkIGhhc2ggb2YgYW5uYQ=="} {
			d := newDesk(t, deskOptions{})
			if stored != "" {
				d.hash(stored)
			}
			echo := func(method string) {
				d.sim.Faults.Add(googletest.Script{Method: method, Mode: googletest.Echo, Status: status, Times: 2})
				_, steps, err := d.Bring(t.Context(), d.config, d.row, all, d.save)
				fmt.Fprintf(&d.said, "%v %+v %#v %+v", err, err, fault.As(err), steps)
			}
			echo(insertMethod)
			d.sim.Faults.Clear()
			d.clock.advance(time.Hour)
			d.settle(t)
			d.row.Google.Hash = ""
			echo(updateMethod)
			said := d.said.String()
			for _, word := range []string{deskPassword.Reveal(), md5, crypt6, secretMD5, "X03MO1qn", "c2FsdGVk"} {
				if strings.Contains(strings.ReplaceAll(said, d.row.Entry.Hash, ""), word) {
					t.Errorf("%d: %q came out", status, word)
				}
			}
		}
	}
}

// Many people at once stay within Google's ten creations a second.
func TestAccounts_D2_ManyWithinTheQuotas(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{attempts: 6})
	d.sim.Faults.Add(googletest.Script{Method: insertMethod, Mode: googletest.Refuse, Status: http.StatusForbidden, Reason: "userRateLimitExceeded", Skip: 10, Times: 3})
	const people = 60
	template := d.row
	for i := range people {
		d.row = template
		d.row.ID = fmt.Sprint(i)
		d.row.Key = person.KeyOf("acme", d.row.ID)
		d.row.Entry.Mail = fmt.Sprintf("user-%d@example.com", i)
		d.must(t, "create-account")
	}
	if n := d.sim.UserCount(d.customer); n != people+1 {
		t.Errorf("%d users", n)
	}
	counts := d.sim.Faults.Counts()
	if refused := counts[googletest.Count{Method: insertMethod, Status: http.StatusServiceUnavailable}]; refused > 0 {
		t.Errorf("Google refused %d creations for being too many in a second", refused)
	}
	if took := d.clock.Now().Sub(deskTime); took < 5*time.Second {
		t.Errorf("%d creations in %v", people, took)
	}
}

// A refusal for a quota that lasts is returned, and nothing is lost.
func TestAccounts_D2_QuotaThatLasts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{sim: workspacetest.Options{CreationsPerSecond: -1}})
	if got, err := d.bring(t, all); got != "" || !fault.Redeliver(err) {
		t.Errorf("did %q: %v", got, err)
	}
	if d.row.Google.Mail != "anna@example.com" || d.row.Google.ID != "" {
		t.Errorf("known as %+v", d.row.Google)
	}
	if reason := fault.ReasonOf(func() error { _, err := d.bring(t, all); return err }()); reason == google.ReasonNotReady || reason == "" {
		t.Errorf("refused for %q", reason)
	}
}

func TestHashFromTellsWhatWentWrong(t *testing.T) {
	t.Parallel()
	d := newDesk(t, deskOptions{})
	for id, want := range map[string]string{"id-1": ldap.ReasonNoHash, "id-2": ldap.ReasonNoHash} {
		if p, err := d.Hash(t.Context(), d.config, id); fault.ReasonOf(err) != want || !p.Value.Empty() {
			t.Errorf("%s: %v", id, err)
		}
	}
	d.stored = "{SSHA}x"
	if _, err := d.Hash(t.Context(), d.config, "id-1"); fault.ReasonOf(err) != ldap.ReasonHashUnsupported {
		t.Error(err)
	}
	d.stored = secretMD5
	if p, err := d.Hash(t.Context(), d.config, "id-1"); err != nil || p.Hash != workspace.MD5 {
		t.Errorf("%v: %v", p, err)
	}
}
