package functions_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/device"
	"github.com/rollcall-emm/rollcall/shared/protocol"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// TestDevice_D10_HeldForItsPerson: a device whose person is away is told nothing but
// to give accounts up, and gets no token, also for what it was told before.
func TestDevice_D10_HeldForItsPerson(t *testing.T) {
	t.Parallel()
	for _, hold := range []device.Hold{device.PersonDisabled, device.PersonLeft} {
		t.Run(string(hold), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			p := w.enrolled(w.admit("person-1"))
			told := w.directive(p)
			ds, _, err := w.db.DevicesOfPerson(t.Context(), "acme", "person-1", record.Page{})
			if err != nil || len(ds) != 1 {
				t.Fatalf("%d devices, %v", len(ds), err)
			}
			ds[0].Desired.Bar(hold)
			w.put(func(tx *record.Tx) error { return tx.PutDevice(ds[0]) })
			before := w.dump(nil)
			r := w.send(w.request(p, "token", map[string]any{"directiveId": told}))
			if r.status != http.StatusConflict || !strings.Contains(string(r.body), "directive-stale") {
				t.Errorf("token: %d %s", r.status, r.body)
			}
			if c := changed(before, w.dump(nil)); len(c) != 0 {
				t.Errorf("a refused token changed %v", c)
			}
			r = w.send(w.request(p, "checkin", map[string]any{"accounts": []any{map[string]any{"name": "a", "state": "ready"}}}))
			var reply protocol.CheckInReply
			if err := json.Unmarshal(r.body, &reply); err != nil || len(reply.Directives) != 1 || reply.Directives[0].Kind != protocol.RemoveAccount {
				t.Errorf("checkin: %d %s, want the account removed and nothing else", r.status, r.body)
			}
		})
	}
}
