package doctor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/doctor"
	"github.com/rollcall-emm/rollcall/shared/mail"
	"github.com/rollcall-emm/rollcall/shared/mailclient"
	"github.com/rollcall-emm/rollcall/shared/password"
)

const days = 24 * time.Hour

// is holds a line against a status and a part of its words.
func is(t *testing.T, name string, l doctor.Line, status doctor.Status, text string) {
	t.Helper()
	all := l.What + " " + l.Advice
	advised := l.Advice != "" && l.Where != ""
	if l.Status != status || !strings.Contains(all, text) || advised != (status == doctor.Fail || status == doctor.Warn) && status != doctor.Skip {
		t.Errorf("%s: %+v, want %s with %q", name, l, status, text)
	}
	if l.Group != doctor.Settings || l.Check == "" {
		t.Errorf("%s: %+v", name, l)
	}
}

func TestPasswordLength(t *testing.T) {
	t.Parallel()
	at := func(least, most int) doctor.GooglePassword { return doctor.GooglePassword{Min: least, Max: most} }
	for _, tc := range []struct {
		name   string
		length int
		google []doctor.GooglePassword
		status doctor.Status
		text   string
	}{
		{"default", 0, nil, doctor.Pass, "makes passwords of 16 characters, and Google takes 8 to 100"},
		{"exactly", 20, []doctor.GooglePassword{at(20, 20)}, doctor.Pass, "20 to 20"},
		{"too short", 0, []doctor.GooglePassword{at(17, 100)}, doctor.Fail, "rollcall password policy acme --length 17"},
		{"too long", 50, []doctor.GooglePassword{at(8, 40)}, doctor.Fail, "--length 40"},
		{"too short somewhere", 0, []doctor.GooglePassword{at(8, 100), at(30, 100)}, doctor.Fail, "at least 30 characters in some part"},
		{"no one length", 0, []doctor.GooglePassword{at(8, 10), at(30, 100)}, doctor.Fail, "no one length"},
		{"more than Rollcall makes", 0, []doctor.GooglePassword{at(101, 200)}, doctor.Fail, "no one length"},
	} {
		s := doctor.Situation{Enterprise: "acme", Passwords: &password.Policy{Length: tc.length}}
		is(t, tc.name, s.PasswordLines(tc.google)[0], tc.status, tc.text)
	}
	for _, l := range (doctor.Situation{}).PasswordLines(nil) {
		is(t, "none", l, doctor.Skip, "No passwords are generated")
	}
}

func TestPasswordExpiration(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		rotate int
		google []time.Duration
		status doctor.Status
		text   string
	}{
		{"never, never", 0, nil, doctor.Pass, "live for ever."},
		{"never, but replaced", 30, []time.Duration{0}, doctor.Pass, "replaces them every 30 days"},
		{"never replaced", 0, []time.Duration{90 * days}, doctor.Fail, "--rotate-days 80"},
		{"too late", 90, []time.Duration{90 * days}, doctor.Fail, "replaces them after 90"},
		{"too late for some", 85, []time.Duration{90 * days}, doctor.Warn, "too late for some"},
		{"in time", 80, []time.Duration{90 * days}, doctor.Pass, "replaces them after 80"},
		{"the shortest counts", 80, []time.Duration{0, 90 * days, 60 * days}, doctor.Fail, "after 60 days in some part"},
		{"too short for any", 1, []time.Duration{days}, doctor.Fail, "no rotation is quick enough"},
	} {
		var google []doctor.GooglePassword
		for _, d := range tc.google {
			google = append(google, doctor.GooglePassword{Min: 8, Max: 100, Expires: d})
		}
		s := doctor.Situation{Enterprise: "acme", Passwords: &password.Policy{RotateDays: tc.rotate}}
		is(t, tc.name, s.PasswordLines(google)[1], tc.status, tc.text)
	}
}

