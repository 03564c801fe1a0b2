package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest/slapdtest"
	"github.com/rollcall-emm/rollcall/shared/person"
)

func TestRun_MainJobConverges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	report := filepath.Join(dir, "report.json")
	args := []string{"--devices", "40", "--steady", "200ms", "--data", filepath.Join(dir, "data"), "--report", report}
	for i := range 2 { // the second finds the first one's data
		var out, errOut bytes.Buffer
		if code := realMain(context.Background(), args, &out, &errOut); code != 0 {
			t.Fatalf("run %d: exit %d\n%s%s", i+1, code, &out, &errOut)
		}
		s := readSummary(t, report)
		type figures struct {
			Converged, User, Device, Google int
			Problems                        []string
		}
		want := figures{Converged: 40, User: 26, Device: 5, Google: 31, Problems: []string{}}
		got := figures{s.Converged, s.UserAccounts, s.DeviceAccounts, s.GoogleAccounts, s.Problems}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("run %d (-want +got):\n%s", i+1, diff)
		}
		if s.Steady.CheckIns == 0 || s.Steady.Reads != 1 || s.Steady.Writes != 0 {
			t.Errorf("run %d: steady check-ins %+v", i+1, s.Steady)
		}
	}
}

// TestRun_PeopleOfEveryMode: in each mode the people come from their directory, who
// leaves or is locked loses the account, who returns gets it back, and an empty
// answer takes nothing from anybody.
func TestRun_PeopleOfEveryMode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		args   []string
		listed int
	}{
		{"ldap-only", []string{"--directory", "ldap-only"}, 96},
		{"google-only", []string{"--directory", "google-only"}, 97}, // the administrator too
		{"slapd", []string{"--ldap", "slapd"}, 96},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.name == "slapd" {
				slapdtest.Need(t)
			}
			var out, errOut bytes.Buffer
			report := filepath.Join(t.TempDir(), "report.json")
			if code := realMain(context.Background(), append(tc.args, "--devices", "30", "--steady", "10ms", "--patience", "1m", "--report", report), &out, &errOut); code != 0 {
				t.Fatalf("exit %d\n%s%s", code, &out, &errOut)
			}
			s := readSummary(t, report)
			if s.Directory.Listed != tc.listed || s.Unchanged.Listed != tc.listed-1 || s.Unchanged.Planned != nil {
				t.Errorf("listed %d, later %+v; want %d, then one less and no plan", s.Directory.Listed, s.Unchanged, tc.listed)
			}
			want := &turnover{Left: 1, Locked: 1, Withdrawn: 2, Returned: 1, AddedAgain: 1}
			if diff := cmp.Diff(want, s.Turnover); diff != "" {
				t.Errorf("turnover (-want +got):\n%s", diff)
			}
			if tc.name != "slapd" && !strings.Contains(s.HeldBack, "lists nobody") {
				t.Errorf("held back: %q", s.HeldBack)
			}
		})
	}
}

// TestRun_D2_MakesGoogleAccounts: in read-write mode everybody gets one.
func TestRun_D2_MakesGoogleAccounts(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	report := filepath.Join(t.TempDir(), "report.json")
	args := []string{"--directory", "read-write", "--people", "30", "--devices", "20", "--steady", "10ms", "--patience", "1m", "--report", report}
	if code := realMain(context.Background(), args, &out, &errOut); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, &out, &errOut)
	}
	s := readSummary(t, report)
	if s.Directory.Mode != directory.ReadWrite || s.Directory.Created != 30 {
		t.Errorf("%+v; want 30 accounts made", s.Directory)
	}
}

func readSummary(t *testing.T, path string) (s summary) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRun_OnTheEmulators(t *testing.T) {
	for _, name := range []string{"FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"} {
		if os.Getenv(name) == "" {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not set, and CI leaves nothing out", name)
			}
			t.Skipf("%s is not set; ./scripts/test starts the emulators", name)
		}
	}
	var out, errOut bytes.Buffer
	args := []string{"--devices", "12", "--steady", "200ms", "--store", "firestore", "--bus", "pubsub", "--data", t.TempDir()}
	if code := realMain(context.Background(), args, &out, &errOut); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, &out, &errOut)
	}
}

// TestRun_SaysWhatIsInTheWay: what a user gets wrong is told in words that say
// what to do, and leaves nothing behind.
func TestRun_SaysWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Close() })
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("dn: x\nnot ldif"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		args []string
		code int
		say  string
	}{
		{"port in use", []string{"--listen", busy.Addr().String()}, 1, "choose another with --listen"},
		{"data is a file", []string{"--data", file}, 1, "choose another with --data"},
		{"data cannot be made", []string{"--data", "/proc/rollcall"}, 1, "choose another with --data"},
		{"no such LDIF", []string{"--ldif", file + "x"}, 2, "cannot read the LDIF file"},
		{"not LDIF", []string{"--ldif", file}, 2, "LDIF"},
		{"no devices", []string{"--devices", "0"}, 2, "--devices"},
		{"people twice", []string{"--people", "3", "--ldif", file}, 2, "not both"},
		{"made up people, but none", []string{"--people", "0"}, 2, "--people"},
		{"unknown directory", []string{"--ldap", "paper"}, 2, "--ldap: give builtin, slapd, or a URL"},
		{"two directories", []string{"--ldap", "ldaps://ldap.example.com", "--people", "3"}, 2, "has its own people"},
		{"unknown mode", []string{"--directory", "paper"}, 2, "--directory: give ldap-only"},
		{"no such password file", []string{"--ldap", "ldaps://ldap.example.com", "--ldap-password-file", file + "x"}, 2, "--ldap-password-file"},
		{"unknown store", []string{"--store", "paper"}, 2, "--store: give embedded or firestore"},
		{"unknown bus", []string{"--bus", "paper"}, 2, "--bus: give embedded or pubsub"},
		{"report into nowhere", []string{"--report", file + "x/report.json"}, 2, "there is no folder"},
		{"a word", []string{"paper"}, 2, "is not a flag"},
		{"unknown flag", []string{"--paper"}, 2, "--help"},
		{"firestore without a project", []string{"--store", "firestore"}, 2, "project"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.name == "firestore without a project" && (os.Getenv("FIRESTORE_EMULATOR_HOST") != "" || os.Getenv("GOOGLE_CLOUD_PROJECT") != "") {
				tc.args, tc.code, tc.say = []string{"--devices", "-1"}, 2, "--devices"
			}
			var out, errOut bytes.Buffer
			if code := realMain(context.Background(), tc.args, &out, &errOut); code != tc.code {
				t.Errorf("exit %d, want %d", code, tc.code)
			}
			if !strings.Contains(errOut.String(), tc.say) {
				t.Errorf("says %q, want %q in it", errOut.String(), tc.say)
			}
		})
	}
}

