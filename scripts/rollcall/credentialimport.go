package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-emm/rollcall/shared/credential"
)

const credentialImportHelp = `Give an enterprise its credential, after checks: what the file is, whose key it is, and
whether it sends its proofs to Google. What is then shown is for comparison with Google
Cloud's console.

  FILE         the JSON key file of a service account, as Google's console handed it
               out; - is standard input
  FILE --p12   a legacy key file, which tells neither --email nor --client-id
  --keyless    no key file: the functions' own service account has Google sign for
               this one, and needs the role Service Account Token Creator on it. This
               is the way that Google recommends.

--verify tries it at Google before it is stored, with a token for every scope that the
enterprise uses. If there is a credential already, this one takes its place; that asks
first. To change a key without a gap: rollcall credential rotate.`

const credentialRotateHelp = `Have a new credential take the place of the one that there is. It is tried first: Google
must give it a token for every scope that the enterprise uses, as the administrator
whom its directory names. If one fails, nothing changes, and it is said which and what
to do. Where the enterprise has no directory of Google's and no mail client a list of
mailboxes, nobody is known to act for, and it is said which scopes were not tried.
Afterwards the secret store's copy of the old key is destroyed, unless it may be of
another service account and a scope was not tried; the key itself is deleted in Google
Cloud's console.

FILE and flags are those of rollcall credential import.`

// credentialReply is what the server says of an import or a rotation.
type credentialReply struct {
	Credential credential.View  `json:"credential"`
	Replaced   *credential.View `json:"replaced"`
	Tried      []struct {
		Scope   string `json:"scope"`
		Subject string `json:"subject"`
	} `json:"tried"`
	Untried []string `json:"untried"`
	Covered bool     `json:"covered"`
	OldKept string   `json:"oldKept"`
}

func (a *app) credentialImport() *cobra.Command {
	var in newCredential
	var verify, yes bool
	cmd := &cobra.Command{
		Use: "import FILE | import --keyless --email ADDRESS --client-id NUMBER", Short: "Give an enterprise its credential", Long: credentialImportHelp, Args: cobra.MaximumNArgs(1),
		Example: "  rollcall credential import key.json --verify\n" +
			"  rollcall credential import key.p12 --p12 --email sync@project.iam.gserviceaccount.com --client-id 104123456789012345678\n" +
			"  rollcall credential import --keyless --email sync@project.iam.gserviceaccount.com --client-id 104123456789012345678",
	}
	in.flags(cmd.Flags())
	cmd.Flags().BoolVar(&verify, "verify", false, "try it at Google before it is stored")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, c, body, err := a.credentialOrder(in, args)
		if err != nil {
			return err
		}
		old, err := c.credential(cmd.Context(), path)
		if err != nil && asFailure(err).code != exitNotFound && asFailure(err).reason != "credential-unusable" {
			return err
		}
		if err == nil && !yes {
			question := "There is a credential already, of " + clean(old.ClientEmail) + ". Have this one take its place?"
			if err := a.confirm(cmd.Context(), "credential import over another credential", question); err != nil {
				return err
			}
		}
		if verify {
			body["verify"] = true
		}
		got, err := c.change(cmd.Context(), http.MethodPut, path+"/credential", body)
		if err != nil {
			return ofCredential(err)
		}
		return a.printCredential(got)
	}
	return cmd
}

func (a *app) credentialRotate() *cobra.Command {
	var in newCredential
	cmd := &cobra.Command{
		Use: "rotate FILE", Short: "Have a new key take the old one's place, once Google takes it", Long: credentialRotateHelp, Args: cobra.MaximumNArgs(1),
		Example: "  rollcall credential rotate new-key.json",
	}
	in.flags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, c, body, err := a.credentialOrder(in, args)
		if err != nil {
			return err
		}
		got, err := c.change(cmd.Context(), http.MethodPut, path+"/credential/rotate", body)
		if err != nil {
			return ofCredential(err)
		}
		return a.printCredential(got)
	}
	return cmd
}

// credentialOrder reads all that can be read before anything is asked of the server.
func (a *app) credentialOrder(in newCredential, args []string) (path string, c *client, body map[string]any, err error) {
	if path, err = a.of(); err != nil {
		return "", nil, nil, err
	}
	if body, err = in.read(a, args); err != nil {
		return "", nil, nil, err
	}
	c, err = a.client()
	return path, c, body, err
}

// credential returns what may be seen of an enterprise's credential.
func (c *client) credential(ctx context.Context, path string) (credential.View, error) {
	got, err := c.get(ctx, path+"/credential", nil)
	if err != nil {
		return credential.View{}, err
	}
	return decode[credential.View](got)
}

var credentialFlagOf = map[string]string{
	"p12Password": "password-file", "email": "email", "clientId": "client-id", "keyless.email": "email", "keyless.clientId": "client-id",
}

// ofCredential says of a refusal which member of the file it is about, or which flag.
func ofCredential(err error) error {
	f := asFailure(err)
	if f == nil || !f.fromServer {
		return err
	}
	c := *f
	c.text = strings.TrimPrefix(c.text, "key.")
	return withFlag(&c, credentialFlagOf)
}

func (a *app) printCredential(got []byte) error {
	if a.json {
		return a.printJSON(got)
	}
	r, err := decode[credentialReply](got)
	if err != nil {
		return err
	}
	if err := a.table(nil, credentialRows(r.Credential)); err != nil {
		return err
	}
	a.say("\nStored. Compare it with Google Cloud's console: IAM & Admin, Service Accounts.")
	for _, t := range r.Tried {
		a.say("Google gave it a token for %s as %s.", clean(t.Scope), clean(t.Subject))
	}
	for _, scope := range r.Untried {
		a.say("warning: %s could not be tried, for nobody is known to act for; try a mailbox: %s", clean(scope), a.command("mail check MAILBOX"))
	}
	if r.Covered {
		a.say("warning: somebody else stored a credential in the same moment; this one is in use, and the other is not.")
	}
	if r.OldKept != "" {
		a.say("warning: the secret store's copy of the old one is not destroyed: %s.", strings.TrimSuffix(clean(r.OldKept), "."))
	}
	if r.Replaced != nil {
		a.sayOld(*r.Replaced, &r.Credential)
	}
	if len(r.Tried) == 0 {
		a.say("Which scopes it needs, and whether Google grants them: %s", a.command("doctor"))
	}
	return nil
}

// sayOld says what to do at Google about a credential that is not used any more; now
// is the one that is used, if there is one.
func (a *app) sayOld(old credential.View, now *credential.View) {
	wait := ""
	if now != nil {
		wait = "The functions take the new one within 15 minutes. After that, "
	}
	const console = "in Google Cloud's console under IAM & Admin, Service Accounts, "
	if old.Kind == credential.Key && (now == nil || old.Fingerprint != now.Fingerprint) {
		key := "the key " + clean(old.KeyID)
		if old.KeyID == "" {
			key = "the key with the SHA-256 " + clean(old.Fingerprint)
		}
		a.say("%s", upper(wait+"delete "+key+" "+console+clean(old.ClientEmail)+", Keys: Google takes it until then."))
	}
	if now == nil || old.ClientID != now.ClientID {
		a.say("%s", upper("take the grants of the client id "+clean(old.ClientID)+" away in Google's admin console (Security, API controls, domain-wide delegation), if nothing else uses them."))
	}
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
