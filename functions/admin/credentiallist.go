package admin

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/setup/tokens"
)

// credentialItem is how one credential stands.
type credentialItem struct {
	// Enterprise is empty for the Play key.
	Enterprise string `json:"enterprise,omitempty"`
	Set        bool   `json:"set"`
	// Credential is what may be seen of it; Problem says why nothing can.
	Credential *credential.View `json:"credential,omitzero"`
	Problem    string           `json:"problem,omitempty"`
}

// credentialPage is a page of enterprises' credentials, and the Play key.
type credentialPage struct {
	page[credentialItem]
	Play credentialItem `json:"play"`
}

// listCredentials tells of every enterprise's credential, also of those that have
// none. One that cannot be read is told as such, and the rest goes on.
func (o *Office) listCredentials(r *request) error {
	p, err := r.page()
	if err != nil {
		return err
	}
	enterprises, next, err := o.DB.Enterprises(r.Context(), p)
	if err != nil {
		return err
	}
	out := credentialPage{page: page[credentialItem]{Items: make([]credentialItem, len(enterprises)), Next: next}}
	var g errgroup.Group
	g.SetLimit(8)
	for i, e := range enterprises {
		g.Go(func() error {
			out.Items[i] = o.credentialItem(r.Context(), directory.KeySecret(e.ID))
			out.Items[i].Enterprise = e.ID
			return nil
		})
	}
	out.Play = o.credentialItem(r.Context(), tokens.PlayKey)
	_ = g.Wait() // each tells its own trouble
	return answer(r, out)
}

func (o *Office) credentialItem(ctx context.Context, name string) credentialItem {
	v, err := o.Secrets.Access(ctx, name)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return credentialItem{}
	case err != nil:
		return credentialItem{Problem: publicOf(err)}
	}
	c, err := credential.Read(v, o.accepted())
	if err != nil {
		return credentialItem{Set: true, Problem: publicOf(unusable(err))}
	}
	return credentialItem{Set: true, Credential: &c.View}
}
