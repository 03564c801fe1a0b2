package firestore

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// classifyRead is classify for the read of one document.
func classifyRead(ctx context.Context, key store.Key, err error) error {
	if status.Code(err) == codes.NotFound {
		return fault.Wrap(err, fault.NotFound, "", "There is no such document in %q.", key.Kind)
	}
	return classify(ctx, err)
}

// classify makes a *fault.Error of what the client returned, by its status code
// alone; nil stays nil. It says what an operator must change where one must act.
func classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if over := ctx.Err(); over != nil {
		// The client reports the end of a context as a status, which hides it.
		return fault.Wrap(errors.Join(over, err), fault.Transient, "cancelled", "The call was given up before Firestore had answered.")
	}
	switch status.Code(err) {
	case codes.Aborted:
		return fault.Wrap(err, fault.Transient, "contention", "Other updates of the same documents came first, several times over.")
	case codes.ResourceExhausted:
		// A rate more often than a quota for the day; either renews itself.
		return fault.Wrap(err, fault.Transient, "store-quota", "Firestore's quota is used up for now; where that lasts, an operator must raise it.").After(30 * time.Second)
	case codes.NotFound:
		return fault.Wrap(err, fault.Permanent, "store-missing", "The Firestore database does not exist. Create it in native mode, or correct the project's and database's names.")
	case codes.PermissionDenied:
		return fault.Wrap(err, fault.Permanent, "store-permission", "The service account may not use Firestore. Grant it roles/datastore.user on the project, and enable the Firestore API.")
	case codes.Unauthenticated:
		return fault.Wrap(err, fault.Permanent, "store-credentials", "Firestore does not accept the credentials. Renew the application default credentials, or attach a service account.")
	case codes.InvalidArgument:
		return fault.Wrap(err, fault.Permanent, "store-refused", "Firestore refuses the request as invalid. Update Rollcall, and report the text in the log.")
	case codes.FailedPrecondition:
		return fault.Wrap(err, fault.Permanent, "store-index", "Firestore cannot answer this query. Apply the index exemptions of the infrastructure code, and check that the database is in native mode.")
	default:
		return fault.Wrap(err, fault.Transient, "store-unavailable", "Firestore did not answer.")
	}
}