// TestRun_TwoInOneFolder: the second is told so, and the first goes on.
func TestRun_TwoInOneFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	var second bytes.Buffer
	first := &watch{until: "Serving until Ctrl-C", then: func() {
		if code := realMain(context.Background(), []string{"--devices", "1", "--data", dir}, &bytes.Buffer{}, &second); code != 1 {
			t.Errorf("the second run: exit %d", code)
		}
		cancel()
	}}
	var errOut bytes.Buffer
	if code := realMain(ctx, []string{"--devices", "2", "--steady", "10ms", "--serve", "--data", dir}, first, &errOut); code != 0 {
		t.Errorf("the first run: exit %d, %s", code, &errOut)
	}
	if !strings.Contains(second.String(), "Another Rollcall process uses the folder") {
		t.Errorf("the second run says %q", second.String())
	}
}

func TestRun_StopsCleanlyWhenInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	said := &watch{until: "Serving until Ctrl-C", then: cancel}
	var errOut bytes.Buffer
	code := realMain(ctx, []string{"--devices", "3", "--steady", "10ms", "--serve"}, said, &errOut)
	if code != 0 || !strings.Contains(said.String(), "stopping") {
		t.Errorf("exit %d, said %q, %s", code, said.String(), &errOut)
	}
	ctx, cancel = context.WithCancel(context.Background())
	said = &watch{until: "enrolling", then: cancel}
	if code := realMain(ctx, []string{"--devices", "500"}, said, &errOut); code != 130 {
		t.Errorf("interrupted while enrolling: exit %d", code)
	}
}

// watch is an output that calls then once it was told until.
type watch struct {
	bytes.Buffer
	until string
	then  func()
}

func (w *watch) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if then := w.then; then != nil && strings.Contains(w.String(), w.until) {
		w.then = nil
		then()
	}
	return n, err
}

func TestAssign_SpreadsDevices(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ people, devices, most, dedicated int }{
		{96, 200, 11, 20}, {96, 5, 1, 0}, {1, 40, 36, 4}, {3, 14, 11, 1}, {400, 1000, 11, 100},
	} {
		total, most, dedicated := 0, 0, 0
		for _, a := range assign(makePeople(tc.people), tc.devices) {
			total += a.devices
			if a.owner.ID == "" {
				dedicated = a.devices
			} else {
				most = max(most, a.devices)
			}
		}
		if total != tc.devices || most != tc.most || dedicated != tc.dedicated {
			t.Errorf("%d people, %d devices: %d in all, %d at most, %d dedicated; want %+v", tc.people, tc.devices, total, most, dedicated, tc)
		}
	}
}

// makePeople makes up n people.
func makePeople(n int) []person.Person {
	people := make([]person.Person, n)
	for i := range people {
		people[i].ID = fmt.Sprint(i)
	}
	return people
}

func TestPeople_Sample(t *testing.T) {
	t.Parallel()
	var l ldapServer
	if _, err := (options{}).fill(&l); err != nil || len(l.people) != 96 {
		t.Fatalf("%d people, %v", len(l.people), err)
	}
	var unicode bool
	for _, p := range l.people {
		unicode = unicode || strings.ContainsFunc(p.first("cn"), func(r rune) bool { return r > 0x7f })
	}
	if !unicode {
		t.Error("no name has a letter beyond ASCII; base64 values are not decoded")
	}
}

// TestPeople_AsServersExportThem: attribute names in any case, a byte order mark,
// and a base64 value.
func TestPeople_AsServersExportThem(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "people.ldif")
	text := "\ufeffdn: uid=a\nCN: Anna\nentryuuid: 1\n\ndn: ou=b\nou: b\n\ndn: uid=b\ncn:: SsO8cmdlbg==\nENTRYUUID:: Mg==\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var l ldapServer
	others, err := options{ldif: file}.fill(&l)
	if err != nil || len(others) != 1 {
		t.Fatalf("%d entries that are no people, %v", len(others), err)
	}
	var got []string
	for _, p := range l.people {
		got = append(got, p.first("entryUUID")+" "+p.first("cn"))
	}
	if diff := cmp.Diff([]string{"1 Anna", "2 Jürgen"}, got); diff != "" {
		t.Errorf("people (-want +got):\n%s", diff)
	}
}
