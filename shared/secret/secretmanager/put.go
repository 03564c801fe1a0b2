package secretmanager

import (
	"context"

	gsecret "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Put implements secret.Store. A new name is replicated automatically.
func (s *Store) Put(ctx context.Context, name string, v secret.Value) error {
	if err := begin(ctx, name); err != nil {
		return err
	}
	if err := secret.CheckValue(v); err != nil {
		return err
	}
	client, err := s.dial(ctx)
	if err != nil {
		return err
	}
	_, err = s.add(ctx, client, name, v)
	return err
}

// add adds a version, of a new secret if need be, and returns its number.
func (s *Store) add(ctx context.Context, client *gsecret.Client, name string, v secret.Value) (uint64, error) {
	defer s.changed(name)
	n, err := s.addVersion(ctx, client, name, v)
	if status.Code(err) != codes.NotFound {
		return n, classify(err, "put the secret "+name, "roles/secretmanager.secretVersionAdder")
	}
	_, err = client.CreateSecret(ctx, &secretmanagerpb.CreateSecretRequest{
		Parent: "projects/" + s.project, SecretId: name,
		Secret: &secretmanagerpb.Secret{Replication: &secretmanagerpb.Replication{
			Replication: &secretmanagerpb.Replication_Automatic_{Automatic: &secretmanagerpb.Replication_Automatic{}},
		}},
	})
	// Another process may have been faster; its secret serves as well.
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return 0, classify(err, "create the secret "+name, "roles/secretmanager.admin")
	}
	n, err = s.addVersion(ctx, client, name, v)
	return n, classify(err, "put the secret "+name, "roles/secretmanager.secretVersionAdder")
}

func (s *Store) addVersion(ctx context.Context, client *gsecret.Client, name string, v secret.Value) (uint64, error) {
	data := v.Bytes()
	sum := checksum(data)
	added, err := client.AddSecretVersion(ctx, &secretmanagerpb.AddSecretVersionRequest{
		Parent: s.name(name), Payload: &secretmanagerpb.SecretPayload{Data: data, DataCrc32C: &sum},
	})
	if err != nil {
		return 0, err
	}
	return numberOf(added.GetName())
}

// Delete implements secret.Store.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := begin(ctx, name); err != nil {
		return err
	}
	client, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer s.changed(name)
	err = client.DeleteSecret(ctx, &secretmanagerpb.DeleteSecretRequest{Name: s.name(name)})
	if status.Code(err) == codes.NotFound {
		return nil
	}
	return classify(err, "delete the secret "+name, "roles/secretmanager.admin")
}
