package play_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// The reasons that account.Provider demands, for every call.
func TestMissing(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *bench, string) error{
		"insert": func(ctx context.Context, b *bench, _ string) error { _, err := b.Insert(ctx, b.ent, spec); return err },
		"mint": func(ctx context.Context, b *bench, id string) error {
			_, err := b.MintToken(ctx, b.ent, id)
			return err
		},
		"lookup": func(ctx context.Context, b *bench, id string) error { _, err := b.Lookup(ctx, b.ent, id); return err },
		"rename": func(ctx context.Context, b *bench, id string) error { return b.Rename(ctx, b.ent, id, "x") },
		"revoke": func(ctx context.Context, b *bench, id string) error { return b.RevokeDeviceAccess(ctx, b.ent, id) },
		"delete": func(ctx context.Context, b *bench, id string) error { return b.Delete(ctx, b.ent, id) },
	}
	for _, tc := range []struct {
		name   string
		cause  func(b *bench, id string)
		kind   fault.Kind
		reason string
		works  string // the calls for which it is no failure
	}{
		{"user deleted", func(b *bench, id string) { b.sim.DeleteUser(b.ent, id) },
			fault.NotFound, account.ReasonUserMissing, "insert delete"},
		{"enterprise deleted", func(b *bench, _ string) { b.sim.DeleteEnterprise(b.ent) },
			fault.NotFound, account.ReasonEnterpriseMissing, ""},
		{"not bound", func(b *bench, _ string) { b.ent = b.sim.AddEnterprise("Other") },
			fault.NotFound, account.ReasonEnterpriseMissing, ""},
		{"nobody knows", func(b *bench, id string) {
			b.sim.DeleteUser(b.ent, id)
			b.sim.Faults.Add(googletest.Script{Method: getMethod, Mode: googletest.Refuse})
		}, fault.Transient, google.ReasonBackend, "insert"},
	} {
		for name, call := range calls {
			t.Run(tc.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				id := b.insert(t)
				tc.cause(b, id)
				err := call(t.Context(), b, id)
				if strings.Contains(tc.works, name) {
					if err != nil {
						t.Error(err)
					}
					return
				}
				want(t, err, tc.kind, tc.reason)
			})
		}
	}
}

func TestForbiddenForOneUserIsPermanent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, err := b.sim.AddGoogleUser(b.ent, "someone@example.com")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.MintToken(t.Context(), b.ent, id)
	want(t, err, fault.Permanent, google.ReasonForbidden)
}
