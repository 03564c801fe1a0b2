package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// mailClientView is a mail client with what to tell of it.
type mailClientView struct {
	mailclient.Client
	// Mailboxes counts allow.mailboxes, which listings leave out.
	Mailboxes int `json:"mailboxes"`
	// Changed is of replies to changes: the client is another than it was.
	Changed *bool `json:"changed,omitempty"`
}

func viewMailClient(c mailclient.Client) mailClientView {
	return mailClientView{Client: c, Mailboxes: len(c.Allow.Mailboxes)}
}

// maxMailClient bounds a body: a list of 10,000 mailboxes fits.
const maxMailClient = 1 << 20

// clientsPage is how many mail clients are read at once: each may have a long list.
const clientsPage = 20

// mailClient returns the mail client that the path names, of the enterprise that it
// names.
func (o *Office) mailClient(r *request, enterprise string) (mailclient.Client, error) {
	id, err := r.id("mail client")
	if err != nil {
		return mailclient.Client{}, err
	}
	c, err := o.DB.MailClient(r.Context(), id)
	if fault.KindOf(err) == fault.NotFound || err == nil && c.Enterprise != enterprise {
		return c, noMailClient(enterprise, id)
	}
	return c, err
}

// ownMailClient is mailClient within a transaction: between the two another may have
// removed it, and another enterprise registered its key.
func ownMailClient(tx *record.Tx, enterprise, id string) (mailclient.Client, error) {
	c, err := tx.MailClient(id)
	if fault.KindOf(err) == fault.NotFound || err == nil && c.Enterprise != enterprise {
		return c, noMailClient(enterprise, id)
	}
	return c, err
}

func noMailClient(enterprise, id string) error {
	return fault.New(fault.NotFound, "not-found", "the enterprise %q has no mail client %q", enterprise, id)
}

func (o *Office) listMailClients(r *request) error {
	p, err := r.page()
	if err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	clients, next, err := o.mailClients(r.Context(), e.ID, p)
	if err != nil {
		return err
	}
	out := page[mailClientView]{Items: []mailClientView{}, Next: next}
	for _, c := range clients {
		v := viewMailClient(c)
		v.Allow.Mailboxes = nil
		out.Items = append(out.Items, v)
	}
	return answer(r, out)
}

// mailClients reads a page of an enterprise's mail clients, of few at once.
func (o *Office) mailClients(ctx context.Context, enterprise string, p record.Page) ([]mailclient.Client, string, error) {
	p.Limit = min(p.Limit, clientsPage)
	return o.DB.MailClients(ctx, enterprise, p)
}

func (o *Office) showMailClient(r *request) error {
	if err := r.accept(); err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	c, err := o.mailClient(r, e.ID)
	if err != nil {
		return err
	}
	return answer(r, viewMailClient(c))
}

// createMailClient registers a mail client. A key, and a service account, is one mail
// client's in the whole installation.
func (o *Office) createMailClient(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	raw, err := api.ReadJSON(r.w, r.Request, maxMailClient)
	if err != nil {
		return err
	}
	var body newMailClient
	if err := api.Decode(raw, &body); err != nil {
		return err
	}
	c, err := body.client(e.ID)
	if err != nil {
		return err
	}
	c.CreatedAt, c.UpdatedAt, c.UpdatedBy = o.Now().UTC(), o.Now().UTC(), r.actor
	err = o.DB.Update(r.Context(), func(tx *record.Tx) error {
		other, err := tx.MailClient(c.ID)
		switch {
		case err == nil && other.Enterprise == e.ID:
			return fault.New(fault.Conflict, "mail-client-exists", "this is the key or service account of the mail client %s (%s) already; change that one, or give another key", other.ID, other.Name)
		case err == nil:
			return fault.New(fault.Conflict, "mail-client-exists", "this is the key or service account of another enterprise's mail client; give another key")
		case fault.KindOf(err) != fault.NotFound:
			return err
		}
		if err := tx.PutMailClient(c); err != nil {
			return err
		}
		return tx.Audit(o.note(r, e.ID, "mail-client.create", "mail-client:"+c.ID, told(c)))
	})
	if err != nil {
		return err
	}
	return api.WriteJSON(r.w, http.StatusCreated, viewMailClient(c))
}

// changeMailClient replaces what a mail client is called and may do. Who it is stays:
// another key is another mail client. What changes nothing is not stored.
func (o *Office) changeMailClient(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	raw, err := api.ReadJSON(r.w, r.Request, maxMailClient)
	if err != nil {
		return err
	}
	var body changedMailClient
	if err := api.Decode(raw, &body); err != nil {
		return err
	}
	if _, err := o.mailClient(r, e.ID); err != nil {
		return err
	}
	id := r.PathValue("id")
	var saved mailclient.Client
	var changed bool
	err = o.DB.Update(r.Context(), func(tx *record.Tx) error {
		old, err := ownMailClient(tx, e.ID, id)
		if err != nil {
			return err
		}
		saved, err = body.over(old)
		if err != nil {
			return err
		}
		if changed = !same(saved, old); !changed {
			return nil
		}
		saved.UpdatedAt, saved.UpdatedBy = o.Now().UTC(), r.actor
		if err := tx.PutMailClient(saved); err != nil {
			return err
		}
		return tx.Audit(o.note(r, e.ID, "mail-client.change", "mail-client:"+id, told(saved)))
	})
	if err != nil {
		return err
	}
	v := viewMailClient(saved)
	v.Changed = &changed
	return answer(r, v)
}

// removeMailClient forgets a mail client. It gets no more tokens from then on, but for
// half a minute in which the function mailtoken may remember it.
func (o *Office) removeMailClient(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	c, err := o.mailClient(r, e.ID)
	if err != nil {
		return err
	}
	err = o.DB.Update(r.Context(), func(tx *record.Tx) error {
		c, err := ownMailClient(tx, e.ID, c.ID)
		if err != nil {
			return err
		}
		if err := tx.DeleteMailClient(c.ID); err != nil {
			return err
		}
		return tx.Audit(o.note(r, e.ID, "mail-client.remove", "mail-client:"+c.ID, told(c)))
	})
	if err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

// told is what the trail says of a mail client: what it may do, and nobody's address.
func told(c mailclient.Client) string {
	return fmt.Sprintf("%s, scope %s, for %d mailboxes, %d labels, %d domains", c.State, c.Scope, len(c.Allow.Mailboxes), len(c.Allow.Labels), len(c.Allow.Domains))
}

// changedAt refuses a change of a mail client that is another by now than the one that
// was read.
func changedAt(given time.Time, old mailclient.Client) error {
	if given.IsZero() || given.Equal(old.UpdatedAt) {
		return nil
	}
	return fault.New(fault.Conflict, "mail-client-changed",
		"the mail client was changed by %s at %s; read it again, or leave the member updatedAt out to replace it", old.UpdatedBy, old.UpdatedAt.Format(time.RFC3339))
}
