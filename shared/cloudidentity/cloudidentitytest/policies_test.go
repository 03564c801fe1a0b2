package cloudidentitytest

import "testing"

func TestFilter_TakesWhatIsDocumented(t *testing.T) {
	t.Parallel()
	const imap = "settings/gmail.imap_access"
	for _, tc := range []struct {
		filter  string
		refused bool
		keeps   bool
	}{
		{"", false, true},
		{`setting.type.matches('^settings/gmail\\..*$')`, false, true},
		{`setting.type.matches('^settings/(gmail[.]imap_access|security[.]password)$')`, false, true},
		{`setting.type.matches('security')`, false, false},
		{`customer == "customers/my_customer" && setting.type.matches('imap')`, false, true},
		{`customer == "customers/C999"`, true, false},
		{`setting.type.matches('a') && setting.type.matches('b')`, true, false},
		{`setting.type.matches('a') || setting.type.matches('b')`, true, false},
		{`setting.type.matches('^settings/gmail\..*$')`, true, false}, // no escape of CEL
		{`setting.type.matches('(')`, true, false},
		{`setting.type == 'x'`, true, false},
	} {
		keep, refused := parseFilter(tc.filter)
		if (refused != nil) != tc.refused {
			t.Errorf("%s: refused %v", tc.filter, refused)
		} else if refused == nil && keep(imap) != tc.keeps {
			t.Errorf("%s: keeps %v", tc.filter, !tc.keeps)
		}
	}
}
