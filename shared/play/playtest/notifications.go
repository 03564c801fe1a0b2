package playtest

import (
	"context"
	"slices"
	"time"

	"google.golang.org/api/androidenterprise/v1"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// dpcPackage is the agent that simulated devices run.
const dpcPackage = "dev.rollcall.agent"

// pending is a notification that nobody has acknowledged.
type pending struct {
	enterprise *enterprise
	body       androidenterprise.Notification
	set        string
	leased     time.Time // until when its set keeps it
}

func (s *Server) announceNewDeviceLocked(e *enterprise, u *user, androidID string) {
	s.announceLocked(e, androidenterprise.Notification{
		NotificationType: "newDevice",
		NewDeviceEvent: &androidenterprise.NewDeviceEvent{
			DeviceId:       androidID,
			UserId:         u.info.Id,
			ManagementType: "managedDevice",
			DpcPackageName: dpcPackage,
		},
	})
}

func (s *Server) announceLocked(e *enterprise, n androidenterprise.Notification) {
	n.EnterpriseId = e.info.Id
	n.TimestampMillis = s.opt.Now().UnixMilli()
	s.pending = append(s.pending, &pending{enterprise: e, body: n})
	close(s.arrived)
	s.arrived = make(chan struct{})
}

// pull leases what is waiting for the caller's enterprises; without
// returnImmediately it waits for the first.
func (s *Server) pull(ctx context.Context, c googletest.Call) (any, *googletest.Error) {
	wait := c.Query.Get("requestMode") != "returnImmediately"
	end := time.NewTimer(s.opt.LongPoll)
	defer end.Stop()
	for {
		s.mu.Lock()
		set := s.leaseLocked(c.Grant.Account)
		arrived := s.arrived
		s.mu.Unlock()
		if !wait || len(set.Notification) > 0 {
			return withKind("notificationSet", set)
		}
		select {
		case <-arrived:
		case <-end.C:
			wait = false
		case <-ctx.Done():
			wait = false
		}
	}
}

func (s *Server) leaseLocked(account string) androidenterprise.NotificationSet {
	now := s.opt.Now()
	out := androidenterprise.NotificationSet{}
	id := newID("set-")
	for _, p := range s.pending {
		if len(out.Notification) == s.opt.SetSize {
			break
		}
		if !p.enterprise.accounts[account] || now.Before(p.leased) {
			continue
		}
		p.set, p.leased = id, now.Add(s.opt.AckLease)
		out.Notification = append(out.Notification, &p.body)
	}
	if len(out.Notification) > 0 {
		out.NotificationSetId = id
		s.sets[id] = true
	}
	return out
}

// acknowledge forgets what the set still leases. After the lease it changes
// nothing, and the notifications come again.
func (s *Server) acknowledge(c googletest.Call) (any, *googletest.Error) {
	id := c.Query.Get("notificationSetId")
	if !s.sets[id] {
		return nil, invalid("Unknown notificationSetId.")
	}
	now := s.opt.Now()
	s.pending = slices.DeleteFunc(s.pending, func(p *pending) bool {
		return p.set == id && now.Before(p.leased)
	})
	return nil, nil
}
