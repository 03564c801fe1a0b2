package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
	"github.com/rollcall-emm/rollcall/shared/store/embedded"
)

// A store whose disk is full says so, still reads, loses nothing, and writes
// again when there is room.
func TestFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := child(t, "fill", dir).Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := open(t, dir) // the file is whole
	if _, err := s.Get(t.Context(), store.Key{Kind: "rows", ID: "0"}); err != nil {
		t.Error(err)
	}
}

// fillUp stands a limit on the size of files in for a full disk.
func fillUp(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	s, err := embedded.Open(ctx, dir)
	if err != nil {
		return err
	}
	put := func(id string) error {
		return s.Update(ctx, func(tx store.Txn) error {
			return tx.Put(store.Document{
				Key:   store.Key{Kind: "rows", ID: id},
				Body:  []byte(`{"s":"` + strings.Repeat("x", 50_000) + `"}`),
				Index: map[string]string{"id": id},
			})
		})
	}
	read := func(n int) error {
		for i := range n {
			if _, err := s.Get(ctx, store.Key{Kind: "rows", ID: fmt.Sprint(i)}); err != nil {
				return fmt.Errorf("row %d of %d: %w", i, n, err)
			}
		}
		docs, err := s.Find(ctx, store.Query{Kind: "rows", Field: "id", Limit: 1000})
		if err == nil && len(docs) != n {
			err = fmt.Errorf("the index has %d rows of %d", len(docs), n)
		}
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	n := 0
	for _, size := range []uint64{1 << 20, 2 << 20, 4 << 20} {
		small := syscall.Rlimit{Cur: size, Max: limit.Max}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
			return err
		}
		// A full store may still take a write that fits into freed pages.
		for failures := 0; failures < 3; {
			switch err := put(fmt.Sprint(n)); {
			case err == nil && n < 1000:
				n++
			case fault.KindOf(err) == fault.Exhausted && fault.ReasonOf(err) == "store-full":
				failures++
				if err := read(n); err != nil {
					return err
				}
			default:
				return fmt.Errorf("a full disk gave %v, want fault.Exhausted with reason store-full", err)
			}
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := put(fmt.Sprint(n)); err != nil {
		return fmt.Errorf("the store did not recover: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	if s, err = embedded.Open(ctx, dir); err != nil {
		return err
	}
	return errors.Join(read(n+1), s.Close())
}
