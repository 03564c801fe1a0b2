package enroll_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

// TestEnroll_C7_UsesAreExact: of more devices than uses that come at once,
// exactly as many get in, and no row takes more writes than its share.
func TestEnroll_C7_UsesAreExact(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		uses int
	}{{"single use", 1}, {"one shard", 25}, {"several shards of unequal share", 70}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			const more = 20
			b := newBench(t)
			token := b.token(uses(tc.uses))
			row, err := b.db.Token(t.Context(), enrollment.ID(token))
			if err != nil {
				t.Fatal(err)
			}
			codes := b.storm(tc.uses+more, func(int) *phone { return b.phone() }, token)
			if diff := cmp.Diff(map[int]int{http.StatusOK: tc.uses, http.StatusUnauthorized: more}, codes); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
			if n := len(b.documents(record.Devices)); n != tc.uses {
				t.Errorf("%d devices are stored, want %d", n, tc.uses)
			}
			shares := map[string]int{}
			for i := range row.Shards() {
				shares[row.ShardID(i)] = row.Share(i)
			}
			if diff := cmp.Diff(shares, b.driver.of(record.Uses)); diff != "" {
				t.Errorf("writes of each shard (-share +written):\n%s", diff)
			}
			// Once when it was made and once when it was found exhausted.
			if diff := cmp.Diff(map[string]int{row.ID: 2}, b.driver.of(record.Tokens)); diff != "" {
				t.Errorf("writes of the token (-want +got):\n%s", diff)
			}
			results := map[string]int{}
			for _, l := range b.trail("acme") {
				results[l.Result]++
			}
			if diff := cmp.Diff(map[string]int{"ok": tc.uses, "token-exhausted": more}, results); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEnroll_C7_UnlimitedTokenSharesNoRow: devices that enrol together write
// their own rows and nothing else.
func TestEnroll_C7_UnlimitedTokenSharesNoRow(t *testing.T) {
	t.Parallel()
	const fleet = 60
	b := newBench(t)
	token := b.token(uses(0))
	if codes := b.storm(fleet, func(int) *phone { return b.phone() }, token); codes[http.StatusOK] != fleet {
		t.Fatalf("answers %v, want %d of 200", codes, fleet)
	}
	for _, kind := range record.Kinds() {
		ids := b.driver.of(kind)
		want := 0
		switch kind {
		case record.Devices, record.Audit:
			want = fleet
		case record.Tokens, record.Enterprises:
			want = 1 // the fixture's own
		}
		if len(ids) != want {
			t.Errorf("%s: %d rows were written, want %d", kind, len(ids), want)
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("%s %s was written %d times", kind, id, n)
			}
		}
	}
	for _, s := range b.served {
		if s.Reads != 5 || s.Writes != 2 {
			t.Errorf("an enrolment took %d reads and %d writes, want 5 (token, enterprise, directory, device, person) and 2 (device, trail)", s.Reads, s.Writes)
		}
	}
}

// TestEnroll_C2_LostReplyTakesOneUse: however often and at once a device repeats
// its call, it is one device and takes one use.
func TestEnroll_C2_LostReplyTakesOneUse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	token := b.token(uses(2))
	p := b.phone()
	if codes := b.storm(8, func(int) *phone { return p }, token); codes[http.StatusOK] != 8 {
		t.Fatalf("answers %v, want 8 of 200", codes)
	}
	id := b.admitted(b.phone(), token) // takes the other use
	if got := b.enroll(b.phone(), token).Code; got != http.StatusUnauthorized {
		t.Errorf("the third device: %d, want 401", got)
	}
	before := b.documents(record.Kinds()...)
	again := b.admitted(p, token) // also once the token is exhausted
	if again == id {
		t.Error("two devices have one id")
	}
	if diff := cmp.Diff(before, b.documents(record.Kinds()...)); diff != "" {
		t.Errorf("the repeated call changed the store (-before +after):\n%s", diff)
	}
	if n := len(b.documents(record.Devices)); n != 2 {
		t.Errorf("%d devices, want 2", n)
	}
	if got := b.last(); got.Writes != 0 {
		t.Errorf("the repeated call wrote %d documents", got.Writes)
	}
}

// storm has n devices enrol at once and counts the answers by status.
func (b *bench) storm(n int, phone func(int) *phone, token secret.Value) map[int]int {
	b.t.Helper()
	type call struct {
		body []byte
		jwt  string
	}
	calls := make([]call, n)
	for i := range calls {
		p := phone(i)
		body := p.request(b.t, token)
		jwt, err := p.signer.Sign(http.MethodPost, url, body)
		if err != nil {
			b.t.Fatal(err)
		}
		calls[i] = call{body, jwt}
	}
	codes := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, c := range calls {
		wg.Go(func() {
			<-start
			code := b.send(c.body, c.jwt).Code
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	close(start)
	wg.Wait()
	return codes
}
