package google_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/google"
)

// subjectOf reads the sub of the assertion in a token request, which stays whole.
func subjectOf(t testing.TB, r *http.Request) string {
	t.Helper()
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	form, _ := url.ParseQuery(string(body))
	part := strings.Split(form.Get("assertion")+"..", ".")[1]
	raw, _ := base64.RawURLEncoding.DecodeString(part)
	var c struct {
		Sub string `json:"sub"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Error(err)
	}
	return c.Sub
}

func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// A server that answers with the request's own text, wherever text may be, gets
// none of it into an error or a log.
func TestToken_E3_AnEchoTellsNothing(t *testing.T) {
	t.Parallel()
	forms := map[string]string{
		"error":             `{"error":$QUOTED}`,
		"description":       `{"error":"invalid_grant","error_description":$QUOTED}`,
		"bad signature":     `{"error":"invalid_grant","error_description":"Invalid JWT Signature. $TEXT"}`,
		"both":              `{"error":$QUOTED,"error_description":$QUOTED}`,
		"uri":               `{"error":"unauthorized_client","error_uri":$QUOTED}`,
		"bare":              `$QUOTED`,
		"not JSON":          `$TEXT`,
		"number":            `{"error":7,"error_description":$QUOTED}`,
		"token type":        `{"access_token":"x","token_type":$QUOTED}`,
		"token with spaces": `{"access_token":"x y","token_type":"Bearer","scope":$QUOTED}`,
		"expires":           `{"access_token":"x","token_type":"Bearer","expires_in":$QUOTED}`,
		"envelope":          `{"error":{"code":403,"message":$QUOTED,"errors":[{"reason":$QUOTED,"message":$QUOTED}]}}`,
	}
	for name, form := range forms {
		for _, status := range []int{200, 204, 302, 307, 400, 401, 403, 404, 429, 500, 503} {
			for _, keyless := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/%v", name, status, keyless), func(t *testing.T) {
					t.Parallel()
					d := newDelegate(t)
					who := d.people(5)
					if keyless {
						d.keyless()
					}
					inner := d.opt.Base
					d.opt.Base = roundTripper(func(r *http.Request) (*http.Response, error) {
						if keyless && r.URL.Host == "google.test" {
							return inner.RoundTrip(r)
						}
						body, _ := io.ReadAll(r.Body)
						text := r.URL.String() + " " + r.Header.Get("Authorization") + " " + string(body)
						quoted, _ := json.Marshal(text)
						resp := answer(status, strings.NewReplacer("$QUOTED", string(quoted), "$TEXT", text).Replace(form))
						resp.Header.Set("Location", "http://evil.test/?"+text)
						resp.Header.Set("Retry-After", text)
						resp.Header.Set("Date", text)
						resp.Status = text
						resp.Request = r
						return resp, nil
					})
					s := google.NewTokens(d.opt)
					for _, w := range who {
						_, err := s.Token(t.Context(), w, mail)
						if err == nil || fault.As(err) == nil {
							t.Fatalf("got %v", err)
						}
						f := fault.As(err)
						d.leaksNothing(err.Error(), f.Public, f.Reason, fmt.Sprintf("%+v %#v", err, f))
					}
				})
			}
		}
	}
}

// An assertion goes to the token endpoint and to no place that it names.
func TestToken_E3_NoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, keyless := range []bool{false, true} {
			d := newDelegate(t)
			if keyless {
				d.keyless()
			}
			var hosts []string
			d.opt.Base = roundTripper(func(r *http.Request) (*http.Response, error) {
				hosts = append(hosts, r.URL.Host)
				resp := answer(status, "")
				resp.Header.Set("Location", "http://evil.test/")
				resp.Request = r
				return resp, nil
			})
			_, err := google.NewTokens(d.opt).Token(t.Context(), "ann@example.com", mail)
			if fault.KindOf(err) != fault.Permanent || len(hosts) != 1 || hosts[0] == "evil.test" {
				t.Errorf("%d: %v was asked: %v", status, hosts, err)
			}
		}
	}
}

// answering answers every request alike and counts them.
func answering(n *int, body string) roundTripper {
	return func(*http.Request) (*http.Response, error) {
		*n++
		return answer(http.StatusOK, body), nil
	}
}
