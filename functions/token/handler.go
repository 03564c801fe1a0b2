package token

import (
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
)

// Handler returns the function's handler; url is its public URL, which proofs
// name.
func (s *Issuer) Handler(edge api.Edge, url string) http.Handler {
	return edge.Handle(func(w http.ResponseWriter, r *http.Request) error {
		var req protocol.TokenRequest
		v, err := api.Proven(w, r, url, s.Now(), &req)
		if err != nil {
			return err
		}
		g, err := s.Issue(r.Context(), v, req)
		if err != nil {
			return err
		}
		api.Identify(r.Context(), "device:"+device.ID(v.Thumbprint))
		reply, err := sealed(g, req.DirectiveID)
		if err != nil {
			return err
		}
		return api.WriteJSON(w, http.StatusOK, reply)
	})
}

// sealed encrypts the token to the device, so that a proxy or a log that sees the
// reply learns nothing (invariant T2).
func sealed(g Grant, directiveID string) (protocol.TokenReply, error) {
	key, err := seal.ParseKey(g.Device.EncryptionKey)
	if err != nil {
		return protocol.TokenReply{}, fmt.Errorf("stored encryption key of %s: %w", g.Device.ID, err)
	}
	claims, err := json.Marshal(protocol.TokenClaims{
		DeviceID: g.Device.ID, DirectiveID: directiveID, Token: g.Token.Reveal(),
	})
	if err != nil {
		return protocol.TokenReply{}, err
	}
	jwe, err := key.Seal(claims)
	if err != nil {
		return protocol.TokenReply{}, err
	}
	return protocol.TokenReply{Token: jwe, NotAfter: g.NotAfter.UTC().Truncate(time.Second)}, nil
}
