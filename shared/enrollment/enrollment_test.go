package enrollment_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcall-emm/rollcall/shared/account"
	"github.com/rollcall-emm/rollcall/shared/enrollment"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestSecret_IDDoesNotShowIt(t *testing.T) {
	t.Parallel()
	s, err := enrollment.NewSecret(bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^rc1_[A-Za-z0-9_-]{43}$`).MatchString(s.Reveal()) {
		t.Errorf("secret has the wrong form")
	}
	if id := enrollment.ID(s); !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(id) || strings.Contains(s.Reveal(), id) {
		t.Errorf("id %q", id)
	}
	if _, err := enrollment.NewSecret(strings.NewReader("short")); err == nil {
		t.Error("short randomness was taken")
	}
}

func TestToken_Usable(t *testing.T) {
	t.Parallel()
	good := enrollment.Token{ExpiresAt: noon.Add(time.Hour)}
	revoked, exhausted := good, good
	revoked.RevokedAt, exhausted.Exhausted = noon, true
	for _, tc := range []struct {
		name, want string
		token      enrollment.Token
		at         time.Time
	}{
		{"active", "active", good, noon},
		{"just before its end", "active", good, noon.Add(time.Hour - 1)},
		{"at its end", "expired", good, noon.Add(time.Hour)},
		{"revoked", "revoked", revoked, noon},
		{"exhausted", "exhausted", exhausted, noon},
	} {
		if got := tc.token.Status(tc.at); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestToken_ValidateNamesTheField(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		field  string
		change func(*enrollment.Token)
	}{
		{"", func(*enrollment.Token) {}},
		{"person", func(t *enrollment.Token) { t.Person = "jane@example.com" }},
		{"person", func(t *enrollment.Token) { t.Person = "with space" }},
		{"person", func(t *enrollment.Token) { t.Person = strings.Repeat("x", 129) }},
		{"uses", func(t *enrollment.Token) { t.Uses = -1 }},
		{"uses", func(t *enrollment.Token) { t.Uses = 100_001 }},
		{"accountType", func(t *enrollment.Token) { t.AccountType = "x" }},
		{"accountType", func(t *enrollment.Token) { t.Person, t.AccountType = "", account.UserAccount }},
		{"expiresAt", func(t *enrollment.Token) { t.ExpiresAt = noon }},
		{"expiresAt", func(t *enrollment.Token) { t.ExpiresAt = noon.Add(enrollment.MaxLife + 1) }},
		{"labels[1]", func(t *enrollment.Token) { t.Labels = []string{"ok", "Not OK"} }},
		{"labels", func(t *enrollment.Token) { t.Labels = make([]string, 21) }},
		{"note", func(t *enrollment.Token) { t.Note = strings.Repeat("ä", 121) }},
	} {
		tok := enrollment.Token{Person: "6fa1", Uses: 1, ExpiresAt: noon.Add(time.Hour)}
		tc.change(&tok)
		err := tok.Validate(noon)
		got := ""
		if e := fault.As(err); e != nil {
			got = e.Field
		}
		if got != tc.field {
			t.Errorf("%+v: refused field %q, want %q", tok, got, tc.field)
		}
	}
}

// TestShards_C7_AddUp: however many uses a token has, its shards hold just these,
// none is large, and every device probes each shard once.
func TestShards_C7_AddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tok := enrollment.Token{ID: "t", Uses: rapid.IntRange(1, 100_000).Draw(t, "uses")}
		sum, n := 0, tok.Shards()
		device := rapid.StringMatching(`d[a-z2-7]{25}`).Draw(t, "device")
		probed := map[int]bool{}
		for i := range n {
			sum += tok.Share(i)
			probed[tok.Probe(device, i)] = true
		}
		if sum != tok.Uses || len(probed) != n {
			t.Fatalf("%d uses: shares add up to %d; %d of %d shards probed", tok.Uses, sum, len(probed), n)
		}
		if spread := tok.Share(0) - tok.Share(n-1); spread < 0 || spread > 1 {
			t.Fatalf("shares differ by %d", spread)
		}
	})
}
