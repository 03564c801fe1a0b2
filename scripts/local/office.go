package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/rollcall-emm/rollcall/scripts/local/stack"
	"github.com/rollcall-emm/rollcall/shared/account"
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
	return o.send(ctx, http.MethodPost, path, in, out)
}

// put is post with the method PUT.
func (o office) put(ctx context.Context, path string, in, out any) error {
	return o.send(ctx, http.MethodPut, path, in, out)
}

// get reads what stands at path into out.
func (o office) get(ctx context.Context, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url+path, nil)
	if err != nil {
		return err
	}
	return o.do(req, out)
}

func (o office) send(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, o.url+path, bytes.NewReader(body))
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

// enterprise is known here by id and at Google Play by play.
type enterprise struct{ id, play string }

// enterpriseFor makes an enterprise of this run's own, at Google and here.
func enterpriseFor(ctx context.Context, o office, s *stack.Stack) (enterprise, error) {
	const name = "Example Logistics"
	ent := enterprise{"example", s.NewPlayEnterprise(name)}
	for i := 1; ; i++ {
		if i > 1 {
			ent.id = fmt.Sprintf("example-%d", i)
		}
		err := o.post(ctx, "/v1/enterprises", map[string]any{
			"id": ent.id, "name": name, "play": ent.play,
			"policy": map[string]any{
				"deviceLimit":      "deviceAccount",
				"labelAccountType": map[string]string{"kiosk": string(account.DeviceAccount)},
			},
		}, nil)
		var no *refusal
		if errors.As(err, &no) && no.status == 409 && i < 1000 {
			continue // an earlier run's, kept in the folder
		}
		return ent, err
	}
}
