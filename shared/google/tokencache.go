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
	// entryBytes is what an entry takes beside its two texts, and refusalBytes what a
	// refusal takes more (BenchmarkTokenCache100000 measures both).
	entryBytes, refusalBytes = 256, 256
	// refusalShare is what refusals may take beside the bound, one in so many of it.
	refusalShare = 8
)

// TokenCache keeps access tokens, and refusals, within a bound of memory. What was
// asked for least recently goes first; that costs another fetch and nothing else.
// Refusals have a small bound of their own and push no token out: who asks for address
// after address that does not exist costs nobody a token. It may be used concurrently,
// and by several Tokens.
type TokenCache struct {
	tokens, refusals shelf

	mu      sync.Mutex
	owners  uint64
	entries map[tokenKey]*list.Element
}

// shelf is where entries of one sort stand.
type shelf struct {
	max, bytes int64
	recent     *list.List // of *entry, the most recently used in front
}

// NewTokenCache returns a cache of about bytes, and an eighth more for refusals; 0 is
// 128 MiB.
func NewTokenCache(bytes int64) *TokenCache {
	if bytes <= 0 {
		bytes = cacheBytes
	}
	return &TokenCache{
		tokens: shelf{max: bytes, recent: list.New()}, refusals: shelf{max: bytes / refusalShare, recent: list.New()},
		entries: map[tokenKey]*list.Element{},
	}
}

func (c *TokenCache) shelf(e *entry) *shelf {
	if e.refused != nil {
		return &c.refusals
	}
	return &c.tokens
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
	n := int64(len(e.value.Reveal())+len(e.key.subject)) + entryBytes
	if e.refused != nil {
		n += refusalBytes
	}
	return n
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
	c.shelf(e).recent.MoveToFront(el)
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
	s := c.shelf(e)
	c.entries[e.key] = s.recent.PushFront(e)
	s.bytes += e.size()
	for el := s.recent.Back(); el != s.recent.Front(); el = s.recent.Back() {
		if s.bytes <= s.max && now.UnixNano() < entryOf(el).until {
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
	s := c.shelf(e)
	s.recent.Remove(el)
	delete(c.entries, e.key)
	s.bytes -= e.size()
}

// forget drops the token that Google rejected; a newer one stays.
func (c *TokenCache) forget(k tokenKey, rejected secret.Value) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.entries[k]; el != nil && entryOf(el).refused == nil && entryOf(el).value.Equal(rejected) {
		c.remove(el)
	}
}
