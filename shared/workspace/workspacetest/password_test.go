package workspacetest_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admin "google.golang.org/api/admin/directory/v1"
	"google.golang.org/api/googleapi"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

const (
	updateMethod = "directory.users.update"
)

// give sets the password as the push does, with the client of an administrator.
func give(api *admin.Service, user, password string) error {
	_, err := api.Users.Update(user, &admin.User{Password: password}).Do()
	return err
}

// sets returns the texts that were set, and holds their times to be in order.
func (b *bench) sets(t *testing.T, user string) []string {
	t.Helper()
	var texts []string
	var last time.Time
	for _, s := range b.PasswordSets(user) {
		if s.At.Before(last) {
			t.Errorf("set at %v after %v", s.At, last)
		}
		last = s.At
		texts = append(texts, s.Hash+s.Password.Reveal())
	}
	return texts
}

func TestPasswordSets(t *testing.T) {
	t.Parallel()
	b := newBench(t, workspacetest.Options{})
	u := b.insert(t, "anna@example.com")
	seeded, err := b.AddUser(workspacetest.User{PrimaryEmail: "bert@example.com", GivenName: "Bert", FamilyName: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.sets(t, seeded); got != nil {
		t.Errorf("a user whose password nobody set has %v", got)
	}
	for _, p := range []string{"first password", "first password", "second password"} {
		b.clock.Advance(time.Minute)
		if err := give(b.api, u.Id, p); err != nil {
			t.Fatal(err)
		}
	}
	// Neither a refused password nor another change is one that was set.
	refused(t, give(b.api, u.Id, "short"), 400, "invalid")
	if _, err := b.api.Users.Update(u.Id, &admin.User{Suspended: true}).Do(); err != nil {
		t.Fatal(err)
	}
	_, err = b.api.Users.Update(u.Id, &admin.User{Password: "third password", OrgUnitPath: "/Nowhere"}).Do()
	refused(t, err, 400, "invalid")
	want := []string{secret1, "first password", "first password", "second password"}
	if diff := cmp.Diff(want, b.sets(t, "anna@example.com")); diff != "" {
		t.Errorf("passwords set (-want +got):\n%s", diff)
	}
	if last := b.PasswordSets(u.Id)[3].At; !last.Equal(b.clock.Now()) {
		t.Errorf("set at %v, want %v", last, b.clock.Now())
	}
	if have := b.ClearPasswords(b.customer); len(have) != 1 || have[u.Id].Reveal() != "second password" {
		t.Errorf("%d users have a clear password, and Anna %q", len(have), have[u.Id].Reveal())
	}

	const hash = "5f4dcc3b5aa765d61d8327deb882cf99"
	if _, err := b.api.Users.Update(u.Id, &admin.User{Password: hash, HashFunction: "MD5"}).Do(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append(slices.Clip(want), "MD5"+hash), b.sets(t, u.Id)); diff != "" {
		t.Errorf("with a hash (-want +got):\n%s", diff)
	}
	if have := b.ClearPasswords(b.customer); len(have) != 0 {
		t.Errorf("a hash is no clear password: %v", have)
	}
	if have := b.ClearPasswords("C0"); len(have) != 0 {
		t.Errorf("nobody's users have %v", have)
	}
}

// TestPasswordSetThoughItFailed: what is scripted to fail "after" is set all the same,
// and what is scripted to fail before is not.
func TestPasswordSetThoughItFailed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		mode googletest.Mode
		set  bool
	}{
		{googletest.RefuseAfter, true}, {googletest.DropAfter, true}, {googletest.Malformed, true},
		{googletest.Refuse, false}, {googletest.DropBefore, false},
	} {
		b := newBench(t, workspacetest.Options{})
		u := b.insert(t, "anna@example.com")
		b.Faults.Add(googletest.Script{Method: updateMethod, Mode: tc.mode, Status: http.StatusConflict, Message: "Entity already exists.", Times: 1})
		err := give(b.api, u.Id, "first password")
		if tc.mode == googletest.RefuseAfter {
			refused(t, err, 409, "duplicate")
		}
		if set := b.PasswordIs(u.Id, secret.New("first password")); err == nil || set != tc.set || tc.set != (len(b.PasswordSets(u.Id)) == 2) {
			t.Errorf("mode %d: %v, the password is set: %v, want %v", tc.mode, err, set, tc.set)
		}
	}
}

