package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/doctor"
)

const doctorHelp = `Examine an enterprise from end to end, and say of each thing what is wrong and what
to do where: the store, the event bus, the service account's credential and the
clock, each scope that is granted to it, the administrator it acts as, Google's
APIs, managed Google Play, the LDAP directory, sign-in to a mailbox by IMAP, and
Google's own settings for passwords and mail, which have to match those of Rollcall.

Google and LDAP are really asked, which takes up to 20 seconds; nothing is changed.
Each line begins with
  pass  it is well
  warn  it works; look at it
  fail  it does not work
  skip  not looked at: nothing needs it, or something that it needs failed

Which scopes are needed follows from the directory's mode, the password policy and
the mail clients; they come with the least first. To have Google's own settings
compared, grant the scope cloud-identity.policies.readonly as well; without it they
are skipped.

The exit code is by the worst line: 0 if all is well, 6 with a warning, and 1 if
something does not work.`

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor [ENTERPRISE]", Short: "Examine an enterprise from end to end, and say what to mend where", Long: doctorHelp, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := a.enterprisePath(args)
			if err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			if a.screen {
				a.say("Examining; this takes up to 20 seconds ...")
			}
			got, err := c.change(cmd.Context(), http.MethodPost, path+"/doctor", struct{}{})
			if err != nil {
				return err
			}
			r, err := decode[doctor.Report](got)
			if err != nil {
				return err
			}
			if a.json {
				err = a.printJSON(got)
			} else {
				err = a.printReport(r)
			}
			if err != nil {
				return err
			}
			return a.diagnosis(r)
		},
	}
}

// diagnosis is what the command ends with.
func (a *app) diagnosis(r doctor.Report) error {
	n := 0
	for _, l := range r.Lines {
		if l.Status == r.Worst {
			n++
		}
	}
	switch r.Worst {
	case doctor.Fail:
		what := "1 thing does"
		if n > 1 {
			what = fmt.Sprintf("%d things do", n)
		}
		return failf(exitFailed, "%s not work; mend what is marked fail, and run this again", what)
	case doctor.Warn:
		return failf(exitWarned, "it works; look at what is marked warn")
	case doctor.Pass:
		a.say("All is well.")
	default:
		a.say("Nothing was looked at: nothing is configured yet that needs anything.")
	}
	return nil
}

// reportWidth is how wide the text of a line may be.
const reportWidth = 92

// printReport prints the lines below their groups, in the order in which they came.
func (a *app) printReport(r doctor.Report) error {
	var group doctor.Group
	for i, l := range r.Lines {
		if l.Group != group {
			if i > 0 {
				if err := a.print(""); err != nil {
					return err
				}
			}
			group = l.Group
			if err := a.print("%s", string(group)); err != nil {
				return err
			}
		}
		text := []string{wrapped("  "+string(l.Status)+"  ", "        ", l.What)}
		if l.Advice != "" {
			text = append(text, wrapped("        To do: ", "               ", l.Advice))
		}
		if l.Where != "" {
			text = append(text, wrapped("        Where: ", "               ", l.Where))
		}
		if err := a.print("%s", strings.Join(text, "\n")); err != nil {
			return err
		}
	}
	return nil
}

// wrapped breaks a text between words. What is longer than a line alone, such as a
// scope, is left whole, so that it can be copied.
func wrapped(first, indent, text string) string {
	var b strings.Builder
	b.WriteString(first)
	width := 0
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i == 0:
		case width+1+n > reportWidth:
			b.WriteString("\n" + indent)
			width = 0
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	return b.String()
}
