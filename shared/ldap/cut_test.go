package ldap_test

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/ldap"
	"github.com/rollcall-emm/rollcall/shared/ldap/ldaptest/slapdtest"
)

// knife passes connections on to a server and cuts each after so many bytes of the
// server's answers.
type knife struct {
	address string
	after   atomic.Int64
}

func newKnife(t testing.TB, server string) *knife {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	k := &knife{address: l.Addr().String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			conn, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				return
			}
			go func() { _, _ = io.Copy(conn, client) }()
			go func() {
				_, _ = io.CopyN(client, conn, k.after.Load())
				_ = client.Close()
				_ = conn.Close()
			}()
		}
	}()
	return k
}

// Invariant D5: wherever a connection ends before the answer does, no walk is
// taken for complete.
func TestOpenLDAP_D5_ACutAnywhereIsAnError(t *testing.T) {
	t.Parallel()
	srv, opt := real(t, slapdtest.Options{SyncProvider: true}, 60)
	for _, way := range []directory.Incremental{directory.SyncCookie, directory.ModifyStamp} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			k := newKnife(t, strings.TrimPrefix(srv.URL(), "ldap://"))
			o := opt
			o.Config.URL, o.Config.Incremental, o.Config.PageSize = "ldap://"+k.address, way, 20
			c := ldap.New(o)
			total := int64(1)
			for ; ; total += 613 {
				k.after.Store(total)
				cur, err := c.Walk(t.Context(), nothing)
				if err == nil {
					break
				}
				if cur != "" || fault.ReasonOf(err) != ldap.ReasonCut || fault.KindOf(err) != fault.Transient {
					t.Errorf("cut after %d bytes: cursor %q, %v", total, cur, err)
				}
			}
			if total < 10_000 {
				t.Errorf("a walk was complete after %d bytes", total)
			}
		})
	}
}
