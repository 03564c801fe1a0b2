package main

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest/slapdtest"
)

// slapd is OpenLDAP's server, started for this run and ended with it.
type slapd struct {
	*slapdtest.Server
	dir string
}

func (s slapd) Close() {
	s.Stop()
	_ = os.RemoveAll(s.dir)
}

// startSlapd starts OpenLDAP's server with the people of l and the other entries.
func (l *ldapServer) startSlapd(ctx context.Context, others []entry) error {
	if _, err := exec.LookPath("slapd"); err != nil && !exists("/usr/sbin/slapd") {
		return fault.New(fault.Invalid, "slapd", "slapd is not installed; on Debian: apt-get install slapd. Or leave --ldap out for the built-in server")
	}
	dir, err := os.MkdirTemp("", "rollcall-slapd-")
	if err != nil {
		return fault.Wrap(err, fault.Permanent, "slapd", "cannot make a temporary folder for slapd")
	}
	people := "ou=people," + base
	s, err := slapdtest.Run(ctx, dir, slapdtest.Options{BaseDN: base, SyncProvider: true, LDIF: slapdtest.LDIF(base, func(yield func(ldaptest.Entry) bool) {
		for _, e := range append(others, l.people...) {
			// These two are there already.
			if !strings.EqualFold(e.DN, base) && !strings.EqualFold(e.DN, people) && !yield(ldaptest.Entry(e)) {
				return
			}
		}
	})})
	if err != nil {
		_ = os.RemoveAll(dir)
		return fault.Wrap(err, fault.Permanent, "slapd", "slapd does not start")
	}
	l.server, l.editor = slapd{s, dir}, s
	return nil
}
