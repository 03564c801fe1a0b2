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
stored password is lost: keep the secret's older versions.`

// keyRows is what the server says of the key set.
type keyRows struct {
	Set  bool `json:"set"`
	Keys []struct {
		ID      uint32 `json:"id"`
		Primary bool   `json:"primary"`
		Enabled bool   `json:"enabled"`
	} `json:"keys"`
}

func (a *app) passwordKey() *cobra.Command {
	var rotate bool
	cmd := &cobra.Command{
		Use: "key", Short: "Show or rotate the keys that seal stored passwords", Long: passwordKeyHelp, Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&rotate, "rotate", false, "make the key set, or add a key to it that seals from now on")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
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
			got, err = c.change(cmd.Context(), http.MethodPost, path+"/password-key", map[string]bool{"rotate": true})
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
