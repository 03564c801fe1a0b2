package secretmanager

import (
	"context"
	"strconv"
	"strings"

	gsecret "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

var _ secret.Versions = (*Store)(nil)

// Newest implements secret.Versions. The value is in the cache from then on.
func (s *Store) Newest(ctx context.Context, name string) (secret.Value, secret.Version, error) {
	if err := begin(ctx, name); err != nil {
		return secret.Value{}, "", err
	}
	client, err := s.dial(ctx)
	if err != nil {
		return secret.Value{}, "", err
	}
	s.mu.Lock()
	change := s.changes[name]
	s.mu.Unlock()
	v, n, err := s.read(ctx, client, name, "latest")
	if err != nil {
		return secret.Value{}, "", err
	}
	s.remember(name, v, change)
	return v, version(n), nil
}

// Replace implements secret.Versions. AddSecretVersion takes no precondition, but
// numbers versions without a gap: the number that it gives tells whether another's
// came in between.
func (s *Store) Replace(ctx context.Context, name string, base secret.Version, v secret.Value) (secret.Version, []secret.Value, error) {
	if err := begin(ctx, name); err != nil {
		return "", nil, err
	}
	if err := secret.CheckValue(v); err != nil {
		return "", nil, err
	}
	client, err := s.dial(ctx)
	if err != nil {
		return "", nil, err
	}
	_, is, err := s.read(ctx, client, name, "latest")
	switch {
	case err != nil && fault.KindOf(err) != fault.NotFound:
		return "", nil, err
	case version(is) != base:
		return "", nil, secret.Changed(name)
	}
	n, err := s.add(ctx, client, name, v)
	if err != nil {
		return "", nil, err
	}
	covered, err := s.between(ctx, client, name, is, n)
	return version(n), covered, err
}

// between reads the versions after one and before another. One that was destroyed
// meanwhile holds nothing to take in.
func (s *Store) between(ctx context.Context, client *gsecret.Client, name string, after, before uint64) ([]secret.Value, error) {
	var covered []secret.Value
	for n := after + 1; n < before; n++ {
		v, _, err := s.read(ctx, client, name, strconv.FormatUint(n, 10))
		switch {
		case err == nil:
			covered = append(covered, v)
		case fault.KindOf(err) != fault.NotFound && fault.ReasonOf(err) != "secret-disabled":
			return nil, err
		}
	}
	return covered, nil
}

// Retire implements secret.Versions. Secret Manager keeps the version's number and
// destroys its value.
func (s *Store) Retire(ctx context.Context, name string, old secret.Version) error {
	if err := begin(ctx, name); err != nil {
		return err
	}
	if old == "" {
		return nil
	}
	client, err := s.dial(ctx)
	if err != nil {
		return err
	}
	_, is, err := s.read(ctx, client, name, "latest")
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return nil
	case err != nil:
		return err
	case version(is) == old:
		return fault.New(fault.Conflict, secret.ReasonChanged, "the secret %s has this version in use", name)
	}
	_, err = client.DestroySecretVersion(ctx, &secretmanagerpb.DestroySecretVersionRequest{Name: s.name(name) + "/versions/" + string(old)})
	if c := status.Code(err); c == codes.NotFound || c == codes.FailedPrecondition {
		return nil // it is destroyed already
	}
	return classify(err, "destroy an old version of the secret "+name, "the permission secretmanager.versions.destroy")
}

// version returns the Version of a number, zero for that of no version.
func version(n uint64) secret.Version {
	if n == 0 {
		return ""
	}
	return secret.Version(strconv.FormatUint(n, 10))
}

// numberOf returns the number at the end of a version's name.
func numberOf(name string) (uint64, error) {
	n, err := strconv.ParseUint(name[strings.LastIndexByte(name, '/')+1:], 10, 64)
	if err != nil || n == 0 {
		return 0, fault.New(fault.Permanent, "secretmanager-refused", "Secret Manager does not tell the number of a secret's version")
	}
	return n, nil
}
