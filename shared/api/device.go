package api

import (
	"net/http"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/proof"
	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// Proven reads a device's request into v: first its proof is checked against the
// body as it came, and only then is the body decoded, so that a stranger learns
// nothing of what a device may say. url is the endpoint's public URL. Whether the
// key belongs to a device is for the caller to say.
func Proven(w http.ResponseWriter, r *http.Request, url string, now time.Time, v any) (proof.Verified, error) {
	body, err := ReadBody(w, r, protocol.MaxBody)
	if err != nil {
		return proof.Verified{}, err
	}
	header := r.Header.Values(proof.Header)
	if len(header) > 1 { // RFC 9449, section 4.3
		return proof.Verified{}, fault.New(fault.Unauthorized, "proof-repeated", "")
	}
	header = append(header, "")
	p, err := proof.Verify(header[0], r.Method, url, body, now)
	if err != nil {
		return p, err
	}
	return p, Decode(body, v)
}
