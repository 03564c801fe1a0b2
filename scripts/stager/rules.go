package main

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// moduleLine finds the module's path in a go.mod.
var moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)"?`)

// CheckUpload applies to the upload in dir the rules by which the functions
// buildpack finds a Go function, and the go command's that follow from them. A
// broken rule is found here in milliseconds, and in the cloud after minutes.
func CheckUpload(dir string) error {
	return errors.Join(checkModule(dir), checkRoot(dir), checkLeftOut(dir))
}

// checkModule holds that go.mod is there, that the buildpack may edit it, and
// that the module's path is one that the go command never takes for a package of
// the standard library.
func checkModule(dir string) error {
	path := filepath.Join(dir, "go.mod")
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the upload needs a go.mod in its root: %w", err)
	}
	if info, err := os.Stat(path); err != nil {
		return err
	} else if info.Mode()&0o200 == 0 {
		return fmt.Errorf("go.mod must be writable: the buildpack edits it")
	}
	m := moduleLine.FindSubmatch(b)
	if m == nil {
		return fmt.Errorf("go.mod names no module")
	}
	if first, _, _ := strings.Cut(string(m[1]), "/"); !strings.Contains(first, ".") {
		return fmt.Errorf("module path %s needs a dot in its first element", m[1])
	}
	return nil
}

// checkRoot holds that the root folder has exactly one package, tests counted,
// and that this package imports the framework itself.
func checkRoot(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	packages := map[string]bool{}
	imports := map[string]bool{}
	for _, f := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ImportsOnly)
		if err != nil {
			return fmt.Errorf("the upload's root: %w", err)
		}
		packages[parsed.Name.Name] = true
		for _, spec := range parsed.Imports {
			imports[strings.Trim(spec.Path.Value, "\"`")] = true
		}
	}
	names := slices.Sorted(maps.Keys(packages))
	switch {
	case len(names) == 0:
		return fmt.Errorf("the upload's root holds no Go package")
	case len(names) > 1:
		return fmt.Errorf("the upload's root holds several packages (%s), tests counted; it may hold one", strings.Join(names, ", "))
	case names[0] == "main":
		return fmt.Errorf("the upload's root is package main; the buildpack has to import it")
	case !imports[framework]:
		return fmt.Errorf("the upload's root must itself import %s", framework)
	}
	return nil
}

// checkLeftOut holds that nothing is uploaded which only does harm there.
func checkLeftOut(dir string) error {
	var errs []error
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		switch {
		case strings.HasSuffix(rel, "_test.go"):
			errs = append(errs, fmt.Errorf("%s: tests pull their dependencies into the build", rel))
		case d.Name() == "go.work":
			errs = append(errs, fmt.Errorf("%s: the buildpack does not understand workspaces", rel))
		case d.Name() == "go.mod" && rel != "go.mod":
			errs = append(errs, fmt.Errorf("%s: a module within the module is left out of the build", rel))
		case rel == "vendor" && d.IsDir():
			errs = append(errs, fmt.Errorf("vendor: it would have to hold the whole framework; leave it out"))
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}
