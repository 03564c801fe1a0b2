package directorysync

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	admin "google.golang.org/api/admin/directory/v1"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest"
	"github.com/rollcall-emm/rollcall/shared/workspace/workspacetest"
)

// The benchmarks' directories are in a process of their own, so that their memory
// is not measured. It is this test binary, called with serveEnv.
const serveEnv = "ROLLCALL_BENCH_SERVE"

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv(serveEnv)); err == nil {
		if err := serveDirectories(n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// away is a process with directories, as its parent sees it.
type away struct {
	Google  string         `json:"google"`
	Key     []byte         `json:"key"`
	LDAP    directory.LDAP `json:"ldap"`
	Control string         `json:"control"`
}

// figures are what the directories counted.
type figures struct {
	Calls, LDAPSearches, LDAPBytes int64
}

// serveDirectories serves n people until standard input ends.
func serveDirectories(n int) error {
	g := workspacetest.New(workspacetest.Options{QuotaPerMinute: 1 << 30})
	sa, err := g.NewServiceAccount("sync")
	if err != nil {
		return err
	}
	g.Tokens.Delegate(sa.Email, admin.AdminDirectoryUserScope, admin.AdminDirectoryUserReadonlyScope)
	customer := g.AddCustomer(domain)
	if _, err := g.AddAdmin(boss); err != nil {
		return err
	}
	users := func(yield func(workspacetest.User) bool) {
		for i := range n - 1 { // with the administrator exactly n
			if !yield(googleUser(i)) {
				return
			}
		}
	}
	if err := g.Seed(users); err != nil {
		return err
	}
	g.Snapshot(customer) // sorts
	l, err := ldaptest.Start(ldaptest.Options{BaseDN: base})
	if err != nil {
		return err
	}
	people := func(yield func(ldaptest.Entry) bool) {
		for i := range n {
			if !yield(ldapPerson(i)) {
				return
			}
		}
	}
	if err := l.AddAll(people); err != nil {
		return err
	}
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.FormValue("from"))
		to, _ := strconv.Atoi(r.FormValue("to"))
		var err error
		for i := from; i < to && err == nil; i++ {
			switch r.URL.Path {
			case "/rename":
				name := "Renamed " + r.FormValue("name")
				err = g.Edit(mail(i), func(u *workspacetest.User) { u.FamilyName = name })
				if err == nil {
					err = l.Set(ldapDN(i), "sn", name)
				}
			case "/remove":
				g.Remove(mail(i))
				err = l.Delete(ldapDN(i))
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		c := l.Counters()
		_ = json.NewEncoder(w).Encode(figures{int64(g.Faults.Calls("*")), c.Searches, c.BytesOut})
	}))
	out := away{Google: g.URL, Key: sa.JSON, LDAP: l.Config(), Control: control.URL}
	out.LDAP.Incremental = directory.Full
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		return err
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
	return nil
}

// sendAway starts the process.
func sendAway(b *testing.B, n int) away {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"="+strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	var a away
	if err := json.NewDecoder(out).Decode(&a); err != nil {
		b.Fatal(err)
	}
	return a
}

// ask changes people at the directories and returns the figures since the start.
func (a away) ask(b *testing.B, what string, from, to int) (f figures) {
	b.Helper()
	url := fmt.Sprintf("%s/%s?from=%d&to=%d&name=%d", a.Control, what, from, to, time.Now().UnixNano())
	resp, err := http.Post(url, "", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: HTTP %d", what, resp.StatusCode)
	}
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil {
		b.Fatal(err)
	}
	return f
}

// nowhere is a bus whose events nobody takes.
type nowhere struct{}

func (nowhere) Publish(context.Context, event.Topic, []byte) (string, error) { return "", nil }
