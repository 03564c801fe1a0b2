package push_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/storetest"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// TestE3_NoClearPasswordAnywhere: whatever Google answers, be it the whole request,
// and wherever the store breaks: no log, error, audit record or row has a password.
func TestE3_NoClearPasswordAnywhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var wrote bytes.Buffer
	b.google = func(ctx context.Context, next push.Google, k workspace.Key, v secret.Value) (workspace.User, error) {
		u, err := next.SetPassword(ctx, k, v)
		fmt.Fprintf(&wrote, "%v %+v %#v %s\n", err, err, u, v)
		return u, err
	}
	tell := func(l password.Ledger, err error) { fmt.Fprintf(&wrote, "%+v %v %s\n", l, err, password.Text(l.Last)) }
	var keys []string
	scripts := []googletest.Script{{Mode: googletest.Answer}, {Mode: googletest.Malformed}, {Mode: googletest.DropAfter}}
	for _, status := range []int{400, 401, 403, 404, 409, 412, 418, 429, 500, 503} {
		scripts = append(scripts, googletest.Script{Mode: googletest.Echo, Status: status})
	}
	for i, s := range scripts {
		s.Method, s.Times = updateMethod, 1
		key := b.wanting(fmt.Sprintf("p%02d", i))
		keys = append(keys, key)
		b.sim.Faults.Add(s)
		tell(b.Push(t.Context(), ent, key))
		b.sim.Faults.Clear()
		if b.row(key).State != password.Failed {
			tell(b.drive(key), nil)
		}
		b.renew(key, password.AtOnce)
		b.driver.Fail(2, storetest.After)
		tell(b.Push(t.Context(), ent, key))
		b.driver.Fail(0, storetest.Before)
		tell(b.drive(key), nil)
		b.agree(key)
	}
	for _, kind := range record.Kinds() {
		docs, err := b.driver.Find(t.Context(), store.Query{Kind: kind, Limit: 1000})
		b.must(err)
		for _, d := range docs {
			fmt.Fprintf(&wrote, "%s %s %v\n", d.Key.ID, d.Body, d.Index)
		}
	}
	if n := strings.Count(b.log.String(), "password not accepted"); n < len(scripts)-1 {
		t.Fatalf("the log has %d lines on failures", n)
	}
	all := wrote.String() + b.log.String()
	for _, key := range keys {
		sent := b.sent[b.googleID(key)]
		if len(sent) < 2 || !strings.Contains(all, key) {
			t.Fatalf("%s was sent %d passwords and is not in what is searched", key, len(sent))
		}
		for _, clear := range sent {
			for _, form := range []string{clear, base64.StdEncoding.EncodeToString([]byte(clear)), base64.RawURLEncoding.EncodeToString([]byte(clear)),
				hex.EncodeToString([]byte(clear)), fmt.Sprintf("%q", clear)} {
				if strings.Contains(all, form) {
					t.Fatalf("a clear password is somewhere:\n%s", all[max(0, strings.Index(all, form)-300):strings.Index(all, form)])
				}
			}
		}
	}
}
