//go:build linux

package bench

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds each wait for a child process. It is far beyond what is needed,
// so that it only ends a run that would hang.
const patience = time.Minute

// pause is how long one attempt to connect waits for the next. It is slept by the
// system call, for time.Sleep rounds such a pause up to a millisecond.
const pause = 50 * time.Microsecond

// BenchmarkColdStart measures how long each HTTP function takes from exec to its
// first answer, with the Google clients that it is deployed with linked in, and the
// embedded store on disk. Each iteration starts, one after the other,
//
//   - a bare Functions Framework hello, a module of its own that needs nothing but
//     the framework, with the versions of dependencies that the framework asks for;
//   - the same hello with the versions that this module uses;
//   - the function.
//
// The medians are reported as hello-ms, hello-own-ms and ms, and as ratios x-hello
// (the target is at most 1.6) and x-hello-own. The run "hello" has the hello of
// this module in the function's place, so its x-hello-own shows the noise.
//
// A function makes its clients at its first request, so what is measured is a true
// first request: it is verified or authenticated, reaches the store, and is
// answered from what the store says.
func BenchmarkColdStart(b *testing.B) {
	f := newFixture(b)
	stock, own := f.buildStock(b), f.build(b, "hello", helloMain)
	for _, s := range f.subjects() {
		b.Run(cmp.Or(s.run, s.name), func(b *testing.B) {
			binary := own
			if s.name != "hello" {
				binary = f.build(b, s.name, functionMain)
			}
			contenders := []struct {
				subject
				binary string
				took   []time.Duration
			}{
				{subject: f.hello(), binary: stock},
				{subject: f.hello(), binary: own},
				{subject: s, binary: binary},
			}
			// Once unmeasured: makes what the first start ever makes, such as secrets,
			// and shows that the answer is the one that is meant.
			for _, c := range contenders {
				f.start(b, c.subject, c.binary)
			}
			for turn := 0; b.Loop(); turn++ {
				for i := range contenders {
					// Who follows whom changes, for a start is not quite without effect
					// on the next.
					c := &contenders[(turn+i)%len(contenders)]
					c.took = append(c.took, f.start(b, c.subject, c.binary))
				}
			}
			hello, helloOwn, function := median(contenders[0].took), median(contenders[1].took), median(contenders[2].took)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(hello, "hello-ms")
			b.ReportMetric(helloOwn, "hello-own-ms")
			b.ReportMetric(function, "ms")
			b.ReportMetric(function/hello, "x-hello")
			b.ReportMetric(function/helloOwn, "x-hello-own")
		})
	}
}

// median returns the median in milliseconds.
func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2]) / float64(time.Millisecond)
}

// helloMain is the least that a function can be.
const helloMain = `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
)

func init() {
	functions.HTTP("NAME", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") })
}

func main() {
	if err := funcframework.Start(os.Getenv("PORT")); err != nil {
		log.Fatal(err)
	}
}
`

// functionMain is what the functions buildpack makes of a function of ours.
const functionMain = `package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	_ "github.com/rollcall-emm/rollcall/functions/NAME"
)

func main() {
	if err := funcframework.Start(os.Getenv("PORT")); err != nil {
		log.Fatal(err)
	}
}
`

// build builds a main package of this module that exists only in an overlay, so
// that nothing is written into the tree, and returns the binary's path.
func (f *fixture) build(b *testing.B, name, source string) string {
	b.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		b.Fatal(err)
	}
	file, overlay := filepath.Join(f.dir, name+".go"), filepath.Join(f.dir, name+".json")
	write(b, file, strings.ReplaceAll(source, "NAME", name))
	write(b, overlay, fmt.Sprintf(`{"Replace": {%q: %q}}`, filepath.Join(root, "functions.local", name, "main.go"), file))
	binary := filepath.Join(f.dir, name)
	goCommand(b, root, "build", "-trimpath", "-ldflags=-s -w", "-overlay", overlay, "-o", binary, "./functions.local/"+name)
	return binary
}

const framework = "github.com/GoogleCloudPlatform/functions-framework-go"

// buildStock builds hello in a module of its own, which has the framework in this
// module's version and nothing else, and returns the binary's path. The first time
// that takes a network.
func (f *fixture) buildStock(b *testing.B) string {
	b.Helper()
	version := strings.TrimSpace(goCommand(b, ".", "list", "-m", "-f", "{{.Version}}", framework))
	dir := filepath.Join(f.dir, "stock")
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	write(b, filepath.Join(dir, "go.mod"), fmt.Sprintf("module hello.example/hello\n\ngo 1.26.0\n\nrequire %s %s\n", framework, version))
	write(b, filepath.Join(dir, "main.go"), strings.ReplaceAll(helloMain, "NAME", "hello"))
	binary := filepath.Join(dir, "hello")
	goCommand(b, dir, "build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
	return binary
}

func write(b *testing.B, path, content string) {
	b.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.Fatal(err)
	}
}

// goCommand runs the go command in dir, where it must succeed, and returns what it
// printed.
func goCommand(b *testing.B, dir string, args ...string) string {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		var stderr []byte
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			stderr = exit.Stderr
		}
		b.Fatalf("go %s: %v (a first run downloads modules, so it needs a network)\n%s", strings.Join(args, " "), err, stderr)
	}
	return string(out)
}

// start runs the binary until its first answer, kills it, and returns how long the
// answer took from exec on.
func (f *fixture) start(b *testing.B, s subject, binary string) time.Duration {
	b.Helper()
	request := s.request(b)
	port := freePort(b)
	var log bytes.Buffer
	cmd := exec.CommandContext(b.Context(), binary)
	cmd.Dir = f.dir
	cmd.Env = append([]string{"FUNCTION_TARGET=" + s.name, "PORT=" + strconv.Itoa(port)}, f.settings()...)
	cmd.Stdout, cmd.Stderr = &log, &log
	// Also a benchmark that is killed leaves no child behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}

	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	status, err := ask(port, request, began.Add(patience))
	took := time.Since(began)
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // frees the port and the store's lock before the next start
	if err != nil {
		b.Fatalf("%s gave no answer: %v\n%s", s.name, err, log.Bytes())
	}
	if status != s.status || !strings.Contains(log.String(), s.logs) {
		b.Fatalf("%s answered %d, want %d and a log line with %s; its log:\n%s", s.name, status, s.status, s.logs, log.Bytes())
	}
	return took
}

// ask sends the request as soon as the port takes connections, and returns the
// status of the whole answer.
func ask(port int, r *http.Request, deadline time.Time) (status int, err error) {
	address := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}
	nap := syscall.NsecToTimespec(int64(pause))
	var conn net.Conn
	for {
		if conn, err = net.DialTCP("tcp4", nil, &address); err == nil {
			break
		}
		if time.Now().After(deadline) {
			return 0, err
		}
		_ = syscall.Nanosleep(&nap, nil) // an interrupted pause is only shorter
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, err
	}
	if err := r.Write(conn); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// freePort returns a port that nobody listened on a moment ago.
func freePort(b *testing.B) int {
	b.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(b.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
