//go:build !linux

package dovecottest

import (
	"errors"
	"syscall"
)

type account struct{ user, group string }

var errLinux = errors.New("dovecottest runs Dovecot on Linux alone")

func whoRuns() (account, error)                  { return account{}, errLinux }
func (account) folder() (string, error)          { return "", errLinux }
func (account) own(string) error                 { return errLinux }
func (account) attributes() *syscall.SysProcAttr { return nil }
