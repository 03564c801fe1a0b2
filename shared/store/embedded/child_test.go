package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

// Some cases need a process of their own: to be killed, to have a limit, to be
// another user. The test executes itself, and these say what the child does.
const (
	envChild = "ROLLCALL_STORE_CHILD"
	envDir   = "ROLLCALL_STORE_DIR"
	envRound = "ROLLCALL_STORE_ROUND"
)

func TestMain(m *testing.M) {
	children := map[string]func(dir string) error{
		"write": writeForEver, "fill": fillUp, "open": openOnce, "open-unprivileged": openUnprivileged,
	}
	child, ok := children[os.Getenv(envChild)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := child(os.Getenv(envDir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(t testing.TB, what, dir string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	// A child under the race detector would sleep for a second before it exits.
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", envChild+"="+what, envDir+"="+dir)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// writers is how many goroutines of the child write at the same time.
const writers = 8

// pair is one transaction of the killed writer: two documents with one index
// value, and the counter of its goroutine.
func pair(id string) [2]store.Document {
	make := func(half string) store.Document {
		return store.Document{
			Key:   store.Key{Kind: "halves", ID: id + "-" + half},
			Body:  []byte(`{"id":"` + id + `","pad":"` + strings.Repeat("x", 1000) + `"}`),
			Index: map[string]string{"id": id},
		}
	}
	return [2]store.Document{make("a"), make("b")}
}

// writeForEver prints the id of every pair that the store has acknowledged.
func writeForEver(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := embedded.Open(ctx, dir)
	if err != nil {
		return err
	}
	var out sync.Mutex
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%s.%d.%06d", os.Getenv(envRound), w, n)
				docs := pair(id)
				if err := s.Update(ctx, func(tx store.Txn) error {
					return errors.Join(tx.Put(docs[0]), tx.Put(docs[1]))
				}); err != nil {
					fmt.Fprintln(os.Stderr, "update:", err)
					return
				}
				out.Lock()
				fmt.Println(id)
				out.Unlock()
			}
		})
	}
	group.Wait()
	return nil
}

// openOnce prints the reason why the store did not open, or "opened".
func openOnce(dir string) error {
	s, err := embedded.Open(context.Background(), dir)
	if err != nil {
		fmt.Println(fault.ReasonOf(err))
		return nil
	}
	fmt.Println("opened")
	return s.Close()
}

// openUnprivileged is openOnce as nobody, since root may write everywhere.
func openUnprivileged(dir string) error {
	if os.Geteuid() == 0 {
		const nobody = 65534
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			return err
		}
	}
	return openOnce(dir)
}

// readLines passes the child's lines on until it ends or take returns false.
func readLines(r *bufio.Scanner, take func(string) bool) {
	for r.Scan() && take(r.Text()) {
	}
}
