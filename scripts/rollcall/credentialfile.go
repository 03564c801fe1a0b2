package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rollcall-emm/rollcall/shared/credential"
)

// newCredential is how a credential is given.
type newCredential struct {
	p12, keyless                  bool
	email, clientID, passwordFile string
}

func (n *newCredential) flags(f *pflag.FlagSet) {
	f.BoolVar(&n.p12, "p12", false, "FILE is a legacy P12 key file")
	f.BoolVar(&n.keyless, "keyless", false, "there is no FILE: Google signs for the service account")
	f.StringVar(&n.email, "email", "", "the service account's `address`, for --p12 and --keyless")
	f.StringVar(&n.clientID, "client-id", "", "the service account's unique id, a `number`, for --p12 and --keyless")
	f.StringVar(&n.passwordFile, "password-file", "", "`file` with the password of the P12, whose last line end does not count, if it is not the\none that Google gives all of them; - is standard input")
}

// read returns what to send. The files are checked as far as their form goes; the
// server checks the rest.
func (n *newCredential) read(a *app, args []string) (map[string]any, error) {
	named := n.email != "" || n.clientID != ""
	switch {
	case n.keyless && (n.p12 || len(args) > 0 || n.passwordFile != ""):
		return nil, usagef("--keyless takes no file; give --email and --client-id alone")
	case (n.keyless || n.p12) && (n.email == "" || n.clientID == ""):
		return nil, usagef("give the service account's address with --email and its unique id with --client-id; Google Cloud's console shows both")
	case !n.keyless && len(args) == 0:
		return nil, usagef("give the key file that Google's console handed out, or --keyless")
	case !n.keyless && !n.p12 && (named || n.passwordFile != ""):
		return nil, usagef("--email, --client-id and --password-file go with --p12 or --keyless; a JSON key file tells them itself")
	case len(args) > 0 && args[0] == "-" && n.passwordFile == "-":
		return nil, usagef("standard input cannot be both the key file and the password")
	case n.keyless:
		return map[string]any{"keyless": map[string]string{"email": n.email, "clientId": n.clientID}}, nil
	case n.p12:
		return n.readP12(a, args[0])
	}
	key, err := a.readKey("FILE", args[0])
	return map[string]any{"key": key}, err
}

func (n *newCredential) readP12(a *app, file string) (map[string]any, error) {
	b, err := a.readFile("FILE", file)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"p12": base64.StdEncoding.EncodeToString(b), "email": n.email, "clientId": n.clientID}
	if len(b) == 0 || len(b) > credential.MaxFile {
		return nil, usagef("FILE: %s is no P12 of one key, which has 1 to %d KiB", file, credential.MaxFile>>10)
	}
	if n.passwordFile != "" {
		p, err := a.readFile("--password-file", n.passwordFile)
		if err != nil {
			return nil, err
		}
		password := strings.TrimSuffix(strings.TrimSuffix(string(p), "\n"), "\r")
		if password == "" {
			return nil, usagef("--password-file: %s is empty", n.passwordFile)
		}
		body["p12Password"] = password
	}
	return body, nil
}

// readKey reads a JSON key file. What it is instead, or lacks, is said before it is
// sent anywhere; which token endpoint may be named, the server says.
func (a *app) readKey(flag, file string) (json.RawMessage, error) {
	b, err := a.readFile(flag, file)
	if err != nil {
		return nil, err
	}
	if _, err := credential.Parse(b, credential.Options{AnyTokenURI: true}); err != nil {
		return nil, usagef("%s: %s", flag, err.Error())
	}
	return json.RawMessage(strings.TrimPrefix(string(b), "\ufeff")), nil
}
