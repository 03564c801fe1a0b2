package signin_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/signin"
)

func TestClientAddress(t *testing.T) {
	t.Parallel()
	const conn = "192.0.2.1:4711"
	for _, tc := range []struct {
		name, remote string
		forwarded    []string
		proxies      int
		want         string
	}{
		{"connection", conn, nil, 0, "192.0.2.1"},
		{"a header that nobody vouches for", conn, []string{"198.51.100.1"}, 0, "192.0.2.1"},
		{"one proxy", conn, []string{"198.51.100.1"}, 1, "198.51.100.1"},
		{"one proxy and what the client says", conn, []string{"203.0.113.9, 198.51.100.1"}, 1, "198.51.100.1"},
		{"one proxy and a header of the client's", conn, []string{"203.0.113.9", "198.51.100.1"}, 1, "198.51.100.1"},
		{"two proxies", conn, []string{"203.0.113.9,198.51.100.1,10.0.0.1"}, 2, "198.51.100.1"},
		{"two proxies that append lines", conn, []string{"203.0.113.9", "198.51.100.1", "10.0.0.1"}, 2, "198.51.100.1"},
		{"fewer entries than proxies", conn, []string{"198.51.100.1"}, 2, "192.0.2.1"},
		{"no entry", conn, nil, 1, "192.0.2.1"},
		{"an entry that is none", conn, []string{"unknown"}, 1, "192.0.2.1"},
		{"an empty entry", conn, []string{"198.51.100.1,"}, 1, "192.0.2.1"},
		{"with a port", conn, []string{"198.51.100.1:443"}, 1, "198.51.100.1"},
		{"IPv6", "[2001:db8:1:2:3:4:5:6]:4711", nil, 0, "2001:db8:1:2::/64"},
		{"IPv6 of the same network", "[2001:db8:1:2::9]:1", nil, 0, "2001:db8:1:2::/64"},
		{"IPv6 in the header", conn, []string{"2001:db8::1"}, 1, "2001:db8::/64"},
		{"IPv6 in brackets", conn, []string{"[2001:db8::1]"}, 1, "2001:db8::/64"},
		{"IPv6 with a port", conn, []string{"[2001:db8::1]:443"}, 1, "2001:db8::/64"},
		{"IPv6 with a zone", "[fe80::1%eth0]:1", nil, 0, "fe80::/64"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:1", nil, 0, "192.0.2.1"},
		{"no address", "@", nil, 0, "unknown"},
		{"nothing", "", []string{""}, 1, "unknown"},
		{"negative", conn, []string{"198.51.100.1"}, -1, "192.0.2.1"},
		{"more proxies than there can be", conn, []string{strings.Repeat("198.51.100.1,", 20)}, 11, "192.0.2.1"},
	} {
		if got := signin.ClientAddress(tc.remote, tc.forwarded, tc.proxies); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// FuzzClientAddress: whatever a client puts in front, the entry of the proxy counts.
func FuzzClientAddress(f *testing.F) {
	f.Add("", "")
	f.Add("1.2.3.4", "a,b")
	f.Add(strings.Repeat(",", 1000), "[::1")
	f.Fuzz(func(t *testing.T, first, second string) {
		if got := signin.ClientAddress("192.0.2.1:1", []string{first, second + ",198.51.100.1"}, 1); got != "198.51.100.1" {
			t.Errorf("after %q and %q: %q", first, second, got)
		}
		for n := -1; n < 4; n++ {
			got := signin.ClientAddress(first, []string{second, first}, n)
			if _, err := netip.ParseAddr(got); err == nil || got == "unknown" {
				continue
			}
			if p, err := netip.ParsePrefix(got); err != nil || p.Bits() != 64 {
				t.Errorf("%q, %q, %d: %q", first, second, n, got)
			}
		}
	})
}
