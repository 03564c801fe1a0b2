package enroll_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
)

// at returns an address of its own for each number.
func at(i int) string { return fmt.Sprintf("198.51.%d.%d:1000", i/250, i%250+1) }

// at once has n phones sign in at the same time and counts the answers by status.
func (b *bench) atOnce(n int, c func(int) credentials, from func(int) string) map[int]int {
	b.t.Helper()
	codes := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	phones := make([]*phone, n)
	for i := range phones {
		phones[i] = b.phone()
	}
	start := make(chan struct{})
	for i, p := range phones {
		wg.Go(func() {
			<-start
			code := b.signIn(p, c(i), from(i)).Code
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	close(start)
	wg.Wait()
	return codes
}

// TestLimit_GuessesAtOnceAreCountedBeforeTheyAreJudged: of a hundred wrong passwords at
// once, from as many addresses and in several spellings of the login, no more than the
// limit reach the directory; and it is the same for somebody who does not exist.
func TestLimit_GuessesAtOnceAreCountedBeforeTheyAreJudged(t *testing.T) {
	t.Parallel()
	for _, logins := range [][]string{{"ada", "ADA", " Ada", "aDa "}, {"eve", "EVE", " Eve", "eVe "}} {
		o := newOffice(t)
		const limit = 5
		codes := o.atOnce(100, func(i int) credentials { return byPassword(logins[i%4], fmt.Sprint("guess ", i)) }, at)
		if diff := cmp.Diff(map[int]int{http.StatusUnauthorized: limit, http.StatusTooManyRequests: 100 - limit}, codes); diff != "" {
			t.Errorf("%s: answers (-want +got):\n%s", logins[0], diff)
		}
		if n, _ := o.ldap.count(); n != limit {
			t.Errorf("%s: %d guesses reached the directory, want %d", logins[0], n, limit)
		}
		// The right password helps as little, until the lock-out is over.
		w := o.barred(o.phone(), byPassword(logins[0], password), home, http.StatusTooManyRequests, "sign-in-limit")
		if got := w.Header().Get("Retry-After"); got != strconv.Itoa(seconds(15*time.Minute)) {
			t.Errorf("%s: Retry-After %q", logins[0], got)
		}
	}
}

// TestLimit_LockOutsGrowAndEnd: after each lock-out there are five tries more, and a
// success forgives all.
func TestLimit_LockOutsGrowAndEnd(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, lock := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour} {
		for range 5 {
			o.barred(o.phone(), byPassword("ada", "wrong"), home, http.StatusUnauthorized, "bad-credentials")
		}
		w := o.barred(o.phone(), byPassword("ada", password), home, http.StatusTooManyRequests, "sign-in-limit")
		if got := w.Header().Get("Retry-After"); got != strconv.Itoa(seconds(lock)) {
			t.Errorf("Retry-After %q, want %v", got, lock)
		}
		o.advance(lock - time.Second)
		o.barred(o.phone(), byPassword("ada", password), home, http.StatusTooManyRequests, "sign-in-limit")
		o.advance(time.Second)
	}
	for range 4 {
		o.barred(o.phone(), byPassword("ada", "wrong"), home, http.StatusUnauthorized, "bad-credentials")
	}
	o.in(o.phone(), byPassword("ada", password)) // at the last try
	for range 4 {
		o.barred(o.phone(), byPassword("ada", "wrong"), home, http.StatusUnauthorized, "bad-credentials")
	}
	o.in(o.phone(), byPassword("ada", password))
	// Somebody else's login and an ID token were never in question.
	limited := 0
	for _, l := range o.trailOf("sign-in-limit") {
		limited++
		if l.Target != "sign-in:ldap" {
			t.Errorf("trail %v", l)
		}
	}
	if limited != 6 {
		t.Errorf("%d refusals for the limit in the trail, want 6", limited)
	}
}

// trailOf returns the lines of acme's trail with a result, at whatever time.
func (b *bench) trailOf(result string) (ls []line) {
	b.t.Helper()
	rs, _, err := b.db.Audit(b.t.Context(), "acme", time.Time{}, record.Page{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, r := range rs {
		if r.Result == result {
			ls = append(ls, line{r.Enterprise, r.Actor, r.Action, r.Target, r.Result})
		}
	}
	return ls
}

// TestLimit_Address: wrong credentials of all kinds from one address are counted, and
// lock out the address alone.
func TestLimit_Address(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.handlerBehind(1)
	wrong := o.byIDToken(func(c map[string]any) { c["nonce"] = "another" })
	for i := range 50 {
		c := wrong
		if i%2 == 0 {
			c = byPassword(fmt.Sprint("nobody-", i), "wrong")
		}
		if w := o.signIn(o.phone(), c, home); w.Code != http.StatusUnauthorized {
			t.Fatalf("%d: %d %s", i, w.Code, w.Body)
		}
	}
	asked, _ := o.ldap.count()
	for _, c := range []credentials{wrong, o.byIDToken(nil), byPassword("ada", password), byPassword("nobody", "wrong")} {
		w := o.barred(o.phone(), c, "192.0.2.7:9", http.StatusTooManyRequests, "sign-in-limit")
		if w.Header().Get("Retry-After") != "900" {
			t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
		}
	}
	if n, _ := o.ldap.count(); n != asked {
		t.Error("a locked-out address reaches the directory")
	}
	// An enrollment token is no sign-in, and another address another matter.
	o.admitted(o.phone(), o.token(uses(0)))
	if w := o.signIn(o.phone(), byPassword("ada", password), "192.0.2.8:40000"); w.Code != http.StatusOK {
		t.Errorf("from another address: %d %s", w.Code, w.Body)
	}
}

// handlerBehind has the function count trusted proxies.
func (b *bench) handlerBehind(proxies int) { b.registrar.Proxies = proxies }

// TestLimit_C7_AnOfficeBehindOneAddress: people who sign in from one address write no
// row together.
func TestLimit_C7_AnOfficeBehindOneAddress(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	const people = 60
	for i := range people {
		id := fmt.Sprint("id-", i)
		o.person(func(p *person.Person) { p.ID, p.Entry.Login = id, id })
		o.ldap.entries[id] = person.Entry{ID: id, Login: id}
	}
	before := o.driver.of(record.People)
	codes := o.atOnce(people, func(i int) credentials { return byPassword(fmt.Sprint("id-", i), password) }, func(int) string { return home })
	if codes[http.StatusOK] != people {
		t.Fatalf("answers %v", codes)
	}
	if diff := cmp.Diff(before, o.driver.of(record.People)); diff != "" {
		t.Errorf("people were written: %s", diff)
	}
	if n := len(o.driver.of(record.Devices)); n != people {
		t.Errorf("%d devices", n)
	}
	for id, n := range o.driver.of(record.SignInAttempts) {
		if n > 1 {
			t.Errorf("the attempts %s were put %d times by people who made no mistake", id, n)
		}
	}
	if got := o.last(); got.Reads > 8 || got.Writes > 4 {
		t.Errorf("a sign-in took %d reads and %d writes", got.Reads, got.Writes)
	}
}
