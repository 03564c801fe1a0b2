package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"

	_ "embed"

	"github.com/go-ldap/ldif"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// sample is the organisation that ships with the project.
//
//go:embed sample.ldif
var sample string

// The ways to have an LDAP directory, beside a URL.
const (
	inProcess = "builtin"
	realSlapd = "slapd"
)

// base is where the people of the sample, and those who are made up, are.
const base = "dc=example,dc=com"

// server is a running LDAP server with the account that reads it.
type server interface {
	Config() directory.LDAP
	Password(context.Context) (secret.Value, error)
	Close()
}

// editor changes a directory as its own admins do.
type editor interface {
	Set(dn, attribute string, values ...string) error
	Delete(dn string) error
}

// ldapServer is the organisation's directory.
type ldapServer struct {
	server
	// editor is nil for a server that is not ours to change.
	editor editor
	// builtin is nil unless the server is in this process.
	builtin *ldaptest.Server
	// people is what the directory was filled with, and passwords their passwords
	// by DN; both are unknown of a server of somebody else.
	people    []entry
	passwords map[string]secret.Value
}

// entry is a person as LDIF describes one.
type entry ldaptest.Entry

// first returns the first value of an attribute, whose case means nothing (RFC
// 4512, section 2.5).
func (e entry) first(name string) string {
	for n, values := range e.Attributes {
		if strings.EqualFold(n, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// startLDAP starts the directory that the flags ask for.
func (opt options) startLDAP(ctx context.Context) (*ldapServer, error) {
	if opt.ldap != inProcess && opt.ldap != realSlapd {
		return opt.elsewhere()
	}
	l := &ldapServer{passwords: map[string]secret.Value{}}
	others, err := opt.fill(l)
	if err != nil {
		return nil, err
	}
	for i := range l.people {
		e := &l.people[i]
		password := secret.New(rand.Text())
		l.passwords[e.DN] = password
		e.Attributes["userPassword"] = []string{password.Reveal()}
	}
	if opt.ldap == realSlapd {
		return l, l.startSlapd(ctx, others)
	}
	s, err := ldaptest.Start(ldaptest.Options{BaseDN: base})
	if err != nil {
		return nil, fault.Wrap(err, fault.Permanent, "ldap", "the built-in LDAP server does not start")
	}
	l.server, l.editor, l.builtin = s, s, s
	for _, e := range append(others, l.people...) {
		if err := s.Add(ldaptest.Entry(e)); err != nil {
			s.Close()
			return nil, fault.Wrap(err, fault.Invalid, "ldif", "the LDAP server does not take the entry %s", e.DN)
		}
	}
	return l, nil
}

// fill sets the people of the LDIF file, of the sample, or those who are made up,
// and returns the other entries of the file, such as units.
func (opt options) fill(l *ldapServer) (others []entry, err error) {
	if opt.people > 0 {
		for e := range ldaptest.Numbered(base, opt.people) {
			l.people = append(l.people, entry(e))
		}
		return nil, nil
	}
	all, err := readLDIF(opt.ldif)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if e.first("entryUUID") != "" && e.first("cn") != "" {
			l.people = append(l.people, e)
		} else if !strings.EqualFold(e.DN, base) {
			others = append(others, e)
		}
	}
	if len(l.people) == 0 {
		return nil, fault.New(fault.Invalid, "ldif", "%s has no people: entries need entryUUID and cn; export with operational attributes (ldapsearch ... '*' +)", orSample(opt.ldif))
	}
	return others, nil
}

func orSample(path string) string {
	if path == "" {
		return "the sample"
	}
	return path
}

// readLDIF returns the entries of an LDIF file (RFC 2849), the sample's for an
// empty path.
func readLDIF(path string) ([]entry, error) {
	text := sample
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "ldif", "cannot read the LDIF file %s", path)
		}
		text = strings.TrimPrefix(string(b), "\ufeff") // editors on Windows put the mark there
	}
	parsed, err := ldif.Parse(text)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "ldif", "%s is not LDIF (RFC 2849)", orSample(path))
	}
	var out []entry
	seen := map[string]bool{}
	for _, e := range parsed.Entries {
		if e.Entry == nil {
			continue // a change record
		}
		got := entry{DN: e.Entry.DN, Attributes: map[string][]string{}}
		for _, a := range e.Entry.Attributes {
			got.Attributes[a.Name] = append(got.Attributes[a.Name], a.Values...)
		}
		if id := got.first("entryUUID"); id != "" && seen[id] {
			return nil, fault.New(fault.Invalid, "ldif", "%s has the entryUUID %s twice", orSample(path), id)
		} else if id != "" {
			seen[id] = true
		}
		out = append(out, got)
	}
	return out, nil
}

// elsewhere is a directory that somebody else runs.
func (opt options) elsewhere() (*ldapServer, error) {
	f := foreign{directory.LDAP{URL: opt.ldap, BaseDN: opt.ldapBase, BindDN: opt.ldapBind, Schema: directory.Schema(opt.ldapSchema)}, opt.ldapPasswordFile}
	if strings.HasPrefix(opt.ldap, "ldap://127.0.0.1") || strings.HasPrefix(opt.ldap, "ldap://localhost") {
		f.config.Security = directory.Plain
	}
	if _, err := f.Password(context.Background()); err != nil {
		return nil, err
	}
	return &ldapServer{server: f}, nil
}

// foreign is a server that somebody else runs.
type foreign struct {
	config       directory.LDAP
	passwordFile string
}

func (f foreign) Config() directory.LDAP { return f.config }

func (f foreign) Password(context.Context) (secret.Value, error) {
	if f.passwordFile == "" {
		return secret.Value{}, nil
	}
	b, err := os.ReadFile(f.passwordFile)
	if err != nil {
		return secret.Value{}, fault.Wrap(err, fault.Invalid, "usage", "cannot read the file of --ldap-password-file")
	}
	return secret.New(strings.TrimRight(string(b), "\r\n")), nil
}

func (f foreign) Close() {}

// String tells a person where the people come from.
func (l *ldapServer) String() string {
	c := l.Config()
	return fmt.Sprintf("%s, %s", c.URL, c.BaseDN)
}
