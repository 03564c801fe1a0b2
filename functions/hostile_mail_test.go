package functions_test

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/protocol"
)

// TestHostileOutcomes_C1E4_OfSettingsStoreNothing: what devices say of settings that
// they were not sent, or answered for, or in other words than the protocol has, stores
// nothing, whether it is refused or passed over.
func TestHostileOutcomes_C1E4_OfSettingsStoreNothing(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	w := newWorld(t, nil)
	token := w.mailed(slices.Collect(maps.Values(mailSettings()))...)
	// One device answered for every setting, one never did, one is nobody's.
	answered, silent, other := w.enrolled(token), w.enrolled(token), w.enrolled(w.admit(""))
	sent := func(p *phone) (ids []string, outcomes []any) {
		_, reply := w.told(p)
		for _, d := range reply.Directives {
			if d.Kind == protocol.ApplySetting {
				ids = append(ids, d.ID)
				outcomes = append(outcomes, done(d))
			}
		}
		return ids, outcomes
	}
	ids, outcomes := sent(answered)
	w.told(answered, outcomes...)
	open, _ := sent(silent) // some of them are ids as well
	w.told(other)
	if len(ids) != 10 || len(open) != 10 {
		t.Fatalf("%d and %d settings were sent", len(ids), len(open))
	}
	before := w.dump(nil)
	dice := rand.New(rand.NewPCG(seed, 2))
	one := func(of []string) string { return of[dice.IntN(len(of))] }
	unknown := func() string {
		id := one(ids)
		return one([]string{
			"set-", "unset-", "set", "unset", "rm-1", "a", strings.Repeat("s", 64), "set-" + strangeText(26), "unset-" + strangeText(26),
			strings.Replace(id, "set-", "unset-", 1), strings.Replace(id, "set-", "set--", 1), id[:len(id)-1], id + "a", "set-work", "set-" + ids[0],
		})
	}
	fine := []string{"X", "MAIL_CLIENT_MISSING", strings.Repeat("Z", 64), "0", "_"}
	bad := []string{"", "no", "A B", "Ä", "X\n", "\x00", strings.Repeat("Z", 65), "X-Y", "<X>", generated}
	outcome := func(id, result string, more ...any) map[string]any {
		m := map[string]any{"directiveId": id, "result": result}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	attacks := map[string]struct {
		status int
		make   func() (*phone, any)
	}{
		"of nothing, done": {http.StatusOK, func() (*phone, any) {
			return []*phone{answered, silent, other}[dice.IntN(3)], outcome(unknown(), "done")
		}},
		"of nothing, failed": {http.StatusOK, func() (*phone, any) {
			return []*phone{answered, silent, other}[dice.IntN(3)], outcome(unknown(), "failed", "reason", one(fine), "detail", strings.Repeat("d", dice.IntN(257)))
		}},
		"of another device's, done":   {http.StatusOK, func() (*phone, any) { return other, outcome(one(ids), "done") }},
		"of another device's, failed": {http.StatusOK, func() (*phone, any) { return other, outcome(one(ids), "failed", "reason", one(fine)) }},
		"answered already, failed":    {http.StatusOK, func() (*phone, any) { return answered, outcome(one(ids), "failed", "reason", one(fine)) }},
		"answered already, done":      {http.StatusOK, func() (*phone, any) { return answered, outcome(one(ids), "done") }},
		"a reason that is none":       {http.StatusBadRequest, func() (*phone, any) { return silent, outcome(one(open), "failed", "reason", one(bad)) }},
		"a reason with done":          {http.StatusBadRequest, func() (*phone, any) { return silent, outcome(one(open), "done", "reason", one(fine)) }},
		"a detail with done":          {http.StatusBadRequest, func() (*phone, any) { return silent, outcome(one(open), "done", "detail", "d") }},
		"a detail that is too long": {http.StatusBadRequest, func() (*phone, any) {
			return silent, outcome(one(open), "failed", "reason", "X", "detail", strings.Repeat("d", 257))
		}},
		"an account name": {http.StatusBadRequest, func() (*phone, any) { return silent, outcome(one(open), "done", "accountName", "a") }},
		"another result": {http.StatusBadRequest, func() (*phone, any) {
			return silent, outcome(one(open), one([]string{"", "applied", "Done", "sent", "withdrawing"}))
		}},
		"an id that is none": {http.StatusBadRequest, func() (*phone, any) {
			return silent, outcome(one([]string{"", "SET-1", "set_1", "set-\n", "set-" + strings.Repeat("a", 61), "sét-1", open[0] + "\x00", "../set-1"}), "done")
		}},
		"a password among the members": {http.StatusBadRequest, func() (*phone, any) { return silent, outcome(one(open), "done", "password", generated) }},
		"a setting among the members":  {http.StatusBadRequest, func() (*phone, any) { return silent, outcome(one(open), "done", "setting", "flag") }},
	}
	for _, name := range slices.Sorted(maps.Keys(attacks)) {
		a := attacks[name]
		for range 30 {
			p, o := a.make()
			got := w.serve(w.request(p, "checkin", map[string]any{"accounts": []any{}, "outcomes": []any{o}}))
			l.check(t, "checkin", got)
			if got.status != a.status {
				t.Fatalf("%s: %d %s, want %d\n%v", name, got.status, got.body, a.status, o)
			}
			if strings.Contains(string(got.body), "Zq7 generated") {
				t.Fatalf("%s: the reply repeats what was given: %s", name, got.body)
			}
		}
		if keys := changed(before, w.dump(nil)); len(keys) > 0 {
			t.Fatalf("%s: stored %v", name, keys)
		}
	}
	if strings.Contains(w.log.String(), "Zq7 generated") {
		t.Error("a password is in the log")
	}
	// The silent device can still say how it is.
	r, _ := w.told(silent, outcome(open[0], "failed", "reason", "X"))
	l.check(t, "checkin", r)
	if len(changed(before, w.dump(nil))) == 0 {
		t.Error("a true outcome stored nothing, so this is no test")
	}
}
