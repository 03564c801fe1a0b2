package ldap

import (
	"context"
	"errors"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/person"
)

// Report is what Test found.
type Report struct {
	// Vendor and Version are what the server says of itself, empty where it does
	// not.
	Vendor, Version string
	// Controls are the object identifiers of the controls offered that matter
	// here, sorted; ControlName names them.
	Controls []string
	// Incremental is the way that changes will be read, and Why says why.
	Incremental directory.Incremental
	Why         string
	// Sample are up to 5 people, without hashes.
	Sample []person.Entry
	// Problems are those of the people counted, 20 at most.
	Problems []Problem
	// People is how many were counted, and Unidentified how many beside them have
	// no id. More says that counting stopped at CountLimit.
	People, Unidentified int
	More                 bool
}

// Bounds of a Report.
const (
	// CountLimit is how many entries Test counts at least before it stops.
	CountLimit   = 2000
	sampleSize   = 5
	problemLimit = 20
)

var controlNames = map[string]string{
	goldap.ControlTypePaging:               "paged results",
	goldap.ControlTypeSyncRequest:          "sync (RFC 4533)",
	goldap.ControlTypeDirSync:              "DirSync",
	goldap.ControlTypeMicrosoftShowDeleted: "show deleted",
	domainScope:                            "domain scope",
}

// ControlName returns what people call a control of Report.Controls.
func ControlName(oid string) string { return controlNames[oid] }

var errEnough = errors.New("enough")

// Test connects, binds and reads the beginning of the directory, as Walk would,
// and says what it found. It changes nothing.
func (c *Client) Test(ctx context.Context) (Report, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return Report{}, err
	}
	defer conn.close()
	srv, err := conn.server()
	if err != nil {
		return Report{}, err
	}
	r := Report{Vendor: srv.vendor, Version: srv.version}
	for oid := range controlNames {
		if srv.offers(oid) {
			r.Controls = append(r.Controls, oid)
		}
	}
	slices.Sort(r.Controls)
	if r.Incremental, r.Why, err = c.choose(srv); err != nil {
		return r, err
	}
	if err := c.baseIsThere(conn); err != nil {
		return r, err
	}
	err = c.paged(conn, c.people(c.scope.filter), func(p Page) error {
		r.add(p)
		if r.People+r.Unidentified >= CountLimit {
			r.More = true
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return r, err
}

func (r *Report) add(p Page) {
	r.People += len(p.Entries)
	r.Unidentified += p.Unidentified
	for _, e := range p.Entries[:min(len(p.Entries), sampleSize-len(r.Sample))] {
		e.Hash = ""
		r.Sample = append(r.Sample, e)
	}
	r.Problems = append(r.Problems, p.Problems[:min(len(p.Problems), problemLimit-len(r.Problems))]...)
}
