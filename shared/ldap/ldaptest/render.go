package ldaptest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/jimlambrt/gldap"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// render gives an entry the attributes that were asked for.
func (t *tree) render(n *node, asked []string) rendered {
	out := rendered{dn: n.dn}
	names := asked
	if len(asked) == 0 || slices.Contains(asked, "*") || slices.Contains(asked, "+") {
		names = t.expand(n, asked)
	}
	for _, name := range names {
		if name == "1.1" || t.schema == directory.ActiveDirectory && strings.EqualFold(name, "userPassword") {
			continue
		}
		if canonical, v := t.values(n, name); len(v) > 0 {
			out.attributes = append(out.attributes, values{canonical, v})
		}
	}
	return out
}

// expand replaces * and + by the attributes that they stand for.
func (t *tree) expand(n *node, asked []string) []string {
	user := len(asked) == 0 || slices.Contains(asked, "*")
	operational := slices.Contains(asked, "+")
	var out []string
	for _, a := range asked {
		if a != "*" && a != "+" {
			out = append(out, a)
		}
	}
	for _, name := range n.names() {
		hidden := t.schema != directory.ActiveDirectory && slices.Contains(storedOperational, strings.ToLower(name))
		if hidden && operational || !hidden && user {
			out = append(out, name)
		}
	}
	for _, c := range t.computed {
		if c.operational && operational || !c.operational && user {
			out = append(out, c.name)
		}
	}
	slices.Sort(out)
	return slices.CompactFunc(out, strings.EqualFold)
}

// rootDSE is what the server says of itself (RFC 4512, 5.1).
func (s *Server) rootDSE() answer {
	base := s.opt.BaseDN
	say := func(name string, v ...string) values { return values{name, v} }
	e := rendered{attributes: []values{
		say("namingContexts", base), say("currentTime", s.opt.Now().UTC().Format("20060102150405.0Z")),
	}}
	controls := []string{gldap.ControlTypePaging}
	switch s.opt.Schema {
	case directory.ActiveDirectory:
		controls = append(controls, ldap.ControlTypeDirSync, gldap.ControlTypeMicrosoftShowDeleted, "1.2.840.113556.1.4.1339")
		s.tree.mu.Lock()
		usn := s.tree.usn
		s.tree.mu.Unlock()
		e.attributes = append(e.attributes, say("defaultNamingContext", base), say("dsServiceName", settings+","+base),
			say("highestCommittedUSN", strconv.FormatInt(usn, 10)), say("forestFunctionality", "7"))
	case directory.DirectoryServer:
		e.attributes = append(e.attributes, say("vendorName", "389 Project"), say("vendorVersion", "389-Directory/simulated"))
	default:
		e.attributes = append(e.attributes, say("structuralObjectClass", "OpenLDAProotDSE"))
	}
	e.attributes = append(e.attributes, say("supportedControl", controls...))
	return answer{entries: []rendered{e}}
}
