package main

import (
	"net/http"
	"strconv"

	"github.com/spf13/cobra"
)

const passwordKeyHelp = `Show the keys that seal stored passwords, or make a new one.

There is one key set for the whole installation, in the secret store; the keys
themselves are never shown. --rotate makes the key set where there is none. Where
there is one it adds a key, which seals from now on; the older keys stay, because
passwords that they sealed are sealed anew only as they are used. Without its keys a
stored password is lost: keep the secret's older versions.

If the key set is gone while passwords are stored, put the secret password-key back,
and nothing is lost; no other one is made in its place meanwhile. If it is gone for
good, --rotate --anew makes one, and every password is to be renewed:
rollcall password renew --all, in each enterprise.`

// keyRows is what the server says of the key set.
type keyRows struct {
	Set  bool `json:"set"`
	Lost bool `json:"lost"`
	Keys []struct {
		ID      uint32 `json:"id"`
		Primary bool   `json:"primary"`
		Enabled bool   `json:"enabled"`
	} `json:"keys"`
}

func (a *app) passwordKey() *cobra.Command {
	var rotate, anew bool
	cmd := &cobra.Command{
		Use: "key", Short: "Show or rotate the keys that seal stored passwords", Long: passwordKeyHelp, Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&rotate, "rotate", false, "make the key set, or add a key to it that seals from now on")
	cmd.Flags().BoolVar(&anew, "anew", false, "with --rotate: make a key set although passwords are stored that only the lost one opens")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if anew && !rotate {
			return usagef("--anew goes with --rotate")
		}
		path, err := a.of()
		if err != nil {
			return err
		}
		c, err := a.client()
		if err != nil {
			return err
		}
		var got []byte
		if rotate {
			got, err = c.change(cmd.Context(), http.MethodPost, path+"/password-key", map[string]bool{"rotate": true, "anew": anew})
		} else {
			got, err = c.get(cmd.Context(), path+"/password-key", nil)
		}
		switch {
		case err != nil:
			return err
		case a.json:
			return a.printJSON(got)
		}
		return a.printKeys(got, rotate)
	}
	return cmd
}

func (a *app) printKeys(body []byte, rotated bool) error {
	r, err := decode[keyRows](body)
	if err != nil {
		return err
	}
	if r.Lost {
		a.say("The key set is LOST: passwords are stored that were sealed with one, and it is not in the secret store. Put the last version of the secret password-key back; nothing is lost then. Until it is back, no password reaches Google or a device.")
		return nil
	}
	if !r.Set {
		a.say("There is no key set, so no password can be stored. Make it, once for the whole installation: %s", a.command("password key --rotate"))
		return nil
	}
	var rows [][]string
	for _, k := range r.Keys {
		use := "opens what it sealed"
		switch {
		case k.Primary:
			use = "seals, and opens what it sealed"
		case !k.Enabled:
			use = "disabled"
		}
		rows = append(rows, []string{strconv.FormatUint(uint64(k.ID), 10), use})
	}
	if err := a.table([]string{"KEY", "USE"}, rows); err != nil {
		return err
	}
	if rotated && len(r.Keys) > 1 {
		a.say("A new key seals from now on. The older ones are still needed, because passwords are sealed anew only as they are used.")
	} else if rotated {
		a.say("The key set is made. Passwords are generated where there is a policy: %s", a.command("password policy"))
	}
	return nil
}
