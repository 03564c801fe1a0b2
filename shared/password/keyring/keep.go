package keyring

import (
	"bytes"
	"context"
	"slices"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Keeper is what Create and Rotate need of a secret.Versions.
type Keeper interface {
	Newest(ctx context.Context, name string) (secret.Value, secret.Version, error)
	Replace(ctx context.Context, name string, base secret.Version, v secret.Value) (secret.Version, []secret.Value, error)
}

// rounds bounds how often a key set is stored anew because others store theirs.
const rounds = 50

// keep stores a key set that was made from the version base. Where others store
// theirs at the same time, it goes on until one key set holds the keys of all: what
// another process has sealed already must open.
func keep(ctx context.Context, store Keeper, name string, base secret.Version, h *keyset.Handle) error {
	want := insecurecleartextkeyset.KeysetMaterial(h)
	for range rounds {
		var out bytes.Buffer
		if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&out)); err != nil {
			return damaged(name)
		}
		_, covered, err := store.Replace(ctx, name, base, secret.NewBytes(out.Bytes()))
		changed := fault.ReasonOf(err) == secret.ReasonChanged
		switch {
		case changed && base == "":
			return exists(name)
		case err == nil && len(covered) == 0, err != nil && !changed:
			return err
		}
		for _, v := range covered {
			// What cannot be read opens nothing.
			if other, err := parse(name, v, nil); err == nil {
				want, _ = union(want, insecurecleartextkeyset.KeysetMaterial(other))
			}
		}
		v, newest, err := store.Newest(ctx, name)
		stored, err := parse(name, v, err)
		if err != nil {
			return err
		}
		next, lacked := union(insecurecleartextkeyset.KeysetMaterial(stored), want)
		if !lacked {
			return nil // others have taken in what is wanted
		}
		raw, err := proto.Marshal(next)
		if err != nil {
			return damaged(name)
		}
		base = newest
		if h, err = insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(raw))); err != nil {
			return damaged(name)
		}
	}
	return secret.Changed(name)
}

// union returns ks with the keys of want that it lacks, if there are any; the key
// that seals by want seals then, if it is among them.
func union(ks, want *tinkpb.Keyset) (all *tinkpb.Keyset, lacked bool) {
	all = &tinkpb.Keyset{PrimaryKeyId: ks.GetPrimaryKeyId(), Key: slices.Clone(ks.GetKey())}
	for _, k := range want.GetKey() {
		if slices.ContainsFunc(ks.GetKey(), func(has *tinkpb.Keyset_Key) bool { return has.GetKeyId() == k.GetKeyId() }) {
			continue
		}
		all.Key, lacked = append(all.Key, k), true
		if k.GetKeyId() == want.GetPrimaryKeyId() {
			all.PrimaryKeyId = k.GetKeyId()
		}
	}
	return all, lacked
}
