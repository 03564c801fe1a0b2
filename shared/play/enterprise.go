package play

import (
	"context"

	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// The types of enterprise (Enterprise.enterpriseType).
const (
	// TypePlayAccounts is an enterprise of managed Google Play accounts.
	TypePlayAccounts = "managedGooglePlayAccountsEnterprise"
	// TypeGoogleDomain is an enterprise on a managed Google domain.
	TypeGoogleDomain = "managedGoogleDomain"
)

// Enterprise is what Google says of an enterprise.
type Enterprise struct {
	ID   string
	Name string
	// Type is TypePlayAccounts, TypeGoogleDomain, or a word that Google added
	// since.
	Type string
	// PrimaryDomain is set for TypeGoogleDomain.
	PrimaryDomain string
	// Administrators are the e-mail addresses of those who signed up.
	Administrators []string
}

// Enterprise asks Google for an enterprise (Enterprises.get). One that is gone,
// or no longer bound to this EMM (403), is fault.NotFound with
// account.ReasonEnterpriseMissing; for the rest the contract of account.Provider
// holds.
func (c *Client) Enterprise(ctx context.Context, playEnterprise string) (Enterprise, error) {
	if err := required("playEnterprise", playEnterprise); err != nil {
		return Enterprise{}, err
	}
	var e Enterprise
	err := c.do(ctx, playEnterprise, "enterprises.get", true, func(ctx context.Context, api *androidenterprise.Service) error {
		got, err := api.Enterprises.Get(playEnterprise).Context(ctx).Do()
		if err != nil {
			return err
		}
		e = enterpriseOf(got)
		return nil
	})
	switch fault.ReasonOf(err) {
	case google.ReasonNotFound, google.ReasonForbidden:
		return Enterprise{}, fault.Wrap(err, fault.NotFound, account.ReasonEnterpriseMissing,
			"Google has no such enterprise, or no longer binds it to this service.")
	}
	return e, err
}

func enterpriseOf(g *androidenterprise.Enterprise) Enterprise {
	e := Enterprise{ID: g.Id, Name: g.Name, Type: g.EnterpriseType, PrimaryDomain: g.PrimaryDomain}
	for _, a := range g.Administrator {
		e.Administrators = append(e.Administrators, a.Email)
	}
	return e
}

// settleUser gives the refusal of a call about a user the reason that the
// contract of account.Provider demands. Google answers 404 for a missing user
// and for a missing enterprise alike, and 403 when the enterprise was unbound,
// so the enterprise itself is asked.
func (c *Client) settleUser(ctx context.Context, playEnterprise string, err error) error {
	switch fault.ReasonOf(err) {
	case google.ReasonNotFound:
		if _, eerr := c.Enterprise(ctx, playEnterprise); eerr != nil {
			return eerr
		}
		return fault.Wrap(err, fault.NotFound, account.ReasonUserMissing, "Google has no such account.")
	case google.ReasonForbidden:
		return c.settleEnterprise(ctx, playEnterprise, err)
	default:
		return err
	}
}

// settleEnterprise does the same for a call about the enterprise.
func (c *Client) settleEnterprise(ctx context.Context, playEnterprise string, err error) error {
	switch fault.ReasonOf(err) {
	case google.ReasonNotFound, google.ReasonForbidden:
	default:
		return err
	}
	if _, eerr := c.Enterprise(ctx, playEnterprise); eerr != nil {
		return eerr
	}
	if fault.ReasonOf(err) == google.ReasonNotFound {
		// The enterprise is there, so the refusal is a replica that lags.
		return fault.Wrap(err, fault.Transient, google.ReasonNotReady, "Google does not know the enterprise everywhere yet.")
	}
	return err
}
