package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// generatedMain is the main package that the functions buildpack writes into
// functions.local/app for a function that registers itself.
const generatedMain = `package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	_ "MODULE"
)

func main() {
	port := "8080"
	if p := os.Getenv("PORT"); p != "" {
		port = p
	}
	if err := funcframework.Start(port); err != nil {
		log.Fatalf("funcframework.Start: %v\n", err)
	}
}
`

// patience bounds each wait for a child process. It is far beyond what is needed,
// so that a busy machine fails no test.
const patience = time.Minute

// TestEveryFunctionDeploys stages each function of this module, builds it as the
// functions buildpack would, and lets it serve, so that a shape that cannot be
// deployed fails here and not in the cloud.
func TestEveryFunctionDeploys(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	names, err := Functions(root)
	if err != nil {
		t.Fatal(err) // finding none is a failure too
	}
	// The go command remembers what it compiled by the folder that it lay in, so the
	// uploads take turns in one: what several of them have is compiled once.
	upload := filepath.Join(t.TempDir(), "upload")
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			if _, err := Stage(t.Context(), root, name, out); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(upload); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(out, name), upload); err != nil {
				t.Fatal(err)
			}
			binary := buildpackBuild(t, upload)
			t.Parallel() // from here on the folder may be another's
			t.Run("serves", func(t *testing.T) { serves(t, binary, name) })
			t.Run("refuses an unknown target", func(t *testing.T) { refuses(t, binary) })
		})
	}
}

// buildpackBuild builds the upload in dir as the buildpack does and returns the
// binary's path.
func buildpackBuild(t *testing.T, dir string) string {
	t.Helper()
	module := strings.TrimSpace(goCommand(t, dir, "list", "-m"))
	write(t, dir, "functions.local/app/main.go", strings.Replace(generatedMain, "MODULE", module, 1))

	// The buildpack tidies with the network at hand. Here only what was already
	// fetched counts, which lacks the tests of dependencies; so a tidy that does
	// not come through says nothing, and the files are then built as uploaded.
	kept := map[string][]byte{}
	for _, f := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		kept[f] = b
	}
	if out, err := tryGo(t, dir, "mod", "tidy"); err != nil {
		t.Logf("go mod tidy without a network: %v\n%s", err, lastLine(out))
		for f, b := range kept {
			write(t, dir, f, string(b))
		}
	}
	binary := filepath.Join(t.TempDir(), "function")
	goCommand(t, dir, "build", "-ldflags=-s -w", "-o", binary, "./functions.local/app")
	return binary
}

// goCommand runs the go command in dir, where it must succeed, and returns what
// it printed.
func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := tryGo(t, dir, args...)
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// tryGo runs the go command in dir, offline and outside any workspace.
func tryGo(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off", "GOFLAGS=-mod=mod")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// lastLine returns the last line of s.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// start runs the binary with a function target and nothing else of Rollcall's
// configuration. The channel carries what the process exited with.
func start(t *testing.T, binary, target, port string) (output *strings.Builder, exited <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, binary)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "FUNCTION_TARGET=" + target, "PORT=" + port}
	output = new(strings.Builder)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	gone := make(chan struct{})
	go func() {
		done <- cmd.Wait()
		close(gone)
	}()
	t.Cleanup(func() {
		cancel()
		<-gone
	})
	return output, done
}

// serves checks that the binary answers HTTP as the named function; which answer
// it gives is for the function's own tests.
func serves(t *testing.T, binary, name string) {
	port := freePort(t)
	output, exited := start(t, binary, name, port)
	deadline := time.After(patience)
	for poll := time.NewTicker(10 * time.Millisecond); ; {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Error(err)
			}
			resp.Body.Close()
			t.Logf("GET / is answered with %s", resp.Status)
			return
		}
		select {
		case err := <-exited:
			t.Fatalf("the function exited instead of serving: %v\n%s", err, output)
		case <-deadline:
			t.Fatalf("no answer on port %s after %s", port, patience)
		case <-poll.C:
		}
	}
}

// refuses checks that the binary does not start as a function that it has not.
func refuses(t *testing.T, binary string) {
	output, exited := start(t, binary, "no-such-function", freePort(t))
	select {
	case err := <-exited:
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Errorf("an unknown target ended with %v, want a failing exit\n%s", err, output)
		}
	case <-time.After(patience):
		t.Errorf("an unknown target is still running after %s", patience)
	}
}

// freePort returns a port that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
