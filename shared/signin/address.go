package signin

import (
	"net/netip"
	"strings"
)

// MaxProxies is the most trusted proxies that ClientAddress counts.
const MaxProxies = 10

// ClientAddress returns the network whose failures are counted together: a client's
// IPv4 address, or the /64 of its IPv6 address, since one client has all of that. It
// is "unknown" where nothing can be told, so that such clients share one count.
//
// remote is the connection's address, as http.Request.RemoteAddr, and forwarded the
// values of X-Forwarded-For in order. proxies is how many trusted proxies append to
// that header, each the address that it was called from; what stands before is the
// client's own word and is never looked at. With 0 the header is nothing but that. A
// header with fewer entries did not come through the proxies, and the connection's
// address counts.
func ClientAddress(remote string, forwarded []string, proxies int) string {
	if entry, ok := fromEnd(forwarded, proxies); ok {
		if a, ok := parseAddress(entry); ok {
			return network(a)
		}
	}
	if a, ok := parseAddress(remote); ok {
		return network(a)
	}
	return "unknown"
}

// fromEnd returns the n-th entry from the end, n from 1.
func fromEnd(forwarded []string, n int) (string, bool) {
	if n < 1 || n > MaxProxies {
		return "", false
	}
	for i := len(forwarded) - 1; i >= 0; i-- {
		for rest, more := forwarded[i], true; more; n-- {
			entry := rest
			at := strings.LastIndexByte(rest, ',')
			if more = at >= 0; more {
				rest, entry = rest[:at], rest[at+1:]
			}
			if n == 1 {
				return entry, true
			}
		}
	}
	return "", false
}

// parseAddress reads an address with or without a port.
func parseAddress(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a, true
	}
	p, err := netip.ParseAddrPort(s)
	return p.Addr(), err == nil
}

func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64) // 64 is always within an IPv6 address
	return p.String()
}