func TestPasswordPolicy(t *testing.T) {
	t.Parallel()
	const short, long, other = "12345678", "a longer password", "another password"
	type step struct {
		password string
		ok       bool
	}
	for name, tc := range map[string]struct {
		policy workspacetest.PasswordPolicy
		steps  []step
	}{
		"none":         {workspacetest.PasswordPolicy{}, []step{{short, true}, {short, true}, {long, true}, {short, true}}},
		"length":       {workspacetest.PasswordPolicy{MinLength: 12}, []step{{short, false}, {"12345678901", false}, {"123456789012", true}}},
		"below Google": {workspacetest.PasswordPolicy{MinLength: 4}, []step{{"1234567", false}, {short, true}}},
		"no earlier": {workspacetest.PasswordPolicy{RefuseEarlier: true},
			[]step{{long, true}, {long, true}, {other, true}, {long, false}, {secret1, false}, {other, true}}},
		"no present":  {workspacetest.PasswordPolicy{RefusePresent: true}, []step{{long, true}, {long, false}, {other, true}, {long, true}}},
		"no reuse":    {workspacetest.PasswordPolicy{RefuseEarlier: true, RefusePresent: true}, []step{{secret1, false}, {long, true}, {long, false}, {secret1, false}}},
		"of somebody": {workspacetest.PasswordPolicy{RefuseEarlier: true, RefusePresent: true}, []step{{"the boss's own", true}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, workspacetest.Options{})
			u := b.insert(t, "anna@example.com")
			if err := give(b.api, boss, "the boss's own"); err != nil {
				t.Fatal(err)
			}
			b.SetPasswordPolicy(b.customer, tc.policy)
			for i, s := range tc.steps {
				err := give(b.api, u.Id, s.password)
				if !s.ok {
					refused(t, err, 400, "invalid")
					var e *googleapi.Error
					if errors.As(err, &e) && e.Message != "Invalid Password" {
						t.Errorf("step %d: %q", i, e.Message)
					}
				} else if err != nil {
					t.Errorf("step %d: %v", i, err)
				}
				if got := b.PasswordIs(u.Id, secret.New(s.password)); !got && s.ok {
					t.Errorf("step %d: the password is not set", i)
				}
			}
			// Of a hash nobody sees how long the password is, or whose it was.
			hash := &admin.User{Password: "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", HashFunction: "SHA-1"}
			for range 2 {
				if _, err := b.api.Users.Update(u.Id, hash).Do(); err != nil {
					t.Errorf("a hash: %v", err)
				}
			}
			in := newUser("new@example.com")
			in.Password = short
			_, err := b.api.Users.Insert(in).Do()
			if tooShort := tc.policy.MinLength > len(short); tooShort {
				refused(t, err, 400, "invalid")
			} else if err != nil {
				t.Errorf("a new user: %v", err)
			}
		})
	}
}

// TestPasswordRefusals are those that a push meets for reasons of the user's.
func TestPasswordRefusals(t *testing.T) {
	t.Parallel()
	const password = "first password"
	for name, tc := range map[string]struct {
		unsettled []googletest.Error
		prepare   func(t *testing.T, b *bench, user string) *admin.Service
		status    int
		reason    string
	}{
		"deleted": {nil, func(_ *testing.T, b *bench, user string) *admin.Service { b.Remove(user); return b.api }, 412, "conditionNotMet"},
		"unknown": {nil, func(_ *testing.T, b *bench, user string) *admin.Service {
			b.Remove(user)
			b.clock.Advance(21 * 24 * time.Hour)
			return b.api
		}, 404, "notFound"},
		"young": {[]googletest.Error{{Status: 404, Message: "Resource Not Found: userKey"}}, func(_ *testing.T, b *bench, user string) *admin.Service {
			b.Young(user, b.clock.Now().Add(time.Minute))
			return b.api
		}, 404, "notFound"},
		"not ready": {[]googletest.Error{{Status: 412, Message: "User creation is not complete"}}, func(_ *testing.T, b *bench, user string) *admin.Service {
			b.Young(user, b.clock.Now().Add(time.Minute))
			return b.api
		}, 412, "conditionNotMet"},
		"an administrator of higher rank": {nil, func(t *testing.T, b *bench, user string) *admin.Service {
			t.Helper()
			if err := b.Edit(user, func(u *workspacetest.User) { u.Admin = true }); err != nil {
				t.Fatal(err)
			}
			const clerk = "clerk@example.com"
			if _, err := b.AddUser(workspacetest.User{PrimaryEmail: clerk, GivenName: "Cleo", FamilyName: "Clerk", DelegatedAdmin: true}); err != nil {
				t.Fatal(err)
			}
			b.Tokens.SetSubject(clerk, googletest.SubjectActive)
			return b.apiOf(t, clerk, admin.AdminDirectoryUserScope)
		}, 403, "forbidden"},
		"with the right to read": {nil, func(t *testing.T, b *bench, _ string) *admin.Service {
			t.Helper()
			return b.apiOf(t, boss, admin.AdminDirectoryUserReadonlyScope)
		}, 403, "insufficientPermissions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, workspacetest.Options{Unsettled: tc.unsettled})
			id, err := b.AddUser(workspacetest.User{PrimaryEmail: "anna@example.com", GivenName: "Anna", FamilyName: "Example"})
			if err != nil {
				t.Fatal(err)
			}
			api := tc.prepare(t, b, id)
			for range 2 {
				refused(t, give(api, id, password), tc.status, tc.reason)
			}
			if n := len(b.PasswordSets(id)); n != 0 {
				t.Errorf("the password was set %d times", n)
			}
			if tc.unsettled != nil {
				b.clock.Advance(time.Minute)
				if err := give(api, id, password); err != nil || len(b.PasswordSets(id)) != 1 {
					t.Errorf("when the user is there: %v", err)
				}
				b.Young(id, b.clock.Now().Add(time.Minute))
				b.Young(id, b.clock.Now())
				if _, err := api.Users.Get(id).Do(); err != nil {
					t.Errorf("when it was ended: %v", err)
				}
			}
		})
	}
}
