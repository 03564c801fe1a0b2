package main

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
)

func (a *app) enterprisePolicy() *cobra.Command {
	cmd := &cobra.Command{
		Use: "policy [ID]", Short: "Show an enterprise's policy, or change the members that are given", Args: cobra.MaximumNArgs(1),
		Example: "  rollcall enterprise policy acme --device-limit deviceAccount --label kiosk=deviceAccount",
	}
	set := policyFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
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
		e, err := decode[enterprise.Enterprise](got)
		if err != nil {
			return err
		}
		before := fmt.Sprint(e.Policy)
		if err := set(&e.Policy); err != nil {
			return err
		}
		if fmt.Sprint(e.Policy) != before {
			if got, err = c.change(cmd.Context(), http.MethodPut, path+"/policy", e.Policy); err != nil {
				return err
			}
		}
		return a.printEnterprise(got)
	}
	return cmd
}

// policyFlags adds a flag for each member of a policy, and returns what puts the
// ones that were given into it.
func policyFlags(cmd *cobra.Command) func(*enterprise.Policy) error {
	f := cmd.Flags()
	var checkIn period
	kind := f.String("account-type", "", "`type` for devices without a label that says otherwise: userAccount or deviceAccount")
	limit := f.String("device-limit", "", "what the device after a person's tenth gets: refuse or deviceAccount")
	f.Var(&checkIn, "check-in", "the usual time between check-ins, such as 4h")
	labels := f.StringArray("label", nil, "`LABEL=TYPE`, the type for devices with a label; LABEL= takes it away; may be repeated")
	return func(p *enterprise.Policy) error {
		if f.Changed("account-type") {
			p.AccountType = account.Type(*kind)
		}
		if f.Changed("device-limit") {
			p.DeviceLimit = enterprise.DeviceLimit(*limit)
		}
		if f.Changed("check-in") {
			p.CheckInSeconds = int(time.Duration(checkIn) / time.Second)
		}
		p.LabelAccountType = maps.Clone(p.LabelAccountType)
		for _, l := range *labels {
			name, t, ok := strings.Cut(l, "=")
			switch {
			case !ok:
				return usagef("--label takes LABEL=TYPE, such as kiosk=deviceAccount, not %q", l)
			case t == "":
				delete(p.LabelAccountType, name)
				continue
			case p.LabelAccountType == nil:
				p.LabelAccountType = map[string]account.Type{}
			}
			p.LabelAccountType[name] = account.Type(t)
		}
		return nil
	}
}
