// Function starts one function alone, as the cloud does, on this machine:
//
//	FUNCTION_TARGET=checkin PORT=8080 go run ./scripts/function
//
// Without FUNCTION_TARGET it serves each function at /NAME. It listens on
// loopback; HOST names another address. The README lists the settings.
package main

import (
	"cmp"
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ "github.com/rollcall-emm/rollcall/functions/admin"
	_ "github.com/rollcall-emm/rollcall/functions/checkin"
	_ "github.com/rollcall-emm/rollcall/functions/directorysync"
	_ "github.com/rollcall-emm/rollcall/functions/directorywatch"
	_ "github.com/rollcall-emm/rollcall/functions/enroll"
	_ "github.com/rollcall-emm/rollcall/functions/mailtoken"
	_ "github.com/rollcall-emm/rollcall/functions/passwordpush"
	_ "github.com/rollcall-emm/rollcall/functions/passwordsweep"
	_ "github.com/rollcall-emm/rollcall/functions/provision"
	_ "github.com/rollcall-emm/rollcall/functions/reconcile"
	_ "github.com/rollcall-emm/rollcall/functions/token"
)

func main() {
	host, port := cmp.Or(os.Getenv("HOST"), "127.0.0.1"), cmp.Or(os.Getenv("PORT"), "8080")
	if err := funcframework.StartHostPort(host, port); err != nil {
		log.Fatalf("cannot serve on %s:%s: %v", host, port, err)
	}
}
