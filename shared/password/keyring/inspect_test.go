package keyring_test

import (
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	s := &store{values: map[string]secret.Value{}}
	if got, err := keyring.Keys(t.Context(), s, name); err != nil || len(got) != 0 {
		t.Errorf("without a key set: %v, %v", got, err)
	}
	if err := keyring.Create(t.Context(), s, name); err != nil {
		t.Fatal(err)
	}
	first, err := keyring.Keys(t.Context(), s, name)
	if err != nil || len(first) != 1 || !first[0].Primary || !first[0].Enabled {
		t.Fatalf("after it was made: %+v, %v", first, err)
	}
	if err := keyring.Rotate(t.Context(), s, name); err != nil {
		t.Fatal(err)
	}
	got, err := keyring.Keys(t.Context(), s, name)
	if err != nil || len(got) != 2 || got[0].ID != first[0].ID || got[0].Primary || !got[0].Enabled || !got[1].Primary {
		t.Errorf("after a rotation: %+v, %v", got, err)
	}
	s.values[name] = secret.New("{}")
	if _, err := keyring.Keys(t.Context(), s, name); fault.ReasonOf(err) != password.ReasonKeyDamaged {
		t.Errorf("damaged: %v", err)
	}
	s.fails = fault.New(fault.Transient, "down", "down")
	if _, err := keyring.Keys(t.Context(), s, name); fault.ReasonOf(err) != "down" {
		t.Errorf("the store is down: %v", err)
	}
}
