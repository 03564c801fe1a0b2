package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/token"
)

// deviceRow is what the tables show of a device.
type deviceRow struct {
	ID              string              `json:"id"`
	Status          string              `json:"status"`
	Subject         account.Subject     `json:"subject"`
	Labels          []string            `json:"labels"`
	PersonLabels    []string            `json:"personLabels"`
	Info            protocol.DeviceInfo `json:"info"`
	AndroidID       string              `json:"androidId"`
	EnrollmentToken string              `json:"enrollmentToken"`
	EnrolledBy      string              `json:"enrolledBy"`
	EnrolledAt      time.Time           `json:"enrolledAt"`
	LastSeen        time.Time           `json:"lastSeen"`
	Desired         device.Desired      `json:"desired"`
	Accounts        []protocol.Account  `json:"accounts"`
	Thumbprint      string              `json:"encryptionKeyThumbprint"`
	Account         *accountRow         `json:"account"`
	Binding         *bindingRow         `json:"binding"`
}

// bindingRow is one device's hold on an account.
type bindingRow struct {
	DeviceID string       `json:"deviceId"`
	Since    time.Time    `json:"since"`
	Tokens   token.Ledger `json:"tokens"`
}

// state is the status with the reason of a hold.
func (d deviceRow) state() string {
	if d.Desired.Hold != device.NoHold && d.Status == "held" {
		return d.Status + " (" + string(d.Desired.Hold) + ")"
	}
	return d.Status
}

// holdWords tell what holds a device, and what lifts it.
var holdWords = map[device.Hold]string{
	device.DeviceLimit:    "the person has as many devices as Google allows; retire another one, then release this",
	device.NeedsOperator:  "it asked for too many tokens; see why, then release it",
	device.AccountGone:    "its account was deleted; release it to give it another",
	device.Revoked:        "an admin revoked its account; release it to let it in again",
	device.EnterpriseGone: "Google does not know the enterprise any more",
	device.PersonDisabled: "the person is locked in the directory; lifted when the directory unlocks the person",
	device.PersonLeft:     "the person is not in the directory any more; lifted when the person is back",
}

func (a *app) deviceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "device", Short: "Devices that enrolled", Aliases: []string{"devices"}}
	cmd.AddCommand(a.deviceList(), a.deviceShow(), a.deviceLabel(),
		a.workflowCommand("retire", "device", "Take devices out of service for good",
			"Take devices out of service for good: each gives its account and its mail settings\nup at its next check-in, and its key is never admitted again. To use a device again\nit must be enrolled anew, with new keys."),
		a.workflowCommand("release", "device", "Lift the hold of devices, so that they add their account again",
			"Lift the hold of devices, so that they add their account again at their next\ncheck-in. It also forgives the count of tokens of a device that asked too often."))
	return cmd
}

func (a *app) deviceList() *cobra.Command {
	var p pager
	var status string
	cmd := &cobra.Command{Use: "list", Short: "List an enterprise's devices", Args: cobra.NoArgs}
	cmd.Flags().StringVar(&status, "status", "", "only devices that are ready, adding, held, 'no account' or retired")
	p.flags(cmd, 100)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.of()
		if err != nil {
			return err
		}
		none := "No device has enrolled yet; make it a token with: rollcall enrollment-token create"
		if status != "" {
			none = fmt.Sprintf("No device has the status %s.", status)
		}
		return show(cmd, a, &p, path+"/devices", url.Values{"status": {status}}, none,
			[]string{"ID", "STATUS", "SUBJECT", "MODEL", "LABELS", "LAST SEEN", "ACCOUNT"},
			func(d deviceRow) []string {
				subject := d.Subject.String()
				if d.Subject.Kind == account.Device {
					subject = "itself"
				}
				return []string{d.ID, d.state(), subject, d.Info.Model, join(d.Labels), a.ago(d.LastSeen), d.Desired.AccountID}
			})
	}
	return cmd
}

func (a *app) deviceShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one device, its account and what became of its tokens", Args: exactlyOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			got, err := a.one(cmd, "/devices/", args[0])
			if err != nil || a.json {
				return err
			}
			d, err := decode[deviceRow](got)
			if err != nil {
				return err
			}
			return a.printDevice(d)
		},
	}
}

// one reads one thing of the enterprise, and prints it if JSON is wanted.
func (a *app) one(cmd *cobra.Command, below, id string) ([]byte, error) {
	path, err := a.of()
	if err != nil {
		return nil, err
	}
	c, err := a.client()
	if err != nil {
		return nil, err
	}
	got, err := c.get(cmd.Context(), path+below+segment(id), nil)
	if err == nil && a.json {
		err = a.printJSON(got)
	}
	return got, err
}

func (a *app) printDevice(d deviceRow) error {
	var reported []string
	for _, acct := range d.Accounts {
		reported = append(reported, acct.Name+" "+string(acct.State))
	}
	rows := [][]string{
		{"id", d.ID}, {"status", d.state()}, {"subject", d.Subject.String()}, {"labels", join(d.Labels)},
		{"model", strings.TrimSpace(d.Info.Manufacturer + " " + d.Info.Model)}, {"agent", d.Info.Agent},
		{"Android id", d.AndroidID}, {"enrolled", a.both(d.EnrolledAt)}, {"  with", enrolledWith(d)},
		{"last seen", a.both(d.LastSeen)}, {"encryption key", d.Thumbprint},
		{"account", d.Desired.AccountID}, {"  type", string(d.Desired.AccountType)}, {"  reported", join(reported)},
	}
	if why := holdWords[d.Desired.Hold]; why != "" && d.Status == "held" {
		rows = slices.Insert(rows, 2, []string{"  why", why})
	}
	if len(d.PersonLabels) > 0 {
		at := slices.IndexFunc(rows, func(r []string) bool { return r[0] == "labels" })
		rows = slices.Insert(rows, at+1, []string{"  by its person", join(d.PersonLabels)})
	}
	if acct := d.Account; acct != nil {
		rows = append(rows, []string{"  state", acct.state()}, []string{"  user id", acct.UserID})
	}
	if d.Binding != nil {
		rows = append(rows, []string{"  since", a.both(d.Binding.Since)})
		rows = append(rows, a.tokenRows(d.Binding.Tokens)...)
	}
	return a.table(nil, rows)
}

// tokenRows says what became of each token.
func (a *app) tokenRows(tokens token.Ledger) [][]string {
	var rows [][]string
	for _, m := range tokens {
		what := string(m.State)
		if m.Reason != "" {
			what += " (" + m.Reason + ")"
		}
		rows = append(rows, []string{"  token", what + ", " + a.both(m.At)})
	}
	return rows
}

func join(s []string) string { return strings.Join(s, ", ") }

// enrolledWith tells what a device enrolled with.
func enrolledWith(d deviceRow) string {
	switch d.EnrolledBy {
	case "":
		return d.EnrollmentToken
	case "ldap":
		return "a password of the directory"
	case "oidc":
		return "an ID token of the identity provider"
	}
	return d.EnrolledBy
}
