// Command deplint holds the directions in which Rollcall's packages may depend
// on each other: functions and adapters on the domain, the domain on the
// standard library. The rules, each with its reason, are a table in rules.go.
// It prints one line for each violation and then exits with 1; an overlong file
// is a warning only.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := run(ctx, ".", os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "deplint:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// run checks the packages that patterns name in dir, all of the module where
// there are none, and reports whether no rule is broken.
func run(ctx context.Context, dir string, patterns []string, stdout io.Writer) (ok bool, err error) {
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	packages, err := load(ctx, dir, patterns)
	if err != nil {
		return false, err
	}
	ok = true
	for _, p := range packages {
		for _, v := range Check(p) {
			ok = false
			fmt.Fprintln(stdout, v)
		}
	}
	warnings, err := longFiles(packages)
	for _, w := range warnings {
		fmt.Fprintln(stdout, "warning:", w)
	}
	return ok, err
}

// load asks the go command for the packages and what they import. A package that
// does not compile is listed all the same (-e): to find that out is the tests' part.
func load(ctx context.Context, dir string, patterns []string) ([]Package, error) {
	args := append([]string{"list", "-e", "-json=ImportPath,Dir,Module,Imports,TestImports,XTestImports,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles"}, patterns...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	var packages []Package
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir                              string
			Module                                       struct{ Path string }
			Imports, TestImports, XTestImports           []string
			GoFiles, CgoFiles, TestGoFiles, XTestGoFiles []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if p.Module.Path == "" {
			return nil, fmt.Errorf("go list: no module holds %s; run it where go.mod is", p.ImportPath)
		}
		packages = append(packages, Package{
			Module:      p.Module.Path,
			Path:        strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, p.Module.Path), "/"),
			Dir:         p.Dir,
			Imports:     p.Imports,
			TestImports: append(p.TestImports, p.XTestImports...),
			Files:       append(append(p.GoFiles, p.CgoFiles...), append(p.TestGoFiles, p.XTestGoFiles...)...),
		})
	}
}
