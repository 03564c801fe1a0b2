package record

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcall-emm/rollcall/shared/directory"
	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// Directory returns an enterprise's configuration of its directory.
func (db *DB) Directory(ctx context.Context, ent string) (directory.Config, error) {
	return fetch[directory.Config](ctx, db, Directories, ent)
}

// Directories lists every configuration in order of enterprise, and counts those
// that cannot be read.
func (db *DB) Directories(ctx context.Context, p Page) (cs []directory.Config, damaged int, next string, err error) {
	docs, next, err := find(ctx, db, store.Query{Kind: Directories}, p)
	cs, damaged = readable[directory.Config](docs)
	return cs, damaged, next, err
}

// Directory returns an enterprise's configuration of its directory.
func (tx *Tx) Directory(ent string) (directory.Config, error) {
	return get[directory.Config](tx, Directories, ent)
}

// PutDirectory stores a configuration.
func (tx *Tx) PutDirectory(c directory.Config) error {
	return put(tx, Directories, c.Enterprise, c, nil)
}

// DeleteDirectory removes a configuration.
func (tx *Tx) DeleteDirectory(ent string) error {
	return tx.txn.Delete(store.Key{Kind: Directories, ID: ent})
}

// DirectoryState returns what an enterprise's runs share; one that was never
// written is empty.
func (db *DB) DirectoryState(ctx context.Context, ent string) (directory.State, error) {
	return orNew(ent)(fetch[directory.State](ctx, db, DirectoryStates, ent))
}

// DirectoryState returns what an enterprise's runs share; one that was never
// written is empty.
func (tx *Tx) DirectoryState(ent string) (directory.State, error) {
	return orNew(ent)(get[directory.State](tx, DirectoryStates, ent))
}

func orNew(ent string) func(directory.State, error) (directory.State, error) {
	return func(s directory.State, err error) (directory.State, error) {
		if fault.KindOf(err) == fault.NotFound {
			return directory.State{Enterprise: ent}, nil
		}
		return s, err
	}
}

// PutDirectoryState stores what an enterprise's runs share.
func (tx *Tx) PutDirectoryState(s directory.State) error {
	return put(tx, DirectoryStates, s.Enterprise, s, nil)
}

// Run returns a directory run.
func (db *DB) Run(ctx context.Context, id string) (directory.Run, error) {
	return fetch[directory.Run](ctx, db, DirectoryRuns, id)
}

// Runs lists an enterprise's directory runs from a moment on, oldest first.
func (db *DB) Runs(ctx context.Context, ent string, since time.Time, p Page) ([]directory.Run, string, error) {
	q := store.Query{Kind: DirectoryRuns, Field: byTrail, From: ent + "|" + store.Timestamp(since), To: ent + "}"}
	return list[directory.Run](ctx, db, q, p)
}

// Run returns a directory run.
func (tx *Tx) Run(id string) (directory.Run, error) { return get[directory.Run](tx, DirectoryRuns, id) }

// keepRuns is how long runs, their pages and their plans are kept.
const keepRuns = 90 * 24 * time.Hour

// PutRun stores a directory run, for 90 days from its start.
func (tx *Tx) PutRun(r directory.Run) error {
	index := map[string]string{byTrail: r.Enterprise + "|" + store.Timestamp(r.StartedAt)}
	return putUntil(tx, DirectoryRuns, r.ID, r, index, r.StartedAt.Add(keepRuns))
}

// The pages of a run take the places of those of the run before.
func pageID(ent string, s directory.Source, n int) string {
	return fmt.Sprintf("%s.%s.%06d", ent, s, n)
}

// DirectoryPage returns a page of what the last run of an enterprise collected, of
// whichever run it is.
func (db *DB) DirectoryPage(ctx context.Context, ent string, s directory.Source, n int) (directory.Page, error) {
	return fetch[directory.Page](ctx, db, DirectoryPages, pageID(ent, s, n))
}

// PutDirectoryPage stores a page, for 90 days from when it was read: it holds people's
// data, and nobody may ever overwrite it.
func (tx *Tx) PutDirectoryPage(ent string, p directory.Page) error {
	return putUntil(tx, DirectoryPages, pageID(ent, p.Source, p.Number), p, nil, p.At.Add(keepRuns))
}

type bucket struct {
	Rows []byte `json:"rows"`
}

// Bucket returns the packed rows of a manifest's bucket.
func (db *DB) Bucket(ctx context.Context, id string) ([]byte, error) {
	b, err := fetch[bucket](ctx, db, DirectoryManifests, id)
	return b.Rows, err
}

// PutBucket stores a manifest's bucket.
func (tx *Tx) PutBucket(id string, rows []byte) error {
	return put(tx, DirectoryManifests, id, bucket{rows}, nil)
}

// DeleteBucket removes a manifest's bucket.
func (tx *Tx) DeleteBucket(id string) error {
	return tx.txn.Delete(store.Key{Kind: DirectoryManifests, ID: id})
}

func partID(run string, n int) string { return fmt.Sprintf("%s.%06d", run, n) }

// Part returns a part of a run's plan.
func (db *DB) Part(ctx context.Context, run string, n int) (directory.Part, error) {
	return fetch[directory.Part](ctx, db, DirectoryPlans, partID(run, n))
}

// Part returns a part of a run's plan.
func (tx *Tx) Part(run string, n int) (directory.Part, error) {
	return get[directory.Part](tx, DirectoryPlans, partID(run, n))
}

// PutPart stores a part of a run's plan, for 90 days from when it was planned.
func (tx *Tx) PutPart(p directory.Part) error {
	return putUntil(tx, DirectoryPlans, partID(p.Run, p.Number), p, nil, p.At.Add(keepRuns))
}

// Channel returns a notification channel.
func (db *DB) Channel(ctx context.Context, id string) (directory.Channel, error) {
	return fetch[directory.Channel](ctx, db, DirectoryChannels, id)
}

// Channels lists an enterprise's notification channels.
func (db *DB) Channels(ctx context.Context, ent string, p Page) ([]directory.Channel, string, error) {
	return list[directory.Channel](ctx, db, store.Equal(DirectoryChannels, byEnterprise, ent, 0), p)
}

// Channel returns a notification channel.
func (tx *Tx) Channel(id string) (directory.Channel, error) {
	return get[directory.Channel](tx, DirectoryChannels, id)
}

// PutChannel stores a notification channel.
func (tx *Tx) PutChannel(c directory.Channel) error {
	return put(tx, DirectoryChannels, c.ID, c, map[string]string{byEnterprise: c.Enterprise})
}

// DeleteChannel removes a notification channel.
func (tx *Tx) DeleteChannel(id string) error {
	return tx.txn.Delete(store.Key{Kind: DirectoryChannels, ID: id})
}
