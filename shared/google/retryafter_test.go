package google_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/google"
)

var epoch = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"":                         0,
		"0":                        0,
		"5":                        5 * time.Second,
		" 5 ":                      5 * time.Second,
		"-5":                       0,
		"5.5":                      0,
		"+5":                       0,
		"soon":                     0,
		"3600":                     time.Hour,
		"3601":                     google.MaxRetryAfter,
		"999999999999999999999999": google.MaxRetryAfter,
		epoch.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		epoch.Add(90 * time.Second).Format(time.ANSIC):      90 * time.Second,
		epoch.Add(-time.Minute).Format(http.TimeFormat):     0,
		epoch.Add(48 * time.Hour).Format(http.TimeFormat):   google.MaxRetryAfter,
		"Fri, 31 Dec 9999 23:59:59 GMT":                     google.MaxRetryAfter,
		"Mon, 01 Jan 0001 00:00:00 GMT":                     0,
	} {
		if got := google.ParseRetryAfter(header, epoch); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, s := range []string{"", "1", "120", "-1", "1e9", "٣", "18446744073709551616",
		"Wed, 21 Oct 2015 07:28:00 GMT", "Wednesday, 21-Oct-15 07:28:00 GMT", "Wed Oct 21 07:28:00 2015"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if d := google.ParseRetryAfter(header, epoch); d < 0 || d > google.MaxRetryAfter {
			t.Errorf("%q: %v is out of range", header, d)
		}
	})
}
