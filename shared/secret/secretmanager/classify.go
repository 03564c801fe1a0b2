package secretmanager

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// classify turns gRPC's codes into kinds of fault; role is what the service
// account lacks if Google refuses.
func classify(err error, doing, role string) error {
	if err == nil {
		return nil
	}
	code := status.Code(err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		code = codes.DeadlineExceeded
	}
	switch code {
	case codes.Canceled, codes.DeadlineExceeded:
		return fault.Wrap(err, fault.Transient, "cancelled", "cannot %s: the call was cancelled or took too long", doing)
	case codes.PermissionDenied:
		return fault.Wrap(err, fault.Permanent, "secretmanager-permission",
			"cannot %s: grant %s to the service account, and check that the Secret Manager API is enabled", doing, role)
	case codes.Unauthenticated:
		return fault.Wrap(err, fault.Permanent, "secretmanager-credentials", "cannot %s: Google does not accept the credentials", doing)
	case codes.NotFound:
		return fault.Wrap(err, fault.Transient, "secret-gone", "cannot %s: it was deleted meanwhile", doing)
	case codes.FailedPrecondition:
		return fault.Wrap(err, fault.Permanent, "secret-disabled", "cannot %s: its newest version is disabled or destroyed; enable it or put the secret again", doing)
	case codes.InvalidArgument, codes.Unimplemented, codes.OutOfRange:
		return fault.Wrap(err, fault.Permanent, "secretmanager-refused", "cannot %s: Secret Manager refuses the call", doing)
	case codes.ResourceExhausted:
		return fault.Wrap(err, fault.Exhausted, "secretmanager-quota", "cannot %s: a Secret Manager quota is used up", doing)
	default:
		return fault.Wrap(err, fault.Transient, "secretmanager", "cannot %s: Secret Manager is out of reach for the moment", doing)
	}
}
