package workspace_test

import (
	"context"
	"fmt"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/workspace"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// A client of the simulator creates a user, and sets the password again.
func Example() {
	ctx := context.Background()
	sim := workspacetest.New(workspacetest.Options{})
	defer sim.Close()
	sa, err := sim.NewServiceAccount("sync")
	if err != nil {
		panic(err)
	}
	sim.Tokens.Delegate(sa.Email, admin.AdminDirectoryUserScope)
	sim.AddCustomer("example.com")
	if _, err := sim.AddAdmin("admin@example.com"); err != nil {
		panic(err)
	}
	client := workspace.New(workspace.Options{
		Enterprise: "e1", Subject: "admin@example.com", Endpoint: sim.URL,
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(sa.JSON), nil },
	})

	password := secret.New("correct horse")
	u, err := client.Insert(ctx, workspace.NewUser{
		PrimaryEmail: "anna@example.com", GivenName: "Anna", FamilyName: "Example",
		Password: workspace.Password{Value: password},
	})
	if err != nil {
		panic(err)
	}
	if _, err := client.SetPassword(ctx, u.Key(), password); err != nil {
		panic(err)
	}
	fmt.Println(u.PrimaryEmail, u.Suspended, sim.PasswordIs(u.ID, password))
	// Output: anna@example.com no true
}
