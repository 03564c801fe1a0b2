package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Functions returns the names of the functions of the module at root, sorted:
// the folders of functions/ that hold a function.go.
func Functions(root string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, "functions", "*", "function.go"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no function in %s: a function is a folder with a function.go", filepath.Join(root, "functions"))
	}
	names := make([]string, 0, len(found))
	for _, f := range found {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	slices.Sort(names)
	return names, nil
}

// listed is what "go list" says of one package.
type listed struct {
	ImportPath string
	Dir        string
	Standard   bool
	Module     *struct {
		Path string
		Main bool
		Dir  string
	}
	GoFiles, CgoFiles, SFiles, HFiles, CFiles, EmbedFiles []string
}

// files returns the files that belong into an upload, relative to Dir. Tests are
// none of them, for "go list" keeps those apart; nor are files of another system.
func (p listed) files() []string {
	return slices.Concat(p.GoFiles, p.CgoFiles, p.SFiles, p.HFiles, p.CFiles, p.EmbedFiles)
}

// closure is what one function needs of its own module.
type closure struct {
	Module string   // the module's path
	Import string   // the function's import path
	Files  []string // slash-separated, relative to the module's root, sorted
}

// closureOf asks the go command what the function needs on the platform that the
// cloud runs, so that the answer is the same on every developer's machine.
func closureOf(ctx context.Context, root, name string) (closure, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return closure{}, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return closure{}, err
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-deps",
		"-json=ImportPath,Dir,Standard,Module,GoFiles,CgoFiles,SFiles,HFiles,CFiles,EmbedFiles",
		"./functions/"+name)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return closure{}, fmt.Errorf("go list: %w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	var c closure
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return closure{}, fmt.Errorf("go list: %w", err)
		}
		if p.Standard || p.Module == nil || !p.Module.Main {
			continue
		}
		if p.ImportPath == p.Module.Path {
			return closure{}, fmt.Errorf("%s imports the module's root package; the upload's root is a generated file, so move what is needed to shared/", name)
		}
		rel, err := filepath.Rel(root, p.Dir)
		if err != nil || strings.HasPrefix(rel, "..") {
			return closure{}, fmt.Errorf("package %s lies outside the module, in %s", p.ImportPath, p.Dir)
		}
		for _, f := range p.files() {
			c.Files = append(c.Files, filepath.ToSlash(filepath.Join(rel, f)))
		}
		c.Module, c.Import = p.Module.Path, p.ImportPath // -deps lists the function itself last
	}
	for _, f := range []string{"go.mod", "go.sum"} {
		if _, err := os.Stat(filepath.Join(root, f)); err == nil {
			c.Files = append(c.Files, f)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return closure{}, err
		}
	}
	slices.Sort(c.Files)
	c.Files = slices.Compact(c.Files)
	return c, nil
}
