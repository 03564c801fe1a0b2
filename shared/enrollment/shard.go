package enrollment

import (
	"hash/fnv"
	"strconv"
)

// A counted token's uses are spread over several rows, each with its share, so
// that ten thousand devices that enrol with one token contend on none (invariant
// C7) and the total is exact all the same.
const (
	usesPerShard = 25
	maxShards    = 64
)

// Shard counts a part of a token's uses.
type Shard struct {
	// ID is the token's id, a dot, and the shard's number.
	ID   string `json:"id"`
	Used int    `json:"used"`
}

// Shards is the number of shards of a counted token; 0 for one with any number
// of uses.
func (t Token) Shards() int {
	if t.Uses == 0 {
		return 0
	}
	return min(maxShards, (t.Uses+usesPerShard-1)/usesPerShard)
}

// ShardID names shard i of the token.
func (t Token) ShardID(i int) string { return t.ID + "." + strconv.Itoa(i) }

// Share is how many uses shard i holds; the shares add up to Uses.
func (t Token) Share(i int) int {
	n := t.Shards()
	share := t.Uses / n
	if i < t.Uses%n {
		share++
	}
	return share
}

// Probe returns the i-th shard that a device should try, 0 <= i < Shards.
func (t Token) Probe(deviceID string, i int) int {
	h := fnv.New32a()
	h.Write([]byte(deviceID))
	return int((h.Sum32() + uint32(i)) % uint32(t.Shards()))
}
