package play

import (
	"context"

	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// Signup is a begun sign-up of an enterprise.
type Signup struct {
	// URL is where the administrator goes; Google does not let it be framed.
	URL string
	// CompletionToken is needed to complete the sign-up.
	CompletionToken secret.Value
}

// StartSignup begins the sign-up of an enterprise
// (Enterprises.generateSignupUrl). Google sends the administrator back to
// callbackURL with the parameter enterpriseToken.
func (c *Client) StartSignup(ctx context.Context, callbackURL string) (Signup, error) {
	if err := required("callbackURL", callbackURL); err != nil {
		return Signup{}, err
	}
	var out Signup
	err := c.do(ctx, serviceAccount, "enterprises.generateSignupUrl", true,
		func(ctx context.Context, api *androidenterprise.Service) error {
			got, err := api.Enterprises.GenerateSignupUrl().CallbackUrl(callbackURL).Context(ctx).Do()
			if err != nil {
				return err
			}
			out = Signup{URL: got.Url, CompletionToken: secret.New(got.CompletionToken)}
			return nil
		})
	return out, err
}

// CompleteSignup binds the enterprise to this EMM (Enterprises.completeSignup).
// Google forbids a second call with the same enterpriseToken, so it is not
// repeated once Google may have seen it.
func (c *Client) CompleteSignup(ctx context.Context, completionToken, enterpriseToken secret.Value) (Enterprise, error) {
	if err := required("completionToken", completionToken.Reveal(), "enterpriseToken", enterpriseToken.Reveal()); err != nil {
		return Enterprise{}, err
	}
	var out Enterprise
	err := c.do(ctx, serviceAccount, "enterprises.completeSignup", false,
		func(ctx context.Context, api *androidenterprise.Service) error {
			got, err := api.Enterprises.CompleteSignup().CompletionToken(completionToken.Reveal()).
				EnterpriseToken(enterpriseToken.Reveal()).Context(ctx).Do()
			if err != nil {
				return err
			}
			out = enterpriseOf(got)
			return nil
		})
	return out, err
}

// BindServiceAccount lets the service account act for the enterprise
// (Enterprises.setAccount), the last step of a sign-up. It may be repeated.
func (c *Client) BindServiceAccount(ctx context.Context, playEnterprise, email string) error {
	if err := required("playEnterprise", playEnterprise, "email", email); err != nil {
		return err
	}
	err := c.do(ctx, playEnterprise, "enterprises.setAccount", true,
		func(ctx context.Context, api *androidenterprise.Service) error {
			_, err := api.Enterprises.SetAccount(playEnterprise, &androidenterprise.EnterpriseAccount{AccountEmail: email}).Context(ctx).Do()
			return err
		})
	return c.settleEnterprise(ctx, playEnterprise, err)
}
