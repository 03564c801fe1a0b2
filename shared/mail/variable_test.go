package mail_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/mail"
)

func TestParse_M2(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want []string // variables; nil with bad
		bad  bool
	}{
		{in: "", want: nil},
		{in: "plain text ü", want: nil},
		{in: "$EMAIL$", want: []string{"EMAIL"}},
		{in: "$USERID$_US", want: []string{"USERID"}},
		{in: `corp\$USERID$`, want: []string{"USERID"}},
		{in: "$USERID$@$domain$", want: []string{"USERID", "domain"}},
		{in: "$USERID$$EMAIL$$USERID$", want: []string{"USERID", "EMAIL"}},
		{in: "a$$b", want: nil},
		{in: "$$$EMAIL$$$", want: []string{"EMAIL"}},
		{in: "$", bad: true},
		{in: "$EMAIL", bad: true},
		{in: "EMAIL$", bad: true},
		{in: "$EMAIL$$", bad: true},
		{in: "$E MAIL$", bad: true},
		{in: "$1$", bad: true},
		{in: "$" + strings.Repeat("a", 41) + "$", bad: true},
		{in: "tab\there", bad: true},
		{in: "bad \xff", bad: true},
		{in: strings.Repeat("a", 513), bad: true},
	} {
		got, err := mail.Parse(tc.in)
		if (err != nil) != tc.bad || tc.bad && fault.KindOf(err) != fault.Invalid {
			t.Errorf("Parse(%.40q) = %v, want an error: %v", tc.in, err, tc.bad)
			continue
		}
		if diff := cmp.Diff(tc.want, got.Variables()); diff != "" {
			t.Errorf("variables of %q (-want +got):\n%s", tc.in, diff)
		}
		if !tc.bad && got.String() != tc.in {
			t.Errorf("Parse(%q).String() = %q", tc.in, got.String())
		}
	}
}

func FuzzParse_M2(f *testing.F) {
	for _, s := range []string{"$EMAIL$", "$USERID$_US", "$$", "$$$EMAIL$$$", "$a$$b$", "$", "a$b$c$$d", "\x00", "�", "$a$$$$b$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := mail.Parse(s)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || len(s) > 8 && strings.Contains(err.Error(), s) {
				t.Fatalf("Parse(%q) = %v, want invalid without the text", s, err)
			}
			return
		}
		again, err := mail.Parse(got.String())
		if err != nil || got.String() != s || !slices.Equal(again.Variables(), got.Variables()) {
			t.Fatalf("Parse(%q) prints as %q, which parses: %v", s, got.String(), err)
		}
		if strings.Count(s, "$")%2 != 0 {
			t.Fatalf("Parse(%q) took an odd number of dollar signs", s)
		}
		for _, name := range got.Variables() {
			if name == "" || strings.Contains(name, "$") || !strings.Contains(s, "$"+name+"$") {
				t.Fatalf("Parse(%q) found the variable %q", s, name)
			}
		}
	})
}
