package record

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// MailClient returns a mail client by id; see mailclient.KeyID and AccountID.
func (db *DB) MailClient(ctx context.Context, id string) (mailclient.Client, error) {
	return fetch[mailclient.Client](ctx, db, MailClients, id)
}

// MailClients lists an enterprise's mail clients, the revoked ones too.
func (db *DB) MailClients(ctx context.Context, ent string, p Page) ([]mailclient.Client, string, error) {
	return list[mailclient.Client](ctx, db, store.Equal(MailClients, byEnterprise, ent, 0), p)
}

// MailClient returns a mail client by id.
func (tx *Tx) MailClient(id string) (mailclient.Client, error) {
	return get[mailclient.Client](tx, MailClients, id)
}

// PutMailClient stores a mail client.
func (tx *Tx) PutMailClient(c mailclient.Client) error {
	return put(tx, MailClients, c.ID, c, map[string]string{byEnterprise: c.Enterprise})
}

// DeleteMailClient removes a mail client; a missing one is no error.
func (tx *Tx) DeleteMailClient(id string) error {
	return tx.txn.Delete(store.Key{Kind: MailClients, ID: id})
}
