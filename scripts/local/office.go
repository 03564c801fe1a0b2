package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// office speaks to the function admin as the command line does, so that there is
// one way in.
type office struct {
	url   string
	token secret.Value
}

// post sends in and reads the reply into out, which may be nil.
func (o office) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return o.do(req, out)
}

// remove deletes what stands at path.
func (o office) remove(ctx context.Context, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, o.url+path, nil)
	if err != nil {
		return err
	}
	return o.do(req, nil)
}

func (o office) do(req *http.Request, out any) error {
	req.Header.Set("Authorization", "Bearer "+o.token.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		var p protocol.Problem
		_ = json.NewDecoder(resp.Body).Decode(&p)
		return &refusal{p, resp.StatusCode}
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// refusal is a reply of the function admin that is not 2xx.
type refusal struct {
	protocol.Problem
	status int
}

func (r *refusal) Error() string {
	if r.Field != "" {
		return fmt.Sprintf("admin: %s: %s", r.Field, r.Detail)
	}
	return fmt.Sprintf("admin: %s (%d)", r.Detail, r.status)
}

// enrollmentToken is what the function admin says of a token that it made.
type enrollmentToken struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
}
