package ldap

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/person"
)

func FuzzGUID(f *testing.F) {
	for _, s := range []string{"", "00112233445566778899aabbccddeeff", "ffffffffffffffffffffffffffffffff", "0011"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text := guidText(b)
		if (text == "") != (len(b) != 16) {
			t.Fatalf("%x is %q", b, text)
		}
		if text == "" {
			return
		}
		back, ok := guidBytes(text)
		if !ok || !bytes.Equal(back, b) {
			t.Errorf("%x became %q and then %x", b, text, back)
		}
		filter, ok := idFilter("objectGUID", strings.ToUpper(text))
		if _, err := goldap.CompileFilter(filter); !ok || err != nil {
			t.Errorf("%q: %v", filter, err)
		}
	})
}

// The example of [MS-DTYP]: the first three parts are stored in reverse.
func TestGUID_IsLittleEndianInPart(t *testing.T) {
	t.Parallel()
	b, _ := hex.DecodeString("78563412bc9af0de0123456789abcdef")
	if got := guidText(b); got != "12345678-9abc-def0-0123-456789abcdef" {
		t.Error(got)
	}
}

func FuzzGUIDText(f *testing.F) {
	for _, s := range []string{"12345678-9abc-def0-0123-456789abcdef", "", "12345678-9abc-def0-0123-456789abcde", "zz345678-9abc-def0-0123-456789abcdef"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if b, ok := guidBytes(s); ok && guidText(b) != strings.ToLower(s) {
			t.Errorf("%q became %q", s, guidText(b))
		}
	})
}

func FuzzIDFilter(f *testing.F) {
	for _, s := range []string{"", "*", "a)(b=*", "\x00", "\\", "ünïcode", "128b2f33-0c5c-4fd0-a6a3-a4506513270e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		filter, ok := idFilter(entryUUID, id)
		if !ok {
			return
		}
		p, err := goldap.CompileFilter(filter)
		if err != nil || p.Tag != goldap.FilterEqualityMatch || p.Children[1].Data.String() != id {
			t.Errorf("%q makes %q, %v", id, filter, err)
		}
	})
}

func FuzzAddresses(f *testing.F) {
	f.Add("a@example.com", "SMTP:a@example.com", "smtp:b@example.com")
	f.Add("", "x500:/o=x", "SMTP:")
	f.Add(" A@example.com ", "smtp:a@EXAMPLE.com", "smtp:@")
	f.Add("a", "\"a:b\"@example.com", "sip:a@example.com")
	f.Fuzz(func(t *testing.T, mail, p, q string) {
		primary, others, _ := addresses([]string{mail}, []string{p, q})
		swapped, again, _ := addresses([]string{mail}, []string{q, p})
		if primary != swapped || fmt.Sprint(others) != fmt.Sprint(again) {
			t.Errorf("the order decides: %q %q or %q %q", primary, others, swapped, again)
		}
		seen := map[string]bool{}
		for _, o := range append([]string{primary}, others...) {
			if k := person.MailKey(o); o != strings.TrimSpace(o) || seen[k] {
				t.Errorf("%q and %q", primary, others)
			} else {
				seen[k] = true
			}
		}
	})
}

func FuzzParent(f *testing.F) {
	for _, s := range []string{
		"uid=a,ou=people,dc=example,dc=com", `cn=a\,b,dc=com`, "", "a", "dc=com", `cn=\20a\20,ou=\#x`, "cn=a+sn=b;dc=com", `cn=\c3\bc,ou=\c3,dc=com`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, dn string) {
		up, err := parent(dn)
		if err != nil {
			return
		}
		// The normal form is one, and means the same.
		again, err := Normal(up)
		if err != nil || again != up {
			t.Errorf("%q is below %q, whose normal form is %q, %v", dn, up, again, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(string(mark{Kind: directory.SyncCookie, Scope: "s", Cookie: []byte("rid=000,csn=1")}.cursor()))
	f.Add(string(mark{Kind: directory.USN, Scope: "s", USN: 12, Invocation: []byte{1, 2}}.cursor()))
	for _, s := range []string{"", "e30", "bnVsbA", "AAAA", "!", "W10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseCursor(Cursor(s), "s")
		if err != nil {
			if fault.KindOf(err) != fault.Conflict || fault.ReasonOf(err) != ReasonCursor {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		again, err := parseCursor(m.cursor(), "s")
		if err != nil || fmt.Sprint(again) != fmt.Sprint(m) {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}

func FuzzUserAccountControl(f *testing.F) {
	for _, s := range []string{"512", "514", "66050", "-2147483646", "", "x", "0x2", "4294967298", "+2", " 2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		state, sane := enabled(directory.Attributes{Disabled: "UserAccountControl"}, []string{s})
		if sane == (state == person.Unknown) {
			t.Errorf("%q is %q, %v", s, state, sane)
		}
	})
}

func FuzzGoogleHash(f *testing.F) {
	for _, s := range []string{
		"{MD5}X03MO1qnZdYdgyfeuILPmQ==", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{CRYPT}$1$salt$qJH7.N4xYta3aEG/dfqo/0",
		"{SSHA}x", "hunter2", "{}", "{", "{CRYPT}$6$rounds=999999$x$y", "{\n}", "{ÄÖ}x",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := GoogleHash(raw)
		if (err == nil) == h.Value.Empty() {
			t.Fatalf("%q: %v, %v", raw, h, err)
		}
		if err != nil {
			return
		}
		if s := h.Value.Reveal(); len(s) < 30 || strings.ContainsAny(s, "{} \n") {
			t.Errorf("%q became %q", raw, s)
		}
	})
}
