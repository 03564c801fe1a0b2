package dovecottest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/rollcall-emm/rollcall/shared/mail"
)

// nowhere is an endpoint that nobody is asked at.
var nowhere = Options{Introspection: "http://name:password@127.0.0.1:9/"}

// silent waits until nobody listens at the port.
func silent(t *testing.T, port int) {
	t.Helper()
	pace := retry.WithMaxDuration(20*time.Second, retry.NewConstant(10*time.Millisecond))
	err := retry.Do(t.Context(), pace, func(context.Context) error {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = conn.Close()
			return retry.RetryableError(errors.New("somebody listens"))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestServer_LeavesNothingBehind(t *testing.T) {
	t.Parallel()
	Need(t)
	s, err := Run(t.Context(), nowhere)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Deliver("ann@example.com"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	silent(t, s.IMAP(mail.StartTLS).Port)
	silent(t, s.IMAP(mail.ImplicitTLS).Port)
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("the folder: %v", err)
	}
}

func TestServer_SaysThatItDoesNotStart(t *testing.T) {
	t.Parallel()
	Need(t)
	s, err := Run(t.Context(), Options{Mechanisms: "nonsense"})
	if err == nil || !strings.Contains(err.Error(), "did not start") || s != nil {
		t.Errorf("%v, %v", s, err)
	}
}

// killed is set in the process of the test that is killed.
const killed = "DOVECOTTEST_KILLED"

func TestServer_EndsWithATestThatIsKilled(t *testing.T) {
	t.Parallel()
	Need(t)
	if os.Getenv(killed) != "" {
		s, err := Run(t.Context(), nowhere)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\n%s %d\n", s.dir, s.plain)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServer_EndsWithATestThatIsKilled$")
	cmd.Env = append(os.Environ(), killed+"=yes")
	out, _ := cmd.Output() // it is killed
	var dir string
	var port int
	if _, err := fmt.Sscanf(strings.TrimSpace(string(out)), "%s %d", &dir, &port); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	silent(t, port)
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}
