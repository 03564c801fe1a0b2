// Local runs all of Rollcall in one process on this machine and shows its main
// job: a fleet of simulated devices enrols, gets its managed Google Play accounts
// and checks in. See ./scripts/run --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := realMain(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// realMain returns the exit code: 0 when every device converged and the counts of
// accounts agree, 1 when not, 2 for bad flags, 130 when interrupted.
func realMain(ctx context.Context, args []string, out, errOut io.Writer) int {
	var opt options
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run all of Rollcall on this machine, with a fleet of simulated devices",
		Long: `Starts every function in one process on loopback, over an embedded store and a
simulated Google Play; creates an enterprise; enrols devices of the people of an
organisation and drives them until each has its account; has them check in for a
few seconds; lets people leave and return; and prints what came of it. The people
come from a real walk of an LDAP directory, by default one in this process. Exit
code 0 means that every device converged, that Rollcall and Google Play count the
same accounts, and that nobody kept or lost an account who should not.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fault.New(fault.Invalid, "usage", "%q is not a flag; see ./scripts/run --help", args[0])
			}
			return nil
		},
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("people") && opt.people < 1 {
				return fault.Field("--people", "give 1 to 1000000")
			}
			if err := opt.check(); err != nil {
				return err
			}
			return run(cmd.Context(), opt, out)
		},
	}
	f := cmd.Flags()
	f.IntVar(&opt.devices, "devices", 200, "how many devices enrol")
	f.StringVar(&opt.ldif, "ldif", "", "read the people from this LDIF file instead of the sample")
	f.IntVar(&opt.people, "people", 0, "make up this many people instead of reading them")
	f.StringVar(&opt.ldap, "ldap", inProcess, "the LDAP directory: builtin, slapd (a real one, started here), or the URL of one")
	f.StringVar(&opt.ldapBase, "ldap-base", base, "base DN, for a URL")
	f.StringVar(&opt.ldapBind, "ldap-bind-dn", "", "the account that reads the directory, for a URL (default: anonymous)")
	f.StringVar(&opt.ldapPasswordFile, "ldap-password-file", "", "file with that account's password")
	f.StringVar(&opt.ldapSchema, "ldap-schema", "", "openldap, 389ds or ad, for a URL (default openldap)")
	f.StringVar(&opt.mode, "directory", "", "ldap-only, read-only, read-write or google-only (default read-only; ldap-only for a URL)")
	f.DurationVar(&opt.steady, "steady", 5*time.Second, "how long to run steady check-ins")
	f.DurationVar(&opt.patience, "patience", 5*time.Minute, "how long to wait for the devices to converge")
	f.BoolVar(&opt.faults, "faults", false, "let the simulated Google fail: lost answers, quota, outages")
	f.BoolVar(&opt.serve, "serve", false, "stay up afterwards and print how to talk to it")
	f.StringVar(&opt.listen, "listen", "127.0.0.1:0", "address to serve on; port 0 takes a free one")
	f.StringVar(&opt.report, "report", "", "write the summary to this file as JSON")
	f.StringVar(&opt.data, "data", "", "keep the data in this folder (default: a temporary one)")
	f.StringVar(&opt.store, "store", "embedded", "embedded, or firestore (FIRESTORE_EMULATOR_HOST or GOOGLE_CLOUD_PROJECT)")
	f.StringVar(&opt.bus, "bus", "embedded", "embedded, or pubsub (PUBSUB_EMULATOR_HOST or GOOGLE_CLOUD_PROJECT)")
	cmd.SetArgs(args)
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return fault.Wrap(err, fault.Invalid, "usage", "see ./scripts/run --help")
	})
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "interrupted; everything is stopped")
		return 130
	}
	fmt.Fprintln(errOut, "run:", err)
	if fault.KindOf(err) == fault.Invalid {
		return 2
	}
	return 1
}

func (opt options) check() error {
	switch {
	case opt.devices < 1 || opt.devices > 100_000:
		return fault.Field("--devices", "give 1 to 100000")
	case opt.people > 1_000_000:
		return fault.Field("--people", "give 1 to 1000000")
	case opt.people > 0 && opt.ldif != "":
		return fault.Field("--people", "give --people or --ldif, not both")
	case opt.ldap != inProcess && opt.ldap != realSlapd && !strings.HasPrefix(opt.ldap, "ldap://") && !strings.HasPrefix(opt.ldap, "ldaps://"):
		return fault.Field("--ldap", "give builtin, slapd, or a URL such as ldaps://ldap.example.com")
	case strings.Contains(opt.ldap, "://") && (opt.people > 0 || opt.ldif != ""):
		return fault.Field("--ldap", "a directory of your own has its own people; leave --people and --ldif out")
	case !slices.Contains([]directory.Mode{"", directory.LDAPOnly, directory.ReadOnly, directory.ReadWrite, directory.GoogleOnly}, directory.Mode(opt.mode)):
		return fault.Field("--directory", "give ldap-only, read-only, read-write or google-only")
	case strings.Contains(opt.ldap, "://") && opt.mode == string(directory.GoogleOnly):
		return fault.Field("--directory", "google-only reads no LDAP directory; leave --ldap out")
	case opt.store != "embedded" && opt.store != "firestore":
		return fault.Field("--store", "give embedded or firestore")
	case opt.bus != "embedded" && opt.bus != "pubsub":
		return fault.Field("--bus", "give embedded or pubsub")
	case opt.steady < 0:
		return fault.Field("--steady", "give a time such as 5s, or 0 for none")
	case opt.patience <= 0:
		return fault.Field("--patience", "give a time such as 5m")
	case opt.report == "":
		return nil
	}
	// Now, for nobody wants to hear it after the run.
	if info, err := os.Stat(filepath.Dir(opt.report)); err != nil || !info.IsDir() {
		return fault.Field("--report", "there is no folder %s", filepath.Dir(opt.report))
	}
	return nil
}
