package stack_test

import (
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"crypto/rand"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-retry"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/agent"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/enterprise"
	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/play/playtest"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/setup"
	setuptokens "github.com/rollcall-emm/rollcall/shared/setup/tokens"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

// childPort, set in the environment, makes this test binary a server: every
// function in one process of the Functions Framework, as scripts/function.
const childPort = "ROLLCALL_TEST_CHILD_PORT"

func TestMain(m *testing.M) {
	if port := os.Getenv(childPort); port != "" {
		if err := funcframework.StartHostPort("127.0.0.1", port); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// server is the child process; it can be killed and started again.
type server struct {
	t    *testing.T
	port string
	env  []string
	cmd  *exec.Cmd
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(append(os.Environ(), s.env...), childPort+"="+s.port)
	if err := s.cmd.Start(); err != nil {
		s.t.Error(err)
		return
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+s.port, time.Second)
		if err == nil {
			_ = c.Close()
			return
		}
	}
	s.t.Error("the server does not listen")
}

// kill ends the process as a power cut does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// TestFleet_P2_SurvivesKillsAndFaults: forty devices of ten people enrol while
// Google loses answers, refuses and fails, and the server is killed (SIGKILL) and
// started again, over and over. Every device ends with its account, and each
// person with one.
func TestFleet_P2_SurvivesKillsAndFaults(t *testing.T) {
	t.Parallel()
	const people, each, kills, every = 10, 4, 8, 15
	dice := mathrand.New(mathrand.NewPCG(1, 2))
	play := playtest.New(playtest.Options{NewKey: keys,
		Faults: googletest.NewFaults(googletest.FaultOptions{Float64: dice.Float64})})
	t.Cleanup(play.Close)
	dir := t.TempDir()
	bound, tokens := seed(t, dir, play, people, each)
	for _, f := range []googletest.Script{
		{Method: "androidenterprise.users.insert", Mode: googletest.DropAfter, Probability: 0.1},
		{Method: "*", Mode: googletest.Refuse, Status: http.StatusTooManyRequests, RetryAfter: "1", Probability: 0.05},
		{Method: "*", Mode: googletest.Refuse, Status: http.StatusServiceUnavailable, Probability: 0.05},
	} {
		play.Faults.Add(f)
	}
	s := &server{t: t, port: freePort(t)}
	s.env = []string{"ROLLCALL_DATA=" + dir, "ROLLCALL_PLAY_ENDPOINT=" + play.URL, "ROLLCALL_TOKEN_BURST=1000",
		"ROLLCALL_TOKEN_DAILY=1000", "ROLLCALL_PUBLIC_URL=http://127.0.0.1:" + s.port}
	s.start()

	// The killer strikes after every so many answers, so that it meets all stages.
	answers := make(chan struct{}, 1000)
	killed := make(chan int)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	go func() {
		n, done := 0, 0
		for range answers {
			if n++; n%every == 0 && done < kills {
				s.kill()
				s.start()
				done++
			}
		}
		killed <- done
	}()
	options := &agent.Options{HTTP: fresh, Tries: 2, Observe: func(e agent.Exchange) {
		if e.Err == nil {
			answers <- struct{}{}
		}
	}}
	var wg sync.WaitGroup
	for _, token := range tokens {
		for range each {
			wg.Go(func() {
				if err := settleThroughKills(ctx, play, "http://127.0.0.1:"+s.port, token, options); err != nil {
					t.Errorf("a device did not settle: %v", err)
				}
			})
		}
	}
	wg.Wait()
	close(answers)
	if done := <-killed; done < kills {
		t.Errorf("only %d kills of %d; the test proves less than it says", done, kills)
	}
	s.kill()

	db := openSeeded(t, dir)
	rows, _, err := db.Accounts(t.Context(), "acme", record.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, a := range rows {
		got[fmt.Sprintf("%s on %d devices", a.State, len(a.Bindings))]++
	}
	if diff := cmp.Diff(map[string]int{fmt.Sprintf("%s on %d devices", account.Active, each): people}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if n := play.UserCount(bound); n != people {
		t.Errorf("Google has %d accounts, want %d", n, people)
	}
}

// settleThroughKills drives one device until it has nothing left to do.
func settleThroughKills(ctx context.Context, play *playtest.Server, url string, token secret.Value, opt *agent.Options) error {
	k, err := agent.GenerateKeys(rand.Reader)
	if err != nil {
		return err
	}
	d := play.NewDevice(hexID())
	a, err := agent.New(agent.Config{Keys: k, Play: d, EnrollURL: url + "/enroll", AndroidID: d.AndroidID,
		Save: func(agent.State) error { return nil }, Options: opt})
	if err != nil {
		return err
	}
	return retry.Do(ctx, retry.NewConstant(50*time.Millisecond), func(ctx context.Context) error {
		if err := a.Enroll(ctx, token); err != nil {
			return retry.RetryableError(err)
		}
		r, err := a.CheckIn(ctx)
		if err != nil || !r.Converged {
			return retry.RetryableError(fmt.Errorf("pending: %w", err))
		}
		return nil
	})
}

// seed prepares a folder as an operator would: the Play key, an enterprise, and an
// enrollment token for each person.
func seed(t *testing.T, dir string, play *playtest.Server, people, uses int) (enterpriseID string, tokens []secret.Value) {
	t.Helper()
	sa, err := play.NewServiceAccount("rollcall")
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := file.Open(filepath.Join(dir, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.Put(t.Context(), setuptokens.PlayKey, secret.NewBytes(sa.JSON)); err != nil {
		t.Fatal(err)
	}
	enterpriseID = play.AddEnterprise("Acme", sa.Email)
	driver, err := embedded.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err = record.New(driver, setup.NewID).Update(t.Context(), func(tx *record.Tx) error {
		tokens = nil
		for i := range people {
			value, err := enrollment.NewSecret(rand.Reader)
			if err != nil {
				return err
			}
			tokens = append(tokens, value)
			if err := tx.PutToken(enrollment.Token{ID: enrollment.ID(value), Enterprise: "acme",
				Person: fmt.Sprintf("person-%d", i), Uses: uses, ExpiresAt: now.Add(time.Hour)}); err != nil {
				return err
			}
		}
		return tx.PutEnterprise(enterprise.Enterprise{ID: "acme", Name: "Acme", Play: enterpriseID,
			State: enterprise.Bound, CreatedAt: now, CheckedAt: now})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Close(); err != nil {
		t.Fatal(err)
	}
	return enterpriseID, tokens
}

func openSeeded(t *testing.T, dir string) *record.DB {
	t.Helper()
	driver, err := embedded.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = driver.Close() })
	return record.New(driver, setup.NewID)
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
