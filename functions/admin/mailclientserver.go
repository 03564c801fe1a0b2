package admin

import (
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/xoauth2"
)

// mailServer is all that the administrator of a mail server must know: where to get
// tokens, as whom, and where to sign in with them.
type mailServer struct {
	Enterprise string      `json:"enterprise"`
	IMAP       imapServer  `json:"imap"`
	Token      tokenServer `json:"token"`
	// Client is the mail client that was asked for.
	Client *mailServerClient `json:"client,omitzero"`
}

type imapServer struct {
	Host      string   `json:"host"`
	Port      int      `json:"port"`
	TLS       mail.TLS `json:"tls"`
	Mechanism string   `json:"mechanism"`
	// GoogleClientID is the client id that Google's administrators list where they let
	// only certain mail clients in; empty where there is no credential.
	GoogleClientID string `json:"googleClientId,omitempty"`
}

type tokenServer struct {
	URL         string `json:"url"`
	Method      string `json:"method"`
	ContentType string `json:"contentType"`
	// MaxMailboxes is how many one request may ask for.
	MaxMailboxes int `json:"maxMailboxes"`
}

type mailServerClient struct {
	ID    string           `json:"id"`
	Name  string           `json:"name"`
	State mailclient.State `json:"state"`
	// Proof is how it proves itself: DPoP, by the key with the thumbprint, or an ID
	// token of the service account for the audience.
	Proof          string                     `json:"proof"`
	Thumbprint     string                     `json:"thumbprint,omitempty"`
	ServiceAccount *mailclient.ServiceAccount `json:"serviceAccount,omitzero"`
	Audience       string                     `json:"audience,omitempty"`
	// Scope is the OAuth scope of its tokens, and Allow which mailboxes they are for.
	Scope string           `json:"scope"`
	Allow mailclient.Allow `json:"allow"`
}

func (o *Office) showMailServer(r *request) error {
	if err := r.accept("client"); err != nil {
		return err
	}
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	out := mailServer{
		Enterprise: e.ID,
		IMAP:       imapServer{Host: gmail.Host, Port: gmail.Port, TLS: gmail.TLS, Mechanism: xoauth2.Mechanism},
		Token:      tokenServer{URL: o.MailTokenURL, Method: "POST", ContentType: "application/json", MaxMailboxes: mailclient.MaxBatch},
	}
	if id := r.query("client"); id != "" {
		r.SetPathValue("id", id)
		c, err := o.mailClient(r, e.ID)
		if err != nil {
			return err
		}
		out.Client = o.proves(c)
	}
	// The document is good without the credential, too.
	if c, is, err := o.kept(r.Context(), e.ID); err == nil && is != "" {
		out.IMAP.GoogleClientID = c.View.ClientID
	}
	return answer(r, out)
}

func (o *Office) proves(c mailclient.Client) *mailServerClient {
	out := &mailServerClient{
		ID: c.ID, Name: c.Name, State: c.State, Proof: "dpop", Thumbprint: c.Thumbprint, ServiceAccount: c.ServiceAccount,
		Scope: c.Scope.URL(), Allow: c.Allow,
	}
	if c.ServiceAccount != nil {
		out.Proof, out.Audience = "id-token", o.MailTokenURL
	}
	return out
}
