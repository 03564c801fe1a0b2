package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckUpload(t *testing.T) {
	t.Parallel()
	const root = "package upload\n\nimport _ \"" + framework + "\"\n"
	tests := []struct {
		name  string
		files map[string]string // put over a good upload; "" removes the file
		want  string            // in the error; "" is no error
	}{
		{name: "good"},
		{"no go.mod", map[string]string{"go.mod": ""}, "needs a go.mod"},
		{"nameless module", map[string]string{"go.mod": "go 1.26\n"}, "names no module"},
		{"module without a dot", map[string]string{"go.mod": "module app/x\n"}, "needs a dot"},
		{"no package", map[string]string{"function.go": ""}, "no Go package"},
		{"two packages", map[string]string{"b.go": "package other\n"}, "several packages (other, upload)"},
		{"package main", map[string]string{"function.go": strings.Replace(root, "upload", "main", 1)}, "package main"},
		{"external test", map[string]string{"a_test.go": "package upload_test\n"}, "several packages (upload, upload_test)"},
		{"indirect import", map[string]string{"function.go": "package upload\n\nimport _ \"example.test/app/functions/hello\"\n"}, "must itself import"},
		{"syntax error", map[string]string{"function.go": "packag upload\n"}, "expected 'package'"},
		{"test below", map[string]string{"shared/a/a_test.go": "package a\n"}, "a_test.go: tests pull"},
		{"workspace", map[string]string{"go.work": "go 1.26\n"}, "workspaces"},
		{"nested module", map[string]string{"shared/a/go.mod": "module example.test/a\n"}, "module within the module"},
		{"vendor", map[string]string{"vendor/modules.txt": "x\n"}, "vendor:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "go.mod", "module example.test/app\n")
			write(t, dir, "function.go", root)
			write(t, dir, "shared/a/a.go", "package a\n")
			for name, content := range tt.files {
				if content != "" {
					write(t, dir, name, content)
				} else if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			err := CheckUpload(dir)
			if tt.want == "" && err != nil {
				t.Errorf("got error %v, want none", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestCheckUploadNeedsAWritableGoMod(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module example.test/app\n")
	write(t, dir, "function.go", "package upload\n\nimport _ \""+framework+"\"\n")
	if err := os.Chmod(filepath.Join(dir, "go.mod"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := CheckUpload(dir); err == nil || !strings.Contains(err.Error(), "writable") {
		t.Errorf("got error %v, want one that says writable", err)
	}
}