// TestPasswordExpiration_TheAdvicePasses for every time that Google's console offers,
// and more.
func TestPasswordExpiration_TheAdvicePasses(t *testing.T) {
	t.Parallel()
	for n := 3; n <= 500; n++ {
		google := []doctor.GooglePassword{{Min: 8, Max: 100, Expires: time.Duration(n) * days}}
		s := doctor.Situation{Enterprise: "acme", Passwords: &password.Policy{}}
		l := s.PasswordLines(google)[1]
		_, rest, _ := strings.Cut(l.Advice, "--rotate-days ")
		for _, r := range rest {
			if r < '0' || r > '9' {
				break
			}
			s.Passwords.RotateDays = s.Passwords.RotateDays*10 + int(r-'0')
		}
		if got := s.PasswordLines(google)[1]; got.Status != doctor.Pass || s.Passwords.Validate() != nil {
			t.Fatalf("Google's %d days: advised %d, then %+v", n, s.Passwords.RotateDays, got)
		}
	}
}

func TestLessSecureApps(t *testing.T) {
	t.Parallel()
	with := func(id string, signIn mail.SignIn, host string) mail.Setting {
		m := mail.NewIMAP()
		m.ID, m.SignIn, m.IMAP.Host = id, signIn, host
		return m
	}
	oauth, generated := with("a", mail.OAuth, "imap.gmail.com"), with("b", mail.GoogleAppsPassword, "imap.gmail.com")
	elsewhere, own := with("c", mail.Password, "mail.example.com"), with("d", mail.Password, "imap.gmail.com")
	for _, tc := range []struct {
		name     string
		settings []mail.Setting
		allowed  []bool
		status   doctor.Status
		text     string
	}{
		{"none", nil, nil, doctor.Pass, "No mail setting"},
		{"OAuth, and another's server", []mail.Setting{oauth, elsewhere}, []bool{false}, doctor.Pass, "No mail setting"},
		{"off by default", []mail.Setting{oauth, generated}, nil, doctor.Fail, "The mail setting b has mail clients sign in with a password, and Google lets none"},
		{"off", []mail.Setting{generated, own}, []bool{false}, doctor.Fail, "The mail settings b, d have"},
		{"off for some", []mail.Setting{own}, []bool{true, false}, doctor.Fail, "in some part of the organisation"},
		{"on", []mail.Setting{own, own, own, own, own}, []bool{true, true}, doctor.Warn, "d, d, d and 2 more have"},
	} {
		is(t, tc.name, doctor.Situation{Settings: tc.settings}.LessSecureApps(tc.allowed), tc.status, tc.text)
	}
}

func TestIMAP(t *testing.T) {
	t.Parallel()
	setting := []mail.Setting{mail.NewIMAP()}
	client := func(s mailclient.Scope) []mailclient.Client {
		return []mailclient.Client{{Scope: s, State: mailclient.Active}}
	}
	exchange := []mail.Setting{mail.NewExchange()}
	on, off, listed := doctor.GoogleIMAP{On: true}, doctor.GoogleIMAP{}, doctor.GoogleIMAP{On: true, Listed: true}
	for _, tc := range []struct {
		name     string
		settings []mail.Setting
		clients  []mailclient.Client
		google   []doctor.GoogleIMAP
		status   doctor.Status
		text     string
	}{
		{"nobody reads", exchange, nil, []doctor.GoogleIMAP{off}, doctor.Skip, "No mail setting and no mail client"},
		{"not told", setting, nil, nil, doctor.Skip, "does not say"},
		{"on", setting, client(mailclient.Full), []doctor.GoogleIMAP{on, on}, doctor.Pass, "lets mail be read"},
		{"off for devices", setting, nil, []doctor.GoogleIMAP{off}, doctor.Fail, "turned off, and devices read"},
		{"off for clients, somewhere", exchange, client(mailclient.Full), []doctor.GoogleIMAP{on, off}, doctor.Fail, "in some part of the organisation, and mail clients read"},
		{"off for both", setting, client(mailclient.IMAPAdmin), []doctor.GoogleIMAP{off}, doctor.Fail, "mail clients and devices read"},
		{"off for those who see all", nil, client(mailclient.IMAPAdmin), []doctor.GoogleIMAP{off}, doctor.Warn, "gmail.imap_admin"},
		{"listed for clients", nil, client(mailclient.Full), []doctor.GoogleIMAP{listed}, doctor.Warn, "list the client id 104"},
		{"listed for devices", setting, nil, []doctor.GoogleIMAP{listed}, doctor.Warn, "those of the devices are listed"},
	} {
		is(t, tc.name, doctor.Situation{Settings: tc.settings, Clients: tc.clients}.IMAP(tc.google, "104"), tc.status, tc.text)
	}
}
