// Command rollcall is the command line of a Rollcall: a client of the function
// admin, on one machine and in the cloud alike. See rollcall --help.
package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := realMain(ctx, &app{
		in: os.Stdin, out: os.Stdout, errs: os.Stderr, getenv: os.Getenv, now: time.Now, wait: wait, backoff: backoff,
		interactive: terminal(os.Stdin) && terminal(os.Stderr), screen: terminal(os.Stderr), transport: http.DefaultTransport,
	}, os.Args[1:])
	stop()
	os.Exit(code)
}

// wait returns nil after d, or ctx's error if that comes first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// terminal reports whether f is a terminal, or another device of characters: there
// a question finds at least an end.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
