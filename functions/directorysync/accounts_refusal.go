package directorysync

import (
	"errors"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// standing is a word of Person.Problems as an error: what stands in the way of one
// step for one person, and of nothing else.
type standing string

func (s standing) Error() string { return string(s) }

// problemOf returns the word for a failure that time does not mend and that
// concerns this person alone; empty for every other.
func problemOf(err error) string {
	var s standing
	if errors.As(err, &s) {
		return string(s)
	}
	switch fault.ReasonOf(err) {
	case workspace.ReasonExists:
		return directory.ProblemAddressTaken
	case workspace.ReasonAddress, workspace.ReasonDomain:
		return directory.ProblemAddress
	case workspace.ReasonName:
		return directory.ProblemName
	case workspace.ReasonOrgUnit:
		return directory.ProblemOrgUnit
	case workspace.ReasonAdministrator:
		return directory.ProblemAdministrator
	case workspace.ReasonPassword, ldap.ReasonHashUnsupported:
		return directory.ProblemHash
	case google.ReasonLimitExceeded:
		return directory.ProblemLimit
	case google.ReasonInvalid, google.ReasonDuplicate:
		return directory.ProblemRefused
	}
	return fieldProblem(err)
}

// fieldProblem is problemOf what is not even sent.
func fieldProblem(err error) string {
	f := fault.As(err)
	switch {
	case f == nil || f.Kind != fault.Invalid:
		return ""
	case f.Field == "primaryEmail":
		return directory.ProblemAddress
	case strings.HasPrefix(f.Field, "name."):
		return directory.ProblemName
	case f.Field == "orgUnitPath":
		return directory.ProblemOrgUnit
	case f.Field == "password", f.Field == "hashFunction":
		return directory.ProblemHash
	}
	return ""
}
