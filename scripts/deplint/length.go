package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
)

// longest is how many lines a file may have before it should be two.
const longest = 300

// generated matches the line by which Go marks generated files.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// longFiles returns a readable line for each file that is too long and was
// written by hand.
func longFiles(packages []Package) ([]string, error) {
	var found []string
	for _, p := range packages {
		for _, f := range p.Files {
			b, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				return nil, err
			}
			if n := bytes.Count(b, []byte("\n")); n > longest && !generated.Match(b) {
				found = append(found, fmt.Sprintf("%s has %d lines, more than %d: split it by what its parts do", path.Join(p.Path, f), n, longest))
			}
		}
	}
	return found, nil
}
