package ldap

import (
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// What RFC 4533 lets a server say, beside what OpenLDAP says.
func TestRefreshed_TakesAllOfRFC4533(t *testing.T) {
	t.Parallel()
	a, b, c := uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}
	state := func(s goldap.ControlSyncStateState, id uuid.UUID) goldap.Control {
		return &goldap.ControlSyncState{State: s, EntryUUID: id}
	}
	for _, tt := range []struct {
		name     string
		controls []goldap.Control
		kept     int
		exp      refreshed
	}{
		{
			"a delete phase", []goldap.Control{
				state(goldap.SyncStateAdd, a), state(goldap.SyncStateModify, b), state(goldap.SyncStateDelete, c),
				&goldap.ControlSyncDone{Cookie: []byte("2"), RefreshDeletes: true},
			}, 2, refreshed{cookie: []byte("2"), removed: []string{c.String()}, done: true},
		},
		{
			"a present phase", []goldap.Control{
				state(goldap.SyncStatePresent, a),
				&goldap.ControlSyncInfo{SyncIdSet: &goldap.ControlSyncInfoSyncIdSet{Cookie: []byte("1"), SyncUUIDs: []uuid.UUID{b, c}}},
				&goldap.ControlSyncDone{},
			}, 0, refreshed{cookie: []byte("1"), present: []string{a.String(), b.String(), c.String()}, presentOnly: true, done: true},
		},
		{
			"a present phase and then a delete phase", []goldap.Control{
				&goldap.ControlSyncInfo{RefreshPresent: &goldap.ControlSyncInfoRefreshPresent{Cookie: []byte("1")}},
				&goldap.ControlSyncInfo{SyncIdSet: &goldap.ControlSyncInfoSyncIdSet{RefreshDeletes: true, SyncUUIDs: []uuid.UUID{a}}},
				&goldap.ControlSyncInfo{RefreshDelete: &goldap.ControlSyncInfoRefreshDelete{Cookie: []byte("2")}},
				&goldap.ControlSyncDone{RefreshDeletes: true},
			}, 0, refreshed{cookie: []byte("2"), removed: []string{a.String()}, presentOnly: true, done: true},
		},
		{
			"a new cookie and no end", []goldap.Control{
				&goldap.ControlSyncInfo{NewCookie: &goldap.ControlSyncInfoNewCookie{Cookie: []byte("3")}},
			}, 0, refreshed{cookie: []byte("3")},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, kept := refreshed{cookie: []byte("0")}, 0
			for _, control := range tt.controls {
				if d.take([]goldap.Control{control}) {
					kept++
				}
			}
			if diff := cmp.Diff(tt.exp, d, cmp.AllowUnexported(refreshed{})); diff != "" || kept != tt.kept {
				t.Errorf("kept %d (-want +got):\n%s", kept, diff)
			}
		})
	}
}
