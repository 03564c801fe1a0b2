package playtest

import (
	"slices"

	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

func (s *Server) listDevices(c googletest.Call) (any, *googletest.Error) {
	_, u, refused := s.userLocked(c)
	if refused != nil {
		return nil, refused
	}
	out := androidenterprise.DevicesListResponse{}
	for _, b := range u.devices {
		out.Device = append(out.Device, &androidenterprise.Device{AndroidId: b.androidID})
	}
	return withKind("devicesListResponse", out)
}

func (s *Server) getDevice(c googletest.Call) (any, *googletest.Error) {
	b, refused := s.bindingLocked(c)
	if refused != nil {
		return nil, refused
	}
	return withKind("device", androidenterprise.Device{AndroidId: b.androidID, ManagementType: "managedDevice"})
}

// getDeviceState answers with the state, which Google enforces for Google-managed
// users only.
func (s *Server) getDeviceState(c googletest.Call) (any, *googletest.Error) {
	b, refused := s.bindingLocked(c)
	if refused != nil {
		return nil, refused
	}
	return withKind("deviceState", androidenterprise.DeviceState{AccountState: b.state})
}

func (s *Server) setDeviceState(c googletest.Call) (any, *googletest.Error) {
	b, refused := s.bindingLocked(c)
	if refused != nil {
		return nil, refused
	}
	in, refused := decode[androidenterprise.DeviceState](c)
	if refused != nil {
		return nil, refused
	}
	if in.AccountState == "" {
		return nil, invalid("accountState is required.")
	}
	b.state = in.AccountState
	return withKind("deviceState", *in)
}

func (s *Server) bindingLocked(c googletest.Call) (*binding, *googletest.Error) {
	_, u, refused := s.userLocked(c)
	if refused != nil {
		return nil, refused
	}
	if b := u.binding(c.Path["deviceId"]); b != nil {
		return b, nil
	}
	return nil, notFound("device")
}

func (u *user) binding(androidID string) *binding {
	for _, b := range u.devices {
		if b.androidID == androidID {
			return b
		}
	}
	return nil
}

func (u *user) unbind(h *held) {
	u.devices = slices.DeleteFunc(u.devices, func(b *binding) bool { return b.held == h })
}
