package google

import (
	"container/list"
	"sync"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/secret"
)

const (
	// cacheBytes is the default bound. It holds 100,000 people with tokens of 1 KiB,
	// about the longest that service accounts are given.
	cacheBytes = 128 << 20
	// entryBytes is what an entry takes beside its two texts
	// (BenchmarkTokenCache100000 measures it).
	entryBytes = 256
)

// TokenCache keeps access tokens, and refusals, within a bound of memory. What was
// asked for least recently goes first; that costs another fetch and nothing else.
// It may be used concurrently, and by several Tokens.
type TokenCache struct {
	max int64

	mu      sync.Mutex
	bytes   int64
	owners  uint64
	entries map[tokenKey]*list.Element
	recent  *list.List // of *entry, the most recently used in front
}

// NewTokenCache returns a cache of about bytes; 0 is 128 MiB.
func NewTokenCache(bytes int64) *TokenCache {
	if bytes <= 0 {
		bytes = cacheBytes
	}
	return &TokenCache{max: bytes, entries: map[tokenKey]*list.Element{}, recent: list.New()}
}

// Len returns how many tokens and refusals are kept.
func (c *TokenCache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// tokenKey names one token.
type tokenKey struct {
	owner   uint64 // whose key: a signer's number; 0 is none yet
	scopes  Scopes
	subject string
}

// entry is a token or a refusal. Its times are Unix nanoseconds, which take a
// third of the room of a time.Time.
type entry struct {
	key     tokenKey
	value   secret.Value
	refused *fault.Error // nil for a token
	expiry  int64        // the token's end
	until   int64        // the entry's end, before expiry
	renew   int64        // from when one asker fetches anew
}

func entryOf(el *list.Element) *entry {
	e, _ := el.Value.(*entry) // the list holds nothing else
	return e
}

func (e *entry) size() int64 {
	return int64(len(e.value.Reveal())+len(e.key.subject)) + entryBytes
}

// newOwner returns a number that no other signer has.
func (c *TokenCache) newOwner() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owners++
	return c.owners
}

// get returns what is kept under k, nil if nothing is. Where it is time to renew,
// one asker is told so, and the next one only after the time again.
func (c *TokenCache) get(k tokenKey, now time.Time, again time.Duration) (e *entry, renew bool) {
	t := now.UnixNano()
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.entries[k]
	if el == nil {
		return nil, false
	}
	e = entryOf(el)
	if t >= e.until {
		return nil, false
	}
	c.recent.MoveToFront(el)
	if t >= e.renew {
		e.renew, renew = t+int64(again), true
	}
	return e, renew
}

// put keeps e in place of what was there, and drops what is over the bound or has
// ended: what nobody asks for any more need not stay while the process lives.
func (c *TokenCache) put(e *entry, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(c.entries[e.key])
	c.entries[e.key] = c.recent.PushFront(e)
	c.bytes += e.size()
	for el := c.recent.Back(); el != c.recent.Front(); el = c.recent.Back() {
		if c.bytes <= c.max && now.UnixNano() < entryOf(el).until {
			return
		}
		c.remove(el)
	}
}

func (c *TokenCache) remove(el *list.Element) {
	if el == nil {
		return
	}
	e := entryOf(el)
	c.recent.Remove(el)
	delete(c.entries, e.key)
	c.bytes -= e.size()
}

// forget drops the token that Google rejected; a newer one stays.
func (c *TokenCache) forget(k tokenKey, rejected secret.Value) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.entries[k]; el != nil && entryOf(el).refused == nil && entryOf(el).value.Equal(rejected) {
		c.remove(el)
	}
}
