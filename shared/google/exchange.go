package google

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer" // RFC 7523
	// maxReply is the largest answer of the token endpoint that is read, in bytes.
	maxReply = 64 << 10
	// maxLife bounds expires_in; an organisation may allow up to 12 hours.
	maxLife = 12 * time.Hour
)

// exchange sends an assertion to the token endpoint (RFC 7523, section 2.1). It
// follows no redirect: the assertion would go along.
func (t *Tokens) exchange(ctx context.Context, uri, assertion string) (AccessToken, error) {
	form := url.Values{"grant_type": {jwtBearer}, "assertion": {assertion}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(form.Encode()))
	if err != nil {
		return AccessToken{}, fault.New(fault.Permanent, ReasonKey, "The service account's token_uri cannot be called.")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	start := t.opt.Now()
	resp, err := t.opt.Base.RoundTrip(req)
	if err != nil {
		return AccessToken{}, classify(err, t.opt.Now)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return AccessToken{}, classify(err, t.opt.Now)
	}
	if resp.StatusCode != http.StatusOK {
		return AccessToken{}, classifyToken(&oauth2.RetrieveError{Response: resp, Body: body}, t.opt.Now())
	}
	return readToken(body, start)
}

// readToken reads an answer of RFC 6749, section 5.1, to a request begun at start.
func readToken(body []byte, start time.Time) (AccessToken, error) {
	var reply struct {
		Token     string  `json:"access_token"`
		Type      string  `json:"token_type"`
		ExpiresIn float64 `json:"expires_in"`
	}
	err := json.Unmarshal(body, &reply)
	if err != nil || len(body) > maxReply || !isToken(reply.Token) || !strings.EqualFold(reply.Type, "Bearer") {
		return AccessToken{}, fault.Wrap(errors.New("answer is not the expected JSON"),
			fault.Transient, ReasonBackend, "Google's token endpoint answered nonsense.")
	}
	// Without expires_in the token serves those who wait for it, and is not kept.
	life := time.Duration(min(max(reply.ExpiresIn, 0), maxLife.Seconds()) * float64(time.Second))
	return AccessToken{Value: secret.New(reply.Token), Expiry: start.Add(life)}, nil
}

// isToken reports whether s has the characters of a bearer token (RFC 6750,
// section 2.1): others could end a header, or a field of XOAUTH2.
func isToken(s string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="
	return s != "" && strings.Trim(s, allowed) == ""
}
