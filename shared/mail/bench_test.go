package mail_test

import (
	"fmt"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/mail"
)

// BenchmarkChanges plans for a device that holds every one of the settings.
func BenchmarkChanges(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		var settings []mail.Setting
		for i := range n {
			settings = append(settings, exchange(apps, func(s *mail.Setting) { s.ID = fmt.Sprintf("s%03d", i) }))
		}
		var held []mail.Held
		for _, c := range mail.Changes(settings, ada, phone, nil, 4) {
			held = mail.Note(held, c, noon)
			held, _ = mail.Answer(held, c, true, "", noon)
		}
		b.Run(fmt.Sprint(n, " settings"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if cs := mail.Changes(settings, ada, phone, held, 4); len(cs) != 0 {
					b.Fatal(cs)
				}
			}
		})
	}
}
