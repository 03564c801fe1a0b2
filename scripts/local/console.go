package main

import (
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// console changes the organisation's directory as its own admins do.
type console interface {
	// leave deletes a person, lock keeps one from signing in, and unlock lets one
	// sign in again.
	leave(person.Person) error
	lock(person.Person) error
	unlock(person.Person) error
	// vanish has the directory list nobody, or everybody again; false where it
	// cannot.
	vanish(bool) bool
}

// locked is the value by which the attribute employeeType says that a person's
// account is locked, in the LDAP directories that are made here.
const locked = "locked"

// ldapConsole is for an LDAP server that was started here.
type ldapConsole struct{ *ldapServer }

func (c ldapConsole) leave(p person.Person) error { return c.editor.Delete(p.Entry.DN) }

func (c ldapConsole) lock(p person.Person) error {
	return c.editor.Set(p.Entry.DN, "employeeType", locked)
}

func (c ldapConsole) unlock(p person.Person) error { return c.editor.Set(p.Entry.DN, "employeeType") }

func (c ldapConsole) vanish(gone bool) bool {
	if c.builtin == nil {
		return false
	}
	c.builtin.SetFaults(ldaptest.Faults{Empty: gone})
	return true
}

// googleConsole is for the simulated Google.
type googleConsole struct{ *workspacetest.Server }

func (c googleConsole) leave(p person.Person) error {
	c.Remove(p.ID)
	return nil
}

func (c googleConsole) lock(p person.Person) error {
	return c.Edit(p.ID, func(u *workspacetest.User) { u.Suspended = true })
}

func (c googleConsole) unlock(p person.Person) error {
	return c.Edit(p.ID, func(u *workspacetest.User) { u.Suspended = false })
}

func (c googleConsole) vanish(gone bool) bool {
	if gone {
		c.FailLists(workspacetest.ListFault{Mode: workspacetest.EmptyList})
	} else {
		c.MendLists()
	}
	return true
}
