package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sethvargo/go-retry"
	"github.com/spf13/cobra"
)

// app is one run of the command: its surroundings, which tests replace, and the
// flags that every command has.
type app struct {
	in          io.Reader
	out, errs   io.Writer
	getenv      func(string) string
	now         func() time.Time
	wait        func(context.Context, time.Duration) error
	backoff     func() retry.Backoff
	interactive bool // a person can be asked
	screen      bool // standard error is a terminal, which can show a bar
	transport   http.RoundTripper

	url, tokenFile, identityCommand, enterprise string
	tokenFileGiven                              bool
	json                                        bool
	timeout                                     time.Duration
}

const about = `rollcall shows and steers a Rollcall: its enterprises, their directories and
people, enrollment tokens, devices, accounts, Google credentials, generated passwords,
mail settings, and the mail servers that get tokens. It talks to the function admin,
on this machine or in the cloud.

Who you are
  http://localhost  a token that the server keeps in a file; name the file with
                    --token-file or ROLLCALL_TOKEN_FILE
  https://...       your Google identity token, which --identity-token-command
                    prints; its e-mail address must be on the server's list of admins

Output
  Tables are for people. --json prints what the server answers: one object, and
  for every list {"items": [...], "next": "..."}, where next is absent at the end.
  audit --follow --json prints one record a line. Words about the result go to
  standard error, so that standard output can be piped.

Exit codes
  0  done
  1  failed, or interrupted
  2  the command or its input is wrong
  3  there is no such thing
  4  refused: not an admin, or in conflict with what there is; or a directory run
     waits for an admin
  5  not reachable or busy; try again
  6  done, with a warning (directory test, doctor)`

const defaultURL = "http://localhost:8080/admin"

// root returns the whole command.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "rollcall", Short: "Show and steer a Rollcall", Long: about,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error {
			a.tokenFileGiven = cmd.Flags().Changed("token-file")
			if a.timeout <= 0 {
				return usagef("--timeout takes a time such as 30s")
			}
			if slices.Contains(args, "") {
				return usagef("an id is empty; is a variable of your shell not set?")
			}
			return nil
		},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.url, "url", a.env("ROLLCALL_URL", defaultURL), "the function admin's `URL` (ROLLCALL_URL)")
	f.StringVar(&a.tokenFile, "token-file", a.getenv("ROLLCALL_TOKEN_FILE"), "`file` with the local server's admin token (ROLLCALL_TOKEN_FILE)")
	f.StringVar(&a.identityCommand, "identity-token-command", a.env("ROLLCALL_IDENTITY_TOKEN_COMMAND", defaultIdentityCommand),
		"`command` that prints an identity token for https, split at spaces (ROLLCALL_IDENTITY_TOKEN_COMMAND)")
	f.StringVarP(&a.enterprise, "enterprise", "e", a.getenv("ROLLCALL_ENTERPRISE"), "`id` of the enterprise (ROLLCALL_ENTERPRISE)")
	f.BoolVar(&a.json, "json", false, "print the server's JSON")
	f.DurationVar(&a.timeout, "timeout", 30*time.Second, "how long one request may take")
	root.AddCommand(
		a.enterpriseCommand(), a.tokenCommand(), a.deviceCommand(), a.accountCommand(),
		a.directoryCommand(), a.credentialCommand(), a.passwordCommand(), a.settingCommand(), a.mailCommand(), a.auditCommand(), a.deadLetterCommand(), a.statusCommand(), a.doctorCommand(),
	)
	root.CompletionOptions.HiddenDefaultCmd = true
	refuseUnknown(root)
	// What only groups commands can be run, for its refusals, but is not shown so.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if and .Runnable (not .Annotations.groups)}}", 1))
	return root
}

// refuseUnknown makes every command that only groups others show its help, and
// refuse a word that it does not know, which cobra would pass over in silence.
func refuseUnknown(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		refuseUnknown(c)
	}
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Annotations = map[string]string{"groups": "yes"}
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			var names []string
			for _, c := range cmd.Commands() {
				if c.IsAvailableCommand() && c.Name() != "help" {
					names = append(names, c.Name())
				}
			}
			return usagef("%s has no command %q; there are: %s", cmd.CommandPath(), args[0], strings.Join(names, ", "))
		}
	}
}

// exactlyOne takes a single id.
func exactlyOne(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("give exactly one id, not %d", len(args))
	}
	return nil
}

// realMain runs the command and returns its exit code.
func realMain(ctx context.Context, a *app, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.errs)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(a.errs, "rollcall: interrupted")
		return exitFailed
	}
	f := asFailure(err)
	// Go's own words on a number say no more than those before them.
	text, _, _ := strings.Cut(f.text, ": strconv.")
	_, _ = fmt.Fprintln(a.errs, "rollcall: "+text)
	if f.code == exitUsage && !f.fromServer {
		_, _ = fmt.Fprintf(a.errs, "See: %s --help\n", cmd.CommandPath())
	}
	return f.code
}

func (a *app) env(name, otherwise string) string {
	if v := a.getenv(name); v != "" {
		return v
	}
	return otherwise
}

// of returns the enterprise's part of a path.
func (a *app) of() (string, error) {
	if a.enterprise == "" {
		return "", usagef("say which enterprise: give --enterprise ID, or set ROLLCALL_ENTERPRISE")
	}
	return "/v1/enterprises/" + segment(a.enterprise), nil
}

// say tells a person what happened; with --json nobody is told.
func (a *app) say(format string, args ...any) {
	if !a.json {
		_, _ = fmt.Fprintf(a.errs, format+"\n", args...)
	}
}

// command is a command for a person to copy, with the enterprise where the
// environment does not name it.
func (a *app) command(format string, args ...any) string {
	text := "rollcall " + fmt.Sprintf(format, args...)
	if a.getenv("ROLLCALL_ENTERPRISE") != a.enterprise {
		text += " -e " + a.enterprise
	}
	return text
}
