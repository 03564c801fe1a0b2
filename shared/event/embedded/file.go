package embedded

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/rollcall-emm/rollcall/shared/event"
	"github.com/rollcall-emm/rollcall/shared/fault"
)

// The file's buckets. A queue's key is the moment the event is due and its
// sequence number, so that a cursor walks it in the order of delivery; payloads
// lie apart, so that counting an attempt does not write them again.
var (
	bucketQueue = []byte("queue") // one bucket a topic: key -> meta
	bucketData  = []byte("data")  // sequence -> payload
	bucketDead  = []byte("dead")  // key (moment of death) -> meta
	bucketIndex = []byte("index") // event id -> key in dead
)

// meta is what the file keeps of an event beside its payload.
type meta struct {
	ID        string      `json:"id"`
	Topic     event.Topic `json:"topic"`
	Published time.Time   `json:"published"`
	// Attempt counts the deliveries that were begun.
	Attempt int       `json:"attempt,omitzero"`
	Reason  string    `json:"reason,omitempty"`
	Died    time.Time `json:"died,omitzero"`
}

func (m meta) event(data []byte) event.Event {
	return event.Event{ID: m.ID, Topic: m.Topic, Data: data, Published: m.Published, Attempt: m.Attempt}
}

func createBuckets(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketQueue, bucketData, bucketDead, bucketIndex} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	for _, t := range event.Topics() {
		if _, err := tx.Bucket(bucketQueue).CreateBucketIfNotExists([]byte(t)); err != nil {
			return err
		}
	}
	return nil
}

func queue(tx *bbolt.Tx, t event.Topic) *bbolt.Bucket {
	return tx.Bucket(bucketQueue).Bucket([]byte(t))
}

// key joins a moment and a sequence number so that bytes sort as moments do.
func key(at time.Time, seq uint64) []byte {
	k := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(at.UnixNano()))
	return binary.BigEndian.AppendUint64(k, seq)
}

func keyTime(k []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(k))).UTC()
}
func keySeq(k []byte) uint64    { return binary.BigEndian.Uint64(k[8:]) }
func dataKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }
func cloned(b []byte) []byte    { return append([]byte(nil), b...) }
func decode(v []byte) (m meta, err error) {
	if err = json.Unmarshal(v, &m); err != nil {
		err = fault.Wrap(err, fault.Permanent, "bus-corrupt", "the event bus's file is damaged")
	}
	return m, err
}

func putMeta(b *bbolt.Bucket, k []byte, m meta) error {
	v, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return b.Put(k, v)
}

// enqueue adds a new event.
func enqueue(tx *bbolt.Tx, m meta, due time.Time, data []byte) error {
	payloads := tx.Bucket(bucketData)
	seq, err := payloads.NextSequence()
	if err != nil {
		return err
	}
	if err := payloads.Put(dataKey(seq), data); err != nil {
		return err
	}
	return putMeta(queue(tx, m.Topic), key(due, seq), m)
}

// bury moves an event from its queue to the dead letters. Of several copies
// with one id the latest stays.
func bury(tx *bbolt.Tx, k []byte, m meta) error {
	if old := cloned(tx.Bucket(bucketIndex).Get([]byte(m.ID))); len(old) > 0 {
		if err := exhume(tx, old, m.ID); err != nil {
			return err
		}
	}
	at := key(m.Died, keySeq(k))
	return errors.Join(
		queue(tx, m.Topic).Delete(k),
		putMeta(tx.Bucket(bucketDead), at, m),
		tx.Bucket(bucketIndex).Put([]byte(m.ID), at),
	)
}

// exhume removes a dead letter.
func exhume(tx *bbolt.Tx, k []byte, id string) error {
	return errors.Join(
		tx.Bucket(bucketDead).Delete(k),
		tx.Bucket(bucketIndex).Delete([]byte(id)),
		tx.Bucket(bucketData).Delete(dataKey(keySeq(k))),
	)
}

func classifyOpen(err error, dir string) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fault.Wrap(err, fault.Conflict, "bus-locked",
			"another process holds the event bus in %s; stop it or choose another folder", dir)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fault.Wrap(err, fault.Permanent, "bus-corrupt",
			"%s in %s is not an event bus's file or is damaged; move it away", FileName, dir)
	}
	return classify(err, "open the event bus in "+dir)
}

func classify(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case fault.As(err) != nil:
		return err
	case isFull(err):
		return fault.Wrap(err, fault.Exhausted, "bus-full", "cannot %s: the disk or the file's bound is full; free some space", doing)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.Wrap(err, fault.Permanent, "bus-permission", "cannot %s: the user who runs Rollcall may not; check owner and mode", doing)
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return fault.Wrap(err, fault.Transient, "bus-closed", "cannot %s: the bus is closed", doing)
	default:
		return fault.Wrap(err, fault.Permanent, "bus-file", "cannot %s", doing)
	}
}

// isFull knows a full disk. bbolt renders the cause of a failed growth into its
// text without wrapping it, so the text has to do for that one.
func isFull(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, berrors.ErrMaxSizeReached} {
		if errors.Is(err, e) || strings.Contains(err.Error(), e.Error()) {
			return true
		}
	}
	return false
}
