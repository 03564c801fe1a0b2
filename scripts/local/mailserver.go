package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/proof"
)

// delegation is what became of a mail server's requests for tokens.
type delegation struct {
	// Mailboxes were asked for, in one request; Tokens came, in Millis, at so many
	// Calls to Google.
	Mailboxes int   `json:"mailboxes"`
	Tokens    int   `json:"tokens"`
	Calls     int   `json:"googleCalls"`
	Millis    int64 `json:"millis"`
	// AgainCalls and AgainMillis are for the same request once more.
	AgainCalls  int   `json:"againGoogleCalls"`
	AgainMillis int64 `json:"againMillis"`
	// Refused mailboxes had no token, by reason; the others were not kept waiting.
	Refused map[string]int `json:"refused"`
}

// stranger is a mailbox that the mail server has no business with.
const stranger = "somebody@elsewhere.example"

// mailServer has an admin register a mail server for the organisation's domain, which
// then asks for tokens of its people's mailboxes, and of one that is not theirs.
func (g *organisation) mailServer(ctx context.Context, now func() time.Time, people []person.Person) (*delegation, error) {
	if !g.config.Mode.UsesGoogle() {
		return nil, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := proof.NewSigner(key, rand.Reader, now)
	if err != nil {
		return nil, err
	}
	client := map[string]any{"name": "Voicemail", "key": jose.JSONWebKey{Key: key.Public()}, "scope": mailclient.IMAPAdmin,
		"allow": mailclient.Allow{Domains: []string{"example.com"}}}
	if err := g.office.post(ctx, g.enterprise("/mail-clients"), client, nil); err != nil {
		return nil, err
	}
	ask := mailclient.TokenRequest{Mailboxes: []string{stranger}}
	for _, p := range people {
		if mail := g.config.Mode.Account(p).Mail; mail != "" && len(ask.Mailboxes) < mailclient.MaxBatch {
			ask.Mailboxes = append(ask.Mailboxes, mail)
		}
	}
	// Google locks one of the mailboxes, which must not keep the others waiting.
	for i, mailbox := range ask.Mailboxes[1:] {
		state := googletest.SubjectActive
		if i == 0 {
			state = googletest.SubjectSuspended
		}
		g.stack.Workspace.Tokens.SetSubject(mailbox, state)
	}
	d := &delegation{Mailboxes: len(ask.Mailboxes), Refused: map[string]int{}}
	counts := g.stack.Workspace.Faults
	began, before := time.Now(), counts.Calls(googletest.TokenMethod)
	reply, err := g.askForTokens(ctx, signer, ask)
	if err != nil {
		return nil, err
	}
	d.Millis, d.Calls = time.Since(began).Milliseconds(), counts.Calls(googletest.TokenMethod)-before
	for _, item := range reply.Items {
		if item.Reason != "" {
			d.Refused[item.Reason]++
		} else if item.XOAUTH2 != "" {
			d.Tokens++
		}
	}
	began, before = time.Now(), counts.Calls(googletest.TokenMethod)
	if _, err := g.askForTokens(ctx, signer, ask); err != nil {
		return nil, err
	}
	d.AgainMillis, d.AgainCalls = time.Since(began).Milliseconds(), counts.Calls(googletest.TokenMethod)-before
	return d, nil
}

// mailTokens is what a mail server reads of the function's reply.
type mailTokens struct {
	Items []struct {
		XOAUTH2 string `json:"xoauth2"`
		Reason  string `json:"reason"`
	} `json:"items"`
}

// askForTokens asks the function mailtoken, as functions/MAILTOKEN.md says.
func (g *organisation) askForTokens(ctx context.Context, signer *proof.Signer, ask mailclient.TokenRequest) (reply mailTokens, err error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return reply, err
	}
	url := g.stack.URL + "/mailtoken"
	signed, err := signer.Sign(http.MethodPost, url, body)
	if err != nil {
		return reply, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return reply, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(proof.Header, signed)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return reply, fmt.Errorf("mailtoken: %s", resp.Status)
	}
	return reply, json.NewDecoder(resp.Body).Decode(&reply)
}
