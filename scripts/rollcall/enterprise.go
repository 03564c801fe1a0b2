package main

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/enterprise"
)

func (a *app) enterpriseCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "enterprise", Short: "Customer organisations bound in Google Play", Aliases: []string{"enterprises"}}
	cmd.AddCommand(a.enterpriseCreate(), a.enterpriseList(), a.enterpriseShow(), a.enterprisePolicy(),
		a.wholeEnterprise("verify", "Ask Google whether the enterprise is bound"),
		a.wholeEnterprise("reconcile", "Finish what a crash left half done in the enterprise"))
	return cmd
}

func (a *app) enterpriseCreate() *cobra.Command {
	var body struct {
		ID     string            `json:"id"`
		Name   string            `json:"name"`
		Play   string            `json:"play"`
		Policy enterprise.Policy `json:"policy"`
	}
	cmd := &cobra.Command{
		Use: "create ID --name NAME --play PLAY-ID", Short: "Add an enterprise and have Google asked for it",
		Example: "  rollcall enterprise create acme --name 'Acme Ltd' --play LC03abcd12",
		Args:    exactlyOne,
	}
	cmd.Flags().StringVar(&body.Name, "name", "", "the organisation's `name`, which Google Play shows; nothing personal")
	cmd.Flags().StringVar(&body.Play, "play", "", "Google's `id` of the enterprise, such as LC03abcd12")
	set := policyFlags(cmd)
	must(cmd.MarkFlagRequired("name"), cmd.MarkFlagRequired("play"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		body.ID = args[0]
		if err := set(&body.Policy); err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		got, err := c.change(cmd.Context(), http.MethodPost, "/v1/enterprises", body)
		if err != nil {
			return err
		}
		if err := a.printEnterprise(got); err != nil {
			return err
		}
		a.say("Google is being asked for it: rollcall enterprise show %s says bound soon.", body.ID)
		return nil
	}
	return cmd
}

func (a *app) enterpriseList() *cobra.Command {
	var p pager
	cmd := &cobra.Command{Use: "list", Short: "List the enterprises", Args: cobra.NoArgs}
	p.flags(cmd, 100)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return show(cmd, a, &p, "/v1/enterprises", nil,
			"There is no enterprise yet; add one with: rollcall enterprise create",
			[]string{"ID", "NAME", "PLAY", "STATE", "CHECKED"},
			func(e enterprise.Enterprise) []string {
				return []string{e.ID, e.Name, e.Play, string(e.State), a.ago(e.CheckedAt)}
			})
	}
	return cmd
}

func (a *app) enterpriseShow() *cobra.Command {
	return &cobra.Command{
		Use: "show [ID]", Short: "Show one enterprise", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := a.enterprisePath(args)
			if err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			got, err := c.get(cmd.Context(), path, nil)
			if err != nil {
				return err
			}
			return a.printEnterprise(got)
		},
	}
}

// wholeEnterprise is a command that starts a workflow over an enterprise.
func (a *app) wholeEnterprise(op, short string) *cobra.Command {
	return &cobra.Command{
		Use: op + " [ID]", Short: short, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				a.enterprise = args[0]
			}
			return a.start(cmd.Context(), order{Op: op})
		},
	}
}

// enterprisePath takes the enterprise from the argument, or from --enterprise.
func (a *app) enterprisePath(args []string) (string, error) {
	if len(args) > 0 {
		a.enterprise = args[0]
	}
	return a.of()
}

func (a *app) printEnterprise(body []byte) error {
	if a.json {
		return a.printJSON(body)
	}
	e, err := decode[enterprise.Enterprise](body)
	if err != nil {
		return err
	}
	rows := [][]string{
		{"id", e.ID}, {"name", e.Name}, {"play", e.Play}, {"state", string(e.State)},
		{"created", a.both(e.CreatedAt)}, {"checked", a.both(e.CheckedAt)},
		{"account type", string(e.Policy.AccountTypeFor(nil))},
	}
	for _, l := range slices.Sorted(maps.Keys(e.Policy.LabelAccountType)) {
		rows = append(rows, []string{"  label " + l, string(e.Policy.LabelAccountType[l])})
	}
	limit := e.Policy.DeviceLimit
	if limit == "" {
		limit = enterprise.Refuse
	}
	return a.table(nil, append(rows,
		[]string{"device limit", string(limit)},
		[]string{"check-in", (time.Duration(e.Policy.CheckIn()) * time.Second).String()}))
}

func must(errs ...error) {
	for _, err := range errs {
		if err != nil {
			panic(err)
		}
	}
}
