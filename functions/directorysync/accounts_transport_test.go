package directorysync_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// without makes a client whose answers to some requests lack a field.
func without(field string, when func(*http.Request) bool) func(*workspace.Options) {
	return func(o *workspace.Options) { o.Base = forgetful{field, when} }
}

type forgetful struct {
	field string
	when  func(*http.Request) bool
}

func (f forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !f.when(r) || !strings.Contains(r.URL.Path, "/users/") {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.ReplaceAll(body, []byte(`"`+f.field+`"`), []byte(`"forgotten"`))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}
