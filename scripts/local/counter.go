package main

import (
	"maps"
	"sync"
)

// counter counts by word. It may be used concurrently.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) add(word string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[word]++
}

func (c *counter) all() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.n)
}
