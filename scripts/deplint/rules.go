package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Package is one package of the module with what it imports.
type Package struct {
	Module      string   // the module's path
	Path        string   // relative to the module; "" is the root package
	Dir         string   // where its files are
	Imports     []string // import paths of its code
	TestImports []string // import paths of its tests
	Files       []string // its Go files, tests included, relative to Dir
}

// String returns the package's path as a reader looks for it.
func (p Package) String() string {
	if p.Path == "" {
		return "the root package"
	}
	return p.Path
}

// own returns an import's path relative to the module, and whether the imported
// package is the module's.
func (p Package) own(imported string) (string, bool) {
	if imported == p.Module {
		return "", true
	}
	return strings.CutPrefix(imported, p.Module+"/")
}

// domain lists the packages that hold the words and rules of Rollcall. What is
// not listed is an adapter: a new domain package is added here on purpose.
var domain = []string{
	"shared/account", "shared/audit", "shared/credential", "shared/device", "shared/directory", "shared/doctor", "shared/enrollment",
	"shared/enterprise", "shared/event", "shared/fault", "shared/mail", "shared/mailclient", "shared/password", "shared/pattern", "shared/person", "shared/protocol", "shared/replay",
	"shared/secret", "shared/signin", "shared/token", "shared/workflow",
}

// agentNeeds lists what the device agent may share with the server.
var agentNeeds = []string{"shared/fault", "shared/proof", "shared/protocol", "shared/seal", "shared/secret"}

// assertions lists the modules that assert for tests.
var assertions = []string{
	"github.com/stretchr/testify", "github.com/onsi/gomega", "github.com/onsi/ginkgo",
	"github.com/smartystreets/goconvey", "gotest.tools", "gopkg.in/check.v1",
	"github.com/frankban/quicktest", "github.com/matryer/is", "github.com/alecthomas/assert",
}

// vague lists names that say nothing about what a package is for.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "misc"}

// rule forbids some imports, or some packages. Exactly one of imports and name is
// set.
type rule struct {
	// reason completes the sentence "X imports Y: ".
	reason string
	// tests says that the imports of tests are held to the rule as well.
	tests bool
	// imports reports whether p must not import the package named imported.
	imports func(p Package, imported string) bool
	// name reports whether p must not be.
	name func(p Package) bool
}

// rules is the table that deplint holds.
var rules = []rule{
	{
		reason: "a function holds nothing that another needs; what two need is a package of shared/",
		tests:  true,
		imports: func(p Package, imported string) bool {
			to, ok := p.own(imported)
			return ok && below(p.Path, "functions") && below(to, "functions") && functionOf(p.Path) != functionOf(to)
		},
	},
	{
		reason: "the domain rests on the standard library and other domain packages alone, so that its rules are tested without a service",
		imports: func(p Package, imported string) bool {
			if !slices.Contains(domain, p.Path) {
				return false
			}
			to, ok := p.own(imported)
			return ok && !slices.Contains(domain, to) || !ok && !standard(imported)
		},
	},
	{
		reason: "shared packages serve functions and never know them; a test that plays the whole system is in scripts/ or a ...test package",
		imports: func(p Package, imported string) bool {
			to, ok := p.own(imported)
			return ok && below(p.Path, "shared") && !forTests(p.Path) && (below(to, "functions") || below(to, "scripts"))
		},
	},
	{
		reason: "scripts are run, not imported: an upload would carry developers' tools",
		imports: func(p Package, imported string) bool {
			to, ok := p.own(imported)
			return ok && below(p.Path, "functions") && below(to, "scripts")
		},
	},
	{
		reason: "packages for tests stay out of what is deployed",
		imports: func(p Package, imported string) bool {
			return forTests(imported) && !forTests(p.Path) && !below(p.Path, "scripts")
		},
	},
	{
		reason: "the agent runs on the device: it may share the protocol with the server, and nothing else (" + strings.Join(agentNeeds, ", ") + ")",
		imports: func(p Package, imported string) bool {
			to, ok := p.own(imported)
			return ok && below(p.Path, "shared/agent") && !forTests(p.Path) &&
				!below(to, "shared/agent") && !slices.Contains(agentNeeds, to)
		},
	},
	{
		reason: "tests use the standard library and go-cmp: one way to read every failure",
		tests:  true,
		imports: func(_ Package, imported string) bool {
			return slices.ContainsFunc(assertions, func(m string) bool { return below(imported, m) })
		},
	},
	{
		reason: "the name says nothing; name the package for what it provides",
		name: func(p Package) bool {
			return slices.ContainsFunc(strings.Split(p.Path, "/"), func(e string) bool { return slices.Contains(vague, e) })
		},
	},
}

// Check returns a readable line for each rule that p breaks, and where.
func Check(p Package) []string {
	var found []string
	for _, r := range rules {
		if r.name != nil {
			if r.name(p) {
				found = append(found, fmt.Sprintf("%s: %s", p, r.reason))
			}
			continue
		}
		imports := p.Imports
		if r.tests {
			imports = slices.Concat(p.Imports, p.TestImports)
		}
		slices.Sort(imports)
		for _, imported := range slices.Compact(imports) {
			if r.imports(p, imported) {
				to, ok := p.own(imported)
				if !ok {
					to = imported
				}
				found = append(found, fmt.Sprintf("%s imports %s: %s", p, to, r.reason))
			}
		}
	}
	return found
}

// below reports whether p is dir or lies below it.
func below(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// functionOf returns the folder of the function that p belongs to.
func functionOf(p string) string {
	elements := strings.SplitN(p, "/", 3)
	return strings.Join(elements[:min(2, len(elements))], "/")
}

// forTests reports whether a package is there for tests, like httptest.
func forTests(p string) bool { return strings.HasSuffix(path.Base(p), "test") }

// standard reports whether an import is of the standard library, whose first
// element has no dot.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}
