package ldap_test

import (
	"context"
	"fmt"

	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// A client walks a simulated directory, signs a person in, and learns what changed.
func Example() {
	ctx := context.Background()
	sim, err := ldaptest.Start(ldaptest.Options{})
	if err != nil {
		panic(err)
	}
	defer sim.Close()
	anna := ldaptest.Person("dc=example,dc=com", 0)
	anna.Attributes["userPassword"] = []string{"correct horse"}
	if err := sim.Add(anna); err != nil {
		panic(err)
	}
	client := ldap.New(ldap.Options{Config: sim.Config(), Password: sim.Password})

	print := func(p ldap.Page) error {
		for _, e := range p.Entries {
			fmt.Println(e.Name(), e.Mail, e.Unit)
		}
		return nil
	}
	cursor, err := client.Walk(ctx, print)
	if err != nil {
		panic(err)
	}
	if _, err := client.Authenticate(ctx, "u000000", secret.New("correct horse")); err != nil {
		panic(err)
	}
	if err := sim.Set(anna.DN, "cn", "Joana Novák"); err != nil {
		panic(err)
	}
	if _, err := client.Changes(ctx, cursor, print); err != nil {
		panic(err)
	}
	// Output:
	// Joana Eriksen u000000@example.com ou=people,dc=example,dc=com
	// Joana Novák u000000@example.com ou=people,dc=example,dc=com
}
