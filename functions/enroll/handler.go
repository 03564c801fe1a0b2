package enroll

import (
	"net/http"

	"github.com/rollcall-emm/rollcall/shared/api"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/seal"
	"github.com/rollcall-emm/rollcall/shared/signin"
)

// Handler returns the function's handler; url is its public URL, which proofs
// name, and endpoints are what a device is told.
func (s *Registrar) Handler(edge api.Edge, url string, endpoints protocol.Endpoints) http.Handler {
	return edge.Handle(func(w http.ResponseWriter, r *http.Request) error {
		var req protocol.EnrollRequest
		v, err := api.Proven(w, r, url, s.Now(), &req)
		if err != nil {
			return err
		}
		key, err := seal.ParseKey(req.EncryptionKey)
		if err != nil {
			return err
		}
		address := signin.ClientAddress(r.RemoteAddr, r.Header.Values("X-Forwarded-For"), s.Proxies)
		d, err := s.enroll(r.Context(), call{proof: v, key: key, request: req, address: address})
		if err != nil {
			return err
		}
		api.Identify(r.Context(), "device:"+d.ID)
		return api.WriteJSON(w, http.StatusOK, protocol.EnrollReply{
			DeviceID: d.ID, Endpoints: endpoints, NextCheckInSeconds: 1,
		})
	})
}
