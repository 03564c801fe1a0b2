package store

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

// Write is one document that a closure put or deleted.
type Write struct {
	// Document is what to store; of a deletion only its Key is set.
	Document Document
	// Fields is the decoded body of a put document, with numbers as json.Number.
	Fields map[string]any
	// Delete says that the document goes.
	Delete bool
}

// Run is what became of one run of an Update's closure. Drivers make it with
// RunClosure and either commit its Writes or throw it away.
type Run struct {
	// Writes are validated, in the order of the closure, and at most one a key:
	// the last. They are nil unless Err is nil.
	Writes []Write
	// Err is what Update must return if this run is the last: the closure's own
	// error as it is, or the refusal of a write that the closure let pass.
	Err error
	// ReadErr is the store's own failure of a read, unlike NotFound. The run's
	// outcome then means nothing, whatever the closure made of the failure, and
	// the driver decides whether to try again.
	ReadErr error

	panicked error
	exited   bool
}

// RunClosure runs fn once. Reads go to read; writes are held back, so that a
// closure which fails leaves nothing to undo. A panic and runtime.Goexit are
// kept in the Run, because a driver may run a closure on a goroutine that is not
// its caller's and must let go of its locks first: drivers call Release after
// that.
func RunClosure(fn func(Txn) error, read func(Key) (Document, error)) *Run {
	run := &Run{exited: true}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				run.exited = false
				run.panicked = fmt.Errorf("store: panic in an update: %v\n\n%s", r, debug.Stack())
			}
		}()
		b := &buffer{read: read}
		err := fn(b)
		run.exited = false
		run.finish(b, err)
	}()
	<-done
	return run
}

func (r *Run) finish(b *buffer, err error) {
	r.ReadErr = b.readErr
	switch {
	case err != nil:
		r.Err = err
	case b.refused != nil:
		r.Err = b.refused
	default:
		r.Writes = b.last()
	}
}

// Aborted reports that the closure did not return but panicked or left its
// goroutine; nothing of the run may be committed.
func (r *Run) Aborted() bool { return r.panicked != nil || r.exited }

// Release carries a panic or runtime.Goexit of the closure on in the calling
// goroutine, which is to be the one that called Update.
func (r *Run) Release() {
	if r.panicked != nil {
		panic(r.panicked)
	}
	if r.exited {
		runtime.Goexit()
	}
}

// buffer is the Txn of one run.
type buffer struct {
	read    func(Key) (Document, error)
	writes  []Write
	wrote   bool
	size    int
	readErr error
	refused error
}

func (b *buffer) Get(key Key) (Document, error) {
	if b.wrote {
		return Document{}, b.refuse(fault.New(fault.Permanent, "read-after-write",
			"A transaction reads all documents before it writes the first one."))
	}
	if err := key.Validate(); err != nil {
		return Document{}, err
	}
	doc, err := b.read(key)
	if err != nil && fault.KindOf(err) != fault.NotFound && b.readErr == nil {
		b.readErr = err
	}
	return doc, err
}

func (b *buffer) Put(doc Document) error {
	b.wrote = true
	fields, err := doc.Fields()
	if err != nil {
		return b.refuse(err)
	}
	doc.Body = append([]byte(nil), doc.Body...)
	doc.Expires = micros(doc.Expires)
	index := make(map[string]string, len(doc.Index))
	for field, value := range doc.Index {
		index[field] = value
	}
	doc.Index = index
	return b.add(Write{Document: doc, Fields: fields})
}

func (b *buffer) Delete(key Key) error {
	b.wrote = true
	if err := key.Validate(); err != nil {
		return b.refuse(err)
	}
	return b.add(Write{Document: Document{Key: key}, Delete: true})
}

func (b *buffer) add(w Write) error {
	if len(b.writes) == MaxWrite {
		return b.refuse(fault.New(fault.Permanent, "too-many-writes",
			"A transaction writes at most %d documents.", MaxWrite))
	}
	if b.size += len(w.Document.Body); b.size > MaxCommit {
		return b.refuse(fault.New(fault.TooLarge, "too-many-writes",
			"A transaction writes at most %d MiB.", MaxCommit>>20))
	}
	b.writes = append(b.writes, w)
	return nil
}

// refuse remembers the first refusal, so that a closure which overlooks it does
// not commit half of what it meant to write.
func (b *buffer) refuse(err error) error {
	if b.refused == nil {
		b.refused = err
	}
	return err
}

// last returns the last write of every key.
func (b *buffer) last() []Write {
	place := make(map[Key]int, len(b.writes))
	var out []Write
	for _, w := range b.writes {
		if i, ok := place[w.Document.Key]; ok {
			out[i] = w
			continue
		}
		place[w.Document.Key] = len(out)
		out = append(out, w)
	}
	return out
}
