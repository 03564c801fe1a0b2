package play_test

import (
	"context"
	"fmt"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/play"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// A client of the simulator takes an account to a device.
func Example() {
	ctx := context.Background()
	sim := playtest.New(playtest.Options{})
	defer sim.Close()
	sa, err := sim.NewServiceAccount("esa")
	if err != nil {
		panic(err)
	}
	enterprise := sim.AddEnterprise("Example, Inc.", sa.Email)
	client := play.New(play.Options{
		Endpoint:   sim.URL,
		Credential: func(context.Context) (secret.Value, error) { return secret.NewBytes(sa.JSON), nil },
	})

	userID, err := client.Insert(ctx, enterprise, account.Spec{Identifier: "opaque", Type: account.UserAccount})
	if err != nil {
		panic(err)
	}
	token, err := client.MintToken(ctx, enterprise, userID)
	if err != nil {
		panic(err)
	}
	device := sim.NewDevice("3f2a")
	if _, err := device.AddAccount(ctx, token); err != nil {
		panic(err)
	}
	accounts, err := device.Accounts(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(token, len(accounts), accounts[0].State)
	// Output: [redacted] 1 ready
}
