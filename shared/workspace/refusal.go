package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	admin "google.golang.org/api/admin/directory/v1"
	"google.golang.org/api/googleapi"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// refusal gives those refusals their reason that only the Directory API makes;
// google.Classify decides on the rest. Messages are compared with fixed words
// and never copied, for a server may echo the request in them.
func refusal(op operation, err error) error {
	var api *googleapi.Error
	if !errors.As(err, &api) {
		return err
	}
	message := strings.ToLower(api.Message)
	says := func(words string) bool { return strings.Contains(message, words) }
	wrap := func(k fault.Kind, reason, public string) error {
		return fault.Wrap(fmt.Errorf("HTTP %d", api.Code), k, reason, "%s", public)
	}
	switch api.Code {
	case http.StatusBadRequest:
		switch {
		case op.paged:
			// Google does not document the words. Where something else was wrong,
			// the first page of a new walk says so.
			return wrap(fault.Conflict, ReasonPageToken, "Google no longer takes the page token; begin anew.")
		case says("invalid password"):
			return wrap(fault.Permanent, ReasonPassword, "Google refuses this password; another one is needed.")
		case says("invalid given/family name"):
			return wrap(fault.Permanent, ReasonName, "Google refuses the given or family name.")
		case says("invalid_ou_id"):
			return wrap(fault.Permanent, ReasonOrgUnit, "Google has no such organizational unit.")
		case says("primary_user_email"):
			return wrap(fault.Permanent, ReasonAddress, "Google refuses this primary address.")
		case hasReason(api, "channelIdNotUnique"):
			return wrap(fault.Conflict, ReasonChannel, "The notification channel's id is in use.")
		}
	case http.StatusNotFound:
		switch {
		case !hasReason(api, "notFound"):
			// A proxy or a front end without the API; it knows nothing of users.
			return wrap(fault.Transient, google.ReasonBackend, "A server that is not the Directory API answered.")
		case says("not found: domain"), says("domain not found"), says("not found: customer"):
			return wrap(fault.Permanent, ReasonDomain, "The domain or customer is not one of this Google account.")
		}
	case http.StatusConflict:
		switch {
		case says("invalid given/family name"):
			return wrap(fault.Permanent, ReasonName, "Google refuses the given or family name.")
		case op.name == opInsert:
			return wrap(fault.Conflict, ReasonExists, "Google has a user with this address already.")
		case op.name == opUpdate:
			return wrap(fault.Conflict, google.ReasonDuplicate, "Google says that it has this already.")
		}
	case http.StatusPreconditionFailed:
		switch {
		case says("user is deleted"):
			return wrap(fault.NotFound, ReasonDeleted, "The Google user is deleted.")
		case says("undelete"):
			return wrap(fault.NotFound, ReasonNotRestorable, "Google has no such deleted user.")
		}
	}
	return err
}

func hasReason(e *googleapi.Error, word string) bool {
	for _, item := range e.Errors {
		if strings.EqualFold(item.Reason, word) {
			return true
		}
	}
	return false
}

// settle takes refusals of a user who was just created for what they are. A
// user who is deleted is deleted, however young.
func (c *Client) settle(k Key, err error) error {
	if err == nil || k.CreatedAt.IsZero() || c.opt.Now().Sub(k.CreatedAt) >= c.opt.Propagation {
		return err
	}
	var api *googleapi.Error
	precondition := errors.As(err, &api) && api.Code == http.StatusPreconditionFailed
	switch reason := fault.ReasonOf(google.Classify(err)); {
	case reason == google.ReasonNotFound, reason == google.ReasonForbidden, precondition:
		return fault.New(fault.Transient, google.ReasonNotReady, "Google is still creating the user.")
	default:
		return err
	}
}

// explain finds out what a 403 means, at the price of two reads: Google says
// "Not Authorized to access this resource/api" where the impersonated person may
// administer nobody, and where the user is a higher administrator.
func (c *Client) explain(ctx context.Context, k Key, err error) error {
	if fault.ReasonOf(err) != google.ReasonForbidden {
		return err
	}
	if k.ID != "" {
		if u, gerr := c.get(ctx, k); gerr == nil {
			if u.Admin == Yes || u.DelegatedAdmin == Yes {
				return fault.Wrap(err, fault.Permanent, ReasonAdministrator,
					"The user is an administrator whom this service may not change.")
			}
			return err
		}
	}
	var reply wirePage
	perr := c.do(ctx, c.users, operation{name: opList, idempotent: true}, &reply, func(ctx context.Context, api *admin.Service) error {
		_, err := api.Users.List().Customer(myCustomer).MaxResults(1).Fields("users(id)").Context(ctx).Do()
		return err
	})
	if fault.ReasonOf(perr) == google.ReasonForbidden {
		return fault.Wrap(err, fault.Transient, ReasonSubjectRights,
			"The administrator whom this service acts as may not administer users.").After(google.ConfigRecheck)
	}
	return err
}
