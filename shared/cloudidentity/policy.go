package cloudidentity

import (
	"context"
	"encoding/json"
	"strings"

	"google.golang.org/api/cloudidentity/v1"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// The settings, by Google's names for them without "settings/" before them
// (cloud.google.com/identity/docs/concepts/supported-policy-api-settings).
const (
	Password       = "security.password"
	LessSecureApps = "security.less_secure_apps"
	IMAPAccess     = "gmail.imap_access"
)

const (
	pageSize = 100 // Google's maximum
	// maxPages bounds a listing: an organisation may have a policy for each of its
	// units and groups.
	maxPages = 20
)

// Policy is one setting with those whom it applies to.
type Policy struct {
	// Setting is the setting's name, such as Password.
	Setting string
	// OrgUnit and Group are Google's ids of those whom the policy is for, as
	// "orgUnits/…" and "groups/…"; an empty Group is everybody in OrgUnit.
	OrgUnit, Group string
	// Licensed: the policy is only for people with certain licences.
	Licensed bool
	// System: the policy is Google's own default.
	System bool
	// Order decides between policies of one setting that apply to the same person:
	// the greatest holds.
	Order float64
	Value Value
}

// Policies lists the policies of the given settings, of every organizational unit
// and group, in no order. One that does not exist has its default, which Google does
// not list. It costs one call for each 100 policies.
//
// Its errors are those of a Caller. google.ReasonForbidden means that the person
// acted for is no super administrator.
func (c *Client) Policies(ctx context.Context, settings ...string) ([]Policy, error) {
	if c.opt.Enterprise == "" || c.opt.Token == nil || len(settings) == 0 {
		return nil, fault.Field("Options", "an enterprise, a token source and a setting are required")
	}
	var found []Policy
	token := ""
	for range maxPages {
		var page *cloudidentity.ListPoliciesResponse
		err := c.opt.Caller.Do(ctx, c.opt.Enterprise, "policies.list", true, func(ctx context.Context) error {
			api, err := c.service(ctx)
			if err != nil {
				return err
			}
			page, err = api.Policies.List().Filter(filter(settings)).PageSize(pageSize).PageToken(token).
				Fields("nextPageToken", "policies(policyQuery,setting,type)").Context(ctx).Do()
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, p := range page.Policies {
			if policy, ok := policyOf(p); ok {
				found = append(found, policy)
			}
		}
		if token = page.NextPageToken; token == "" {
			return found, nil
		}
	}
	return nil, fault.New(fault.Transient, google.ReasonBackend, "Google lists more policies than can be read.")
}

// filter is in Google's language: one clause on the type, for more than one were not
// always taken. The dots are in brackets, for Google's own pages disagree on how many
// backslashes a pattern needs.
func filter(settings []string) string {
	return "setting.type.matches('^settings/(" + strings.ReplaceAll(strings.Join(settings, "|"), ".", "[.]") + ")$')"
}

func policyOf(p *cloudidentity.Policy) (Policy, bool) {
	if p.Setting == nil || p.PolicyQuery == nil {
		return Policy{}, false
	}
	out := Policy{
		Setting: strings.TrimPrefix(p.Setting.Type, "settings/"),
		OrgUnit: p.PolicyQuery.OrgUnit, Group: p.PolicyQuery.Group,
		Licensed: strings.Contains(p.PolicyQuery.Query, "entity.licenses"),
		System:   p.Type == "SYSTEM", Order: p.PolicyQuery.SortOrder,
	}
	// What cannot be read has no fields: Google adds to settings without notice.
	_ = json.Unmarshal(p.Setting.Value, &out.Value)
	return out, true
}
