package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

// rows is how many documents of about 1.5 KB the benchmarks run over.
const rows = 20_000

func row(i int) store.Document {
	return store.Document{
		Key:   store.Key{Kind: "rows", ID: fmt.Sprintf("row-%08d", i)},
		Body:  []byte(`{"s":"` + strings.Repeat("abcdefgh ", 165) + `"}`),
		Index: map[string]string{"due": fmt.Sprintf("%08d", i)},
	}
}

func filled(b *testing.B) *embedded.Store {
	b.Helper()
	s := open(b, b.TempDir())
	for i := 0; i < rows; i += store.MaxWrite {
		if err := s.Update(b.Context(), func(tx store.Txn) error {
			for j := range store.MaxWrite {
				if err := tx.Put(row(i + j)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkStore(b *testing.B) {
	s := filled(b)
	update := func() error {
		doc := row(rand.IntN(rows))
		return s.Update(b.Context(), func(tx store.Txn) error {
			if _, err := tx.Get(doc.Key); err != nil {
				return err
			}
			return tx.Put(doc)
		})
	}
	b.Run("get", func(b *testing.B) {
		key := row(rows / 2).Key
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Get(b.Context(), key); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("find-100", func(b *testing.B) {
		for b.Loop() {
			from := fmt.Sprintf("%08d", rand.IntN(rows-100))
			docs, err := s.Find(b.Context(), store.Query{Kind: "rows", Field: "due", From: from, Limit: 100})
			if err != nil || len(docs) != 100 {
				b.Fatal(len(docs), err)
			}
		}
	})
	b.Run("update", func(b *testing.B) {
		for b.Loop() {
			if err := update(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("update-64", func(b *testing.B) {
		b.SetParallelism(32) // times GOMAXPROCS
		var failed atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if update() != nil {
					failed.Add(1)
				}
			}
		})
		if failed.Load() > 0 {
			b.Fatal("updates failed")
		}
	})
}
