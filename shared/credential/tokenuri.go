package credential

import (
	"net/url"
	"slices"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// TokenURI is Google's token endpoint.
const TokenURI = "https://oauth2.googleapis.com/token"

// tokenURIs are all the names of it that key files have had. A file that names
// another endpoint would send our signed assertions to a stranger.
var tokenURIs = []string{
	TokenURI,
	"https://www.googleapis.com/oauth2/v4/token",
	"https://accounts.google.com/o/oauth2/token",
}

// checkTokenURI returns nil or an Invalid fault that names the foreign host. With
// any, whatever can be called is taken.
func checkTokenURI(uri string, any bool) error {
	if slices.Contains(tokenURIs, uri) {
		return nil
	}
	u, err := url.Parse(uri)
	callable := err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
	if any && callable {
		return nil
	}
	host := "an unreadable address"
	if err == nil && hostPattern.MatchString(u.Host) {
		host = u.Host
	}
	return fault.Field("token_uri", "the key file sends its proofs to %s, which is not Google's token endpoint; "+
		"do not use this file, and get a new one from Google's console", host)
}
