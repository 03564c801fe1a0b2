// Package firestore is the store.Driver over Google's Firestore in native mode.
//
// A kind is a collection and an ID is a document's name in it. A document has the
// fields
//
//	body     the members of the JSON object, so that an operator can read and
//	         search them in the console; integers are stored as integers
//	index    a map of the index fields' values
//	expires  a timestamp, absent for a document that is kept for ever
//
// # Indexes and expiry
//
// Find needs no composite index: a range on index.FIELD in the order of
// index.FIELD and name is answered by the index that Firestore keeps of each
// single field. Infrastructure has to set, for each kind:
//
//   - an exemption that turns single-field indexing of body and expires off:
//     without it every member is indexed, which costs money and write speed, and
//     limits a document to 40,000 members;
//   - a TTL policy on expires. Firestore deletes within about a day of expiry.
//
// An index field whose value grows with time bounds the kind to about 500 writes
// a second, and one document sustains about one write a second.
//
// # Transactions
//
// An Update is a transaction with pessimistic locks, tried up to MaxAttempts
// times with exponential backoff; after that it is fault.Transient with reason
// "contention". An Update that fails with another fault.Transient may have
// committed all the same, when the answer was lost.
package firestore
