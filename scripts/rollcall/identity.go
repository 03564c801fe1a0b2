package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rollcall-emm/rollcall/shared/secret"
)

const defaultIdentityCommand = "gcloud auth print-identity-token"

// identity proves who asks: by the token of a file, or by the identity token that
// a command prints.
type identity struct {
	now     func() time.Time
	file    string
	command []string

	token   secret.Value
	fetched time.Time
}

// identityLife is how long a printed token is used; Google's live an hour.
const identityLife = 30 * time.Minute

func (a *app) identity(u *url.URL) (*identity, error) {
	id := &identity{now: a.now}
	if u.Scheme == "https" && !a.tokenFileGiven {
		// The file in the environment is the local server's, and none of this one's
		// business.
		if id.command = strings.Fields(a.identityCommand); len(id.command) == 0 {
			return nil, usagef("--identity-token-command is empty; give a command that prints an identity token, such as %q", defaultIdentityCommand)
		}
		return id, nil
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, usagef("%s would send your token in the clear; use https for another machine", a.url)
	}
	if id.file = a.tokenFile; id.file == "" {
		return nil, usagef("say who you are: give --token-file or set ROLLCALL_TOKEN_FILE to the file in which the server at %s keeps its admin token", a.url)
	}
	return id, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// prove puts the token into the request. Cloud Run checks the one in
// X-Serverless-Authorization and takes its signature away; the one in
// Authorization arrives whole, and the function verifies it itself.
func (id *identity) prove(ctx context.Context, req *http.Request) error {
	if id.token.Empty() || len(id.command) > 0 && id.now().Sub(id.fetched) > identityLife {
		token, err := id.fetch(ctx)
		if err != nil {
			return err
		}
		id.token, id.fetched = token, id.now()
	}
	req.Header.Set("Authorization", "Bearer "+id.token.Reveal())
	if len(id.command) > 0 {
		req.Header.Set("X-Serverless-Authorization", "Bearer "+id.token.Reveal())
	}
	return nil
}

func (id *identity) fetch(ctx context.Context) (secret.Value, error) {
	if id.file != "" {
		return readToken(id.file)
	}
	cmd := exec.CommandContext(ctx, id.command[0], id.command[1:]...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return secret.Value{}, failf(exitFailed, "there is no program %s; install it, or say with --identity-token-command what prints your identity token", id.command[0])
	}
	if err != nil {
		why := strings.TrimSpace(errs.String())
		if why == "" {
			why = err.Error()
		}
		return secret.Value{}, failf(exitFailed, "%q printed no identity token: %s", strings.Join(id.command, " "), why)
	}
	return oneToken(out, "the output of "+id.command[0])
}

func readToken(file string) (secret.Value, error) {
	f, err := os.Open(file)
	if err != nil {
		return secret.Value{}, failf(exitFailed, "the admin token cannot be read (%v); start the server, which makes the file, or correct --token-file or ROLLCALL_TOKEN_FILE", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, 16<<10))
	if err != nil {
		return secret.Value{}, failf(exitFailed, "the admin token cannot be read: %v", err)
	}
	return oneToken(b, file)
}

// oneToken refuses what could not go into a header, and never shows it.
func oneToken(b []byte, from string) (secret.Value, error) {
	s := strings.TrimSpace(string(b))
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return secret.Value{}, failf(exitFailed, "%s holds no token", from)
	}
	return secret.New(s), nil
}

// advice says what to do about a 401.
func (id *identity) advice() string {
	if id.file != "" {
		return "the server did not accept the admin token in " + id.file + "; give the file of this very server with --token-file, and talk to it from the machine on which it runs"
	}
	return "the server did not accept the identity token of " + id.command[0] + "; sign in (gcloud auth login), and ask the operator whether the token's audience is on the server's list"
}
