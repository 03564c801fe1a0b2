package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
)

// maxReply bounds what is read of one answer. A page of 500 users with the
// fields that are asked for is some 200 KiB.
const maxReply = 32 << 20

type replyKey struct{}

func withReply(ctx context.Context, target any) context.Context {
	return context.WithValue(ctx, replyKey{}, target)
}

// replies reads the answers in place of Google's generated types, which cannot
// tell a missing boolean from false; they get an empty object. Refusals pass
// untouched.
type replies struct{ next http.RoundTripper }

func (t replies) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	target := req.Context().Value(replyKey{})
	if err != nil || target == nil || resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp, err
	}
	defer resp.Body.Close()
	// An attempt before this one may have filled a part of it.
	reflect.ValueOf(target).Elem().SetZero()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(target); err != nil {
		return nil, unreadable(err)
	}
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
	return resp, nil
}

// unreadable leaves failures of the network as they are. Errors of the decoder
// quote what they read.
func unreadable(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &kind) {
		return nonsense("something other than the expected JSON")
	}
	return err
}
