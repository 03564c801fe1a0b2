package secret

import (
	"context"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// ReasonChanged (fault.Conflict): the value is no longer the one that a change was
// made from.
const ReasonChanged = "secret-changed"

// Version tells apart the values that a name has had. It is compared with ==, says
// nothing of the value, and means something to stores of the same place alone. The
// zero Version is that of a name without a value.
type Version string

// Versions is a Store for changes that are made from the value there is: of several
// who change one value at once, no one writes over what another stored unseen.
type Versions interface {
	Store
	// Newest is Access past every cache, and tells which version the value is.
	Newest(ctx context.Context, name string) (Value, Version, error)
	// Replace is Put for a value made from the version base, zero where the name had
	// none. Where another is the newest by then, it is fault.Conflict with
	// ReasonChanged, and nothing is stored. Otherwise v is the newest value, and a
	// version of its own.
	//
	// A backend that cannot compare and set finds out only afterwards that another
	// was stored in the same moment. Then v is the newest all the same, and covered
	// holds what others stored after base and v lacks, oldest first, so that the
	// caller can take it in. Of two who replace one base at once, the second is
	// refused or told of the first.
	Replace(ctx context.Context, name string, base Version, v Value) (newest Version, covered []Value, err error)
	// Retire destroys one version that is not the newest; one that is gone already
	// is no error. The newest one is fault.Conflict.
	Retire(ctx context.Context, name string, old Version) error
}

// Changed is the fault of Replace for a name whose newest value is another by now.
func Changed(name string) error {
	return fault.New(fault.Conflict, ReasonChanged, "the secret %s was changed by somebody else meanwhile; look at it, then try again", name)
}
