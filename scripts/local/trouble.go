package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/rollcall-emm/rollcall/scripts/local/stack"
	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// breakThings has the simulated Google fail as the real one does on a bad day:
// answers lost before and after the change, quota, and outages.
func breakThings(f *googletest.Faults) {
	const insert, mint = "androidenterprise.users.insert", "androidenterprise.users.generateAuthenticationToken"
	for _, s := range []googletest.Script{
		{Method: insert, Mode: googletest.DropAfter, Probability: 0.10},
		{Method: insert, Mode: googletest.Refuse, Status: http.StatusTooManyRequests, RetryAfter: "1", Probability: 0.05},
		{Method: insert, Mode: googletest.Refuse, Status: http.StatusServiceUnavailable, Probability: 0.05},
		{Method: mint, Mode: googletest.DropBefore, Probability: 0.03},
		{Method: mint, Mode: googletest.DropAfter, Probability: 0.03},
		{Method: mint, Mode: googletest.Refuse, Status: http.StatusTooManyRequests, Probability: 0.05},
		{Method: mint, Mode: googletest.HTML, Status: http.StatusBadGateway, Probability: 0.02},
		{Method: googletest.TokenMethod, Mode: googletest.Refuse, Status: http.StatusServiceUnavailable, Probability: 0.2},
	} {
		f.Add(s)
	}
}

// breakDirectory has the simulated directory of Google fail likewise.
func breakDirectory(f *googletest.Faults) {
	for _, s := range []googletest.Script{
		{Method: "directory.users.list", Mode: googletest.Refuse, Status: http.StatusServiceUnavailable, Probability: 0.1},
		{Method: "directory.users.list", Mode: googletest.DropAfter, Probability: 0.05},
		{Method: "directory.users.insert", Mode: googletest.DropAfter, Probability: 0.05},
	} {
		f.Add(s)
	}
}

// strangers tries to get in without the right to, and reports who did.
func (f *fleet) strangers(ctx context.Context, o office, enterprise string, people []person.Person) error {
	var made enrollmentToken
	if err := o.post(ctx, "/v1/enterprises/"+enterprise+"/enrollment-tokens", map[string]any{"uses": 1}, &made); err != nil {
		return err
	}
	if err := o.remove(ctx, "/v1/enterprises/"+enterprise+"/enrollment-tokens/"+made.ID); err != nil {
		return err
	}
	for what, by := range map[string]agent.Credentials{
		"an unknown enrollment token": agent.ByToken(secret.New("rc1_" + strings.Repeat("A", 43))),
		"a revoked enrollment token":  agent.ByToken(secret.New(made.Secret)),
		"a wrong password":            agent.ByPassword(enterprise, people[0].Entry.Login, secret.New("not the password")),
	} {
		if what == "a wrong password" && people[0].Entry.Login == "" {
			continue
		}
		p, err := f.newPhone(by)
		if err != nil {
			return err
		}
		var no *agent.Problem
		if err := p.agent.EnrollBy(ctx, p.by); !errors.As(err, &no) || no.Status != http.StatusUnauthorized {
			return fmt.Errorf("a stranger with %s was not refused: %w", what, err)
		}
	}
	return nil
}

func firstLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	if len(lines) > 1 {
		return fmt.Sprintf("%s (and %d more like it)", lines[0], len(lines)-1)
	}
	return lines[0]
}

// serve waits for Ctrl-C and says how to talk to what runs.
func serve(ctx context.Context, s *stack.Stack, enterprise string, out io.Writer) {
	bin := "go run ./scripts/rollcall"
	if built := filepath.Join(".build", "rollcall"); exists(built) {
		bin = "./" + built
	}
	fmt.Fprintf(out, `
Serving until Ctrl-C. In another terminal:
  export ROLLCALL_URL=%s/admin
  export ROLLCALL_TOKEN_FILE=%s
  export ROLLCALL_ENTERPRISE=%s
  %s status
Devices enroll at %s/enroll.
A simulated Google Play enterprise that is free to bind: %s
`, s.URL, s.TokenFile, enterprise, bin, s.URL, s.NewPlayEnterprise("Free Enterprise"))
	<-ctx.Done()
	fmt.Fprintln(out, "\nstopping")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
