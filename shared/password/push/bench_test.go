package push_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall-emm/rollcall/shared/audit"
	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/password"
	"github.com/rollcall-emm/rollcall/shared/password/generator"
	"github.com/rollcall-emm/rollcall/shared/password/keyring"
	"github.com/rollcall-emm/rollcall/shared/password/push"
	"github.com/rollcall-emm/rollcall/shared/person"
	"github.com/rollcall-emm/rollcall/shared/record"
	"github.com/rollcall-emm/rollcall/shared/secret"
	"github.com/rollcall-emm/rollcall/shared/secret/file"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
	"github.com/rollcall-emm/rollcall/shared/workspace"
)

// yes is a Google that accepts everything.
type yes struct{}

func (yes) SetPassword(_ context.Context, k workspace.Key, _ secret.Value) (workspace.User, error) {
	return workspace.User{ID: k.ID}, nil
}

// BenchmarkPush pushes one password after the other, with the embedded store and a
// Google that answers at once, beside the same store's transactions alone: two, with
// the same reads and writes. Their ratio is what a push costs of its own, mostly the
// opening of the password.
func BenchmarkPush(b *testing.B) {
	engine, err := embedded.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	var n atomic.Int64
	db := record.New(engine, func() string { return fmt.Sprintf("a%09d", n.Add(1)) })
	secrets, err := file.Open(b.TempDir() + "/secrets")
	if err == nil {
		err = keyring.Create(b.Context(), secrets, keyring.SecretName)
	}
	gen, gerr := generator.New(nil)
	if err != nil || gerr != nil {
		b.Fatal(err, gerr)
	}
	p := &push.Pusher{
		DB: db, Keys: keyring.New(secrets, keyring.SecretName, time.Now), Generator: gen, Now: time.Now,
		Jitter: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler),
		Google: func(context.Context, directory.Config) (push.Google, error) { return yes{}, nil },
	}
	update := func(fn func(*record.Tx) error) {
		if err := db.Update(b.Context(), fn); err != nil {
			b.Fatal(err)
		}
	}
	update(func(tx *record.Tx) error { return tx.PutDirectory(directoryConfig()) })
	update(func(tx *record.Tx) error {
		return tx.PutPasswordPolicy(password.Policy{Enterprise: ent, Revision: 1, RotateDays: 90})
	})
	people := func(b *testing.B, name string) []string {
		keys := make([]string, b.N)
		for i := range keys {
			keys[i] = person.KeyOf(ent, fmt.Sprint(name, i))
		}
		for from := 0; from < len(keys); from += 100 {
			update(func(tx *record.Tx) error {
				for _, key := range keys[from:min(from+100, len(keys))] {
					who := person.Person{Key: key, Enterprise: ent, State: person.Active, Google: person.Google{ID: "g-" + key}}
					l := password.New(ent, key)
					f, err := password.Make(context.Background(), gen, p.Keys, l.NextBound(), password.Policy{})
					if err != nil {
						return err
					}
					if err := tx.PutPerson(who); err != nil {
						return err
					}
					if err := tx.PutPassword(l.Want(time.Now().UTC(), f)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		b.ResetTimer()
		return keys
	}
	var round int
	var alone, whole float64
	b.Run("store alone", func(b *testing.B) {
		round++
		for _, key := range people(b, fmt.Sprint("s", round, "-")) {
			var l password.Ledger
			update(func(tx *record.Tx) (err error) {
				if l, err = tx.Password(ent, key); err == nil {
					_, err = tx.Person(key)
				}
				if err != nil {
					return err
				}
				return tx.PutPassword(l)
			})
			update(func(tx *record.Tx) (err error) {
				if l, err = tx.Password(ent, key); err == nil {
					_, err = tx.PasswordPolicy(ent)
				}
				if err != nil {
					return err
				}
				if err := tx.PutPassword(l); err != nil {
					return err
				}
				return tx.Audit(audit.Record{Enterprise: ent, At: time.Now(), Actor: push.Actor, Action: "password.accepted", Target: "person:" + key, Result: audit.OK})
			})
		}
		alone = float64(b.Elapsed()) / float64(b.N)
	})
	b.Run("push", func(b *testing.B) {
		round++
		for _, key := range people(b, fmt.Sprint("p", round, "-")) {
			if l, err := p.Push(b.Context(), ent, key); err != nil || l.State != password.Active {
				b.Fatal(l, err)
			}
		}
		whole = float64(b.Elapsed()) / float64(b.N)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pushes/s")
		if alone > 0 {
			b.ReportMetric(whole/alone, "x-store")
		}
	})
}
