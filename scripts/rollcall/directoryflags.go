package main

import (
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rollcall-emm/rollcall/shared/directory"
)

// flagOf names the flag of a field of the configuration.
var flagOf = map[string]string{
	"mode": "mode", "ldap": "ldap-url", "ldap.url": "ldap-url", "ldap.security": "security", "ldap.ca": "ca-file",
	"ldap.bindDn": "bind-dn", "ldap.baseDn": "base-dn", "ldap.schema": "schema", "ldap.filter": "filter",
	"ldap.incremental": "incremental", "google": "google-subject", "google.subject": "google-subject", "google.domain": "domain", "google.defaultUnit": "default-unit",
	"google.deleteAfterDays": "delete-after-days", "leavers.graceDays": "grace-days", "fullEveryHours": "full-every",
	"guard.dropPercent": "drop-percent", "exclude.mails": "exclude-mail", "exclude.units": "exclude-unit", "ldap.groups": "group",
	"google.orgUnits": "org-unit", "google.watch": "watch", "google.passwordHashes": "password-hashes",
}

// directoryFlags adds a flag for each common member of a configuration, and returns
// what puts those that were given into it.
func directoryFlags(cmd *cobra.Command) func(*directory.Config) error {
	f := cmd.Flags()
	var fullEvery period
	mode := f.String("mode", "", "the `mode`: ldap-only, read-only, read-write or google-only")
	url := f.String("ldap-url", "", "the server's `URL`: ldaps://HOST or ldap://HOST")
	security := f.String("security", "", "the `kind` of protection of LDAP: tls, starttls, or plain on the same machine")
	ca := f.String("ca-file", "", "PEM `file` of certificates that LDAP is trusted by, beside the system's")
	base := f.String("base-dn", "", "the `DN` below which people are")
	bind := f.String("bind-dn", "", "the `DN` that Rollcall binds with")
	schema := f.String("schema", "", "the `family` of servers: openldap, 389ds or ad (Active Directory)")
	filter := f.String("filter", "", "LDAP `filter` (RFC 4515) that selects people")
	groups := f.StringArray("group", nil, "`DN` of a group whose members people are; may be repeated, replaces those before")
	incremental := f.String("incremental", "", "the `way` in which LDAP tells its changes: auto, sync, dirsync, usn, timestamp or off")
	subject := f.String("google-subject", "", "`address` of the Google administrator whom the service account acts as")
	domain := f.String("domain", "", "only this Google `domain`")
	units := f.StringArray("org-unit", nil, "only users in or below this Google `path`; may be repeated, replaces those before")
	defaultUnit := f.String("default-unit", "", "read-write: the `path` that new Google accounts go to (default /)")
	watch := f.Bool("watch", false, "have Google tell of changes at once")
	hashes := f.Bool("password-hashes", false, "read-write: send password hashes to Google")
	deleteAfter := f.Int("delete-after-days", 0, "read-write: delete a leaver's Google account after so many `days`; 0 keeps it suspended")
	grace := f.Int("grace-days", 0, "how many `days` a leaver's Play accounts are kept (default 7)")
	mails := f.StringArray("exclude-mail", nil, "leave an `address`, or a domain as @example.com, out; may be repeated, replaces those before")
	exUnits := f.StringArray("exclude-unit", nil, "leave a `DN` or Google path out, with all below; may be repeated, replaces those before")
	drop := f.Int("drop-percent", 0, "the largest `percent` of people that one run may find absent (default 20)")
	f.Var(&fullEvery, "full-every", "how often everything is read although changes alone could be, such as 24h")
	paused := f.Bool("paused", false, "start no run by schedule; --paused=false lifts it")

	return func(c *directory.Config) error {
		text := func(flag string, to *string, v string) {
			if f.Changed(flag) {
				*to = v
			}
		}
		list := func(flag string, to *[]string, v []string) {
			if f.Changed(flag) {
				*to = slices.DeleteFunc(slices.Clone(v), func(s string) bool { return s == "" })
			}
		}
		text("mode", (*string)(&c.Mode), *mode)
		if given(f, "ldap-url", "security", "ca-file", "base-dn", "bind-dn", "schema", "filter", "group", "incremental") {
			if c.LDAP == nil {
				c.LDAP = &directory.LDAP{}
			}
			l := c.LDAP
			text("ldap-url", &l.URL, *url)
			text("security", (*string)(&l.Security), *security)
			text("base-dn", &l.BaseDN, *base)
			text("bind-dn", &l.BindDN, *bind)
			text("schema", (*string)(&l.Schema), *schema)
			text("filter", &l.Filter, *filter)
			text("incremental", (*string)(&l.Incremental), *incremental)
			list("group", &l.Groups, *groups)
			if f.Changed("ca-file") {
				pem, err := certificates(*ca)
				if err != nil {
					return err
				}
				l.CA = pem
			}
		}
		if given(f, "google-subject", "domain", "org-unit", "default-unit", "watch", "password-hashes", "delete-after-days") {
			if c.Google == nil {
				c.Google = &directory.Google{}
			}
			g := c.Google
			text("google-subject", &g.Subject, *subject)
			text("domain", &g.Domain, *domain)
			text("default-unit", &g.DefaultUnit, *defaultUnit)
			list("org-unit", &g.OrgUnits, *units)
			if f.Changed("watch") {
				g.Watch = *watch
			}
			if f.Changed("password-hashes") {
				g.PasswordHashes = *hashes
			}
			if f.Changed("delete-after-days") {
				g.DeleteAfterDays = *deleteAfter
			}
		}
		list("exclude-mail", &c.Exclude.Mails, *mails)
		list("exclude-unit", &c.Exclude.Units, *exUnits)
		if f.Changed("grace-days") {
			c.Leavers.GraceDays = grace
		}
		if f.Changed("drop-percent") {
			c.Guard.DropPercent = *drop
		}
		if f.Changed("paused") {
			c.Paused = *paused
		}
		if f.Changed("full-every") {
			hours := time.Duration(fullEvery) / time.Hour
			if hours < 1 || time.Duration(fullEvery)%time.Hour != 0 {
				return usagef("--full-every takes whole hours, such as 24h, from 1h to 168h")
			}
			c.FullEveryHours = int(hours)
		}
		return nil
	}
}

func given(f *pflag.FlagSet, flags ...string) bool { return slices.ContainsFunc(flags, f.Changed) }

// changedFlags lists the given flags that change the configuration.
func changedFlags(cmd *cobra.Command) (names []string) {
	others := []string{"show", "file", "remove", "yes", "bind-password-file", "google-key-file", "help"}
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && !slices.Contains(others, f.Name) {
			names = append(names, f.Name)
		}
	})
	return names
}

// certificates returns a PEM file's text; an empty name is no certificates.
func certificates(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", usagef("--ca-file cannot be read: %v", err)
	}
	return string(b), nil
}
