package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

// maxFile bounds a file that is given; the server takes no more.
const maxFile = 256 << 10

// read takes in the files that are given.
func (s *settings) read(file, passwordFile, keyFile string) error {
	if file != "" {
		b, err := s.app.readFile("--file", file)
		if err != nil {
			return err
		}
		if s.whole, err = toJSON(b, "configuration"); err != nil {
			return err
		}
	}
	if passwordFile != "" {
		b, err := s.app.readFile("--bind-password-file", passwordFile)
		if err != nil {
			return err
		}
		s.password = secret.New(strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"))
		if s.password.Empty() {
			return usagef("--bind-password-file: %s is empty", passwordFile)
		}
	}
	if keyFile != "" {
		key, err := s.app.readKey("--google-key-file", keyFile)
		if err != nil {
			return err
		}
		s.key = key
	}
	return nil
}

// readFile reads a file that a flag names, or standard input for "-".
func (a *app) readFile(flag, name string) ([]byte, error) { return a.readUpTo(flag, name, maxFile) }

// readUpTo is readFile with a bound in bytes.
func (a *app) readUpTo(flag, name string, most int64) ([]byte, error) {
	from := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usagef("%s cannot be read: %v", flag, err)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, most+1))
	switch {
	case err != nil:
		return nil, usagef("%s cannot be read: %v", flag, err)
	case int64(len(b)) > most:
		return nil, usagef("%s: %s is larger than %d bytes", flag, name, most)
	}
	return b, nil
}

// toJSON makes JSON of something in YAML; JSON stays as it is, so that the server
// judges it.
func toJSON(b []byte, what string) (json.RawMessage, error) {
	if trimmed := bytes.TrimSpace(b); bytes.HasPrefix(trimmed, []byte("{")) && json.Valid(trimmed) {
		return trimmed, nil
	}
	var v map[string]any
	if err := yaml.Unmarshal(b, &v); err != nil {
		// The library's text can quote the file, which may be another's, a password's say.
		return nil, usagef("--file is neither YAML nor JSON of a %s%s", what, lineOf(err))
	}
	if len(v) == 0 {
		return nil, usagef("--file holds no %s", what)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil, usagef("--file: names of members must be text")
	}
	return out, nil
}

var linePattern = regexp.MustCompile(`\bline [0-9]+`)

func lineOf(err error) string {
	if line := linePattern.FindString(err.Error()); line != "" {
		return ": see " + line
	}
	return ""
}
