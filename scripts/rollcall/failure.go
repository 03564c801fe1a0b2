package main

import (
	"errors"
	"fmt"
	"time"
)

// The exit codes, as the help describes them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitRefused     = 4
	exitUnavailable = 5
	exitWarned      = 6
)

// failure is an error with its exit code and a sentence for a person.
type failure struct {
	code       int
	text       string
	fromServer bool
	reason     string        // the server's word, where it had one
	wait       time.Duration // what the server asks for before another attempt
}

func (f *failure) Error() string { return f.text }

func usagef(format string, args ...any) error {
	return &failure{code: exitUsage, text: fmt.Sprintf(format, args...)}
}

func failf(code int, format string, args ...any) error {
	return &failure{code: code, text: fmt.Sprintf(format, args...)}
}

// asFailure returns err's failure, nil for nil. What no command of ours returned is cobra's
// complaint about the command line.
func asFailure(err error) *failure {
	if err == nil {
		return nil
	}
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{code: exitUsage, text: err.Error()}
}

// codeOf returns the exit code for an HTTP status.
func codeOf(status int) int {
	switch status {
	case 400, 405, 413, 415:
		return exitUsage
	case 404:
		return exitNotFound
	case 401, 403, 409:
		return exitRefused
	case 408, 429, 502, 503, 504:
		return exitUnavailable
	}
	return exitFailed
}
