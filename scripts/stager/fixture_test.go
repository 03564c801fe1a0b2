package main

import (
	"os"
	"path/filepath"
	"testing"
)

// fixture is a module with two functions that share a package. It
// needs nothing from outside: staging lists and copies, and compiles nothing.
var fixture = map[string]string{
	"go.mod":                           "module example.test/app\n\ngo 1.26\n",
	"go.sum":                           "",
	"go.work":                          "go 1.26\n\nuse .\n",
	"functions/hello/function.go":      "package hello\n\nimport _ \"example.test/app/shared/text\"\n",
	"functions/hello/function_test.go": "package hello\n",
	"functions/bye/function.go":        "package bye\n\nimport _ \"example.test/app/shared/text\"\nimport _ \"example.test/app/shared/last\"\n",
	"functions/README.md":              "not a function\n",
	"shared/text/text.go":              "package text\n\nimport \"embed\"\n\n//go:embed words/*.txt\nvar words embed.FS\n",
	"shared/text/text_test.go":         "package text_test\n",
	"shared/text/text_windows.go":      "package text\n",
	"shared/text/words/greeting.txt":   "hello\n",
	"shared/text/notes.md":             "not needed\n",
	"shared/last/last.go":              "package last\n",
	"shared/unneeded/unneeded.go":      "package unneeded\n",
}

// writeFixture writes the fixture module into a new folder and returns it.
func writeFixture(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range fixture {
		write(t, root, name, content)
	}
	return root
}

// write writes one file below root.
func write(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
