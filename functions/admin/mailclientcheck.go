package admin

import (
	"cmp"
	"context"
	"net"
	"strconv"
	"time"

	"github.com/rollcall-emm/rollcall/shared/credential"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
	"github.com/rollcall-emm/rollcall/shared/imap"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// checkTime is how long a check of a mailbox may take.
const checkTime = 25 * time.Second

// mailCheck asks for a check of a mailbox. The mail server is Google's; the rest is
// for development alone, for whoever names the server is sent a token for the mailbox.
type mailCheck struct {
	Mailbox string           `json:"mailbox"`
	Scope   mailclient.Scope `json:"scope"`
	Host    string           `json:"host"`
	Port    int              `json:"port"`
	TLS     mail.TLS         `json:"tls"`
}

// mailChecked is how a check of a mailbox went.
type mailChecked struct {
	Mailbox string `json:"mailbox"`
	Server  string `json:"server"`
	Scope   string `json:"scope"`
	OK      bool   `json:"ok"`
	// Messages is how many there are in INBOX.
	Messages int `json:"messages"`
	// TokenMillis and SignInMillis say how long Google took for the token, and the mail
	// server for the rest; the latter is absent where there was no token.
	TokenMillis  int64 `json:"tokenMillis"`
	SignInMillis int64 `json:"signInMillis,omitzero"`
	// Failed is where it failed, token or sign-in; Reason is a stable word, and
	// ReasonText says what to do.
	Failed     string `json:"failed,omitempty"`
	Reason     string `json:"reason,omitempty"`
	ReasonText string `json:"reasonText,omitempty"`
}

// checkMail signs in to a mailbox as a mail client would, with a token that never
// leaves the function. It reads no mail.
func (o *Office) checkMail(r *request) error {
	e, err := o.enterprise(r)
	if err != nil {
		return err
	}
	var body mailCheck
	if err := r.body(&body); err != nil {
		return err
	}
	server, err := o.mailServerOf(body)
	if err != nil {
		return err
	}
	c, is, err := o.kept(r.Context(), e.ID)
	switch {
	case err != nil:
		return err
	case is == "":
		return noCredential(e.ID)
	}
	if body.Scope == "" {
		s, err := o.situation(r.Context(), e.ID)
		if err != nil {
			return err
		}
		body.Scope = mailclient.Full
		if s.MailScope() == mailclient.IMAPAdmin.URL() {
			body.Scope = mailclient.IMAPAdmin
		}
	}
	out := mailChecked{Mailbox: body.Mailbox, Server: net.JoinHostPort(server.Host, strconv.Itoa(server.Port)), Scope: body.Scope.URL()}
	rec := o.note(r, e.ID, "mail.check", "mailbox:"+mailclient.Digest(e.ID, body.Mailbox), string(body.Scope))
	if err := o.DB.AppendAudit(r.Context(), rec); err != nil {
		return err
	}
	if failed := o.signIn(r.Context(), c, e.ID, server, body, &out); failed != nil {
		out.Reason, out.ReasonText = fault.ReasonOf(failed), publicOf(failed)
		rec.At, rec.Result = o.Now(), cmp.Or(out.Reason, "failed")
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), recording)
		defer cancel()
		if err := o.DB.AppendAudit(ctx, rec); err != nil {
			return err
		}
	}
	return answer(r, out)
}

// mailServerOf returns which server to sign in to, after checks of the body.
func (o *Office) mailServerOf(b mailCheck) (imap.Server, error) {
	server := gmail
	if err := mailclient.CheckMailbox("mailbox", b.Mailbox); err != nil {
		return server, err
	}
	if b.Scope != "" && b.Scope.URL() == "" {
		return server, fault.Field("scope", "give full or imap_admin, or leave it out")
	}
	if b.Host == "" && b.Port == 0 && b.TLS == "" {
		return server, nil
	}
	if !o.AnyTokenURI {
		return server, fault.Field("host", "the mail server is Google's; another one is for development alone")
	}
	server.Host, server.Port, server.TLS = cmp.Or(b.Host, server.Host), cmp.Or(b.Port, server.Port), cmp.Or(b.TLS, server.TLS)
	switch {
	case server.Port < 1 || server.Port > 65535:
		return server, fault.Field("port", "give a port from 1 to 65535")
	case server.TLS != mail.ImplicitTLS && server.TLS != mail.StartTLS:
		return server, fault.Field("tls", "give tls or starttls")
	}
	return server, nil
}

// signIn gets a token and signs in with it, and writes into out how that went.
func (o *Office) signIn(ctx context.Context, c credential.Credential, enterprise string, server imap.Server, b mailCheck, out *mailChecked) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	began := o.Now()
	out.Failed = "token"
	// A source of its own: whoever mended something wants to see it at once.
	token, err := patiently(ctx, o.Tokens(enterprise, c.Stored()), b.Mailbox, b.Scope.URL())
	out.TokenMillis = o.Now().Sub(began).Milliseconds()
	if err != nil {
		return err
	}
	began, out.Failed = o.Now(), "sign-in"
	result, err := o.IMAP(ctx, server, b.Mailbox, token)
	out.SignInMillis = o.Now().Sub(began).Milliseconds()
	if err != nil {
		return err
	}
	out.Failed, out.OK, out.Messages = "", true, result.Messages
	return nil
}

// patiently asks for a token, once more after what passes.
func patiently(ctx context.Context, tokens *google.Tokens, subject, scope string) (secret.Value, error) {
	tok, err := tokens.Token(ctx, subject, google.NewScopes(scope))
	if k := fault.KindOf(err); fault.ReasonOf(err) != google.ReasonConfig && (k == fault.Transient || k == fault.Exhausted) {
		tok, err = tokens.Token(ctx, subject, google.NewScopes(scope))
	}
	return tok.Value, err
}
