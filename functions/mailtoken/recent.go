package mailtoken

import (
	"sync"
	"time"
)

// recent remembers what was put into it for at least span, and at most twice as long.
// Once it holds most entries of late, the older ones go. It may be used concurrently.
type recent[K comparable, V any] struct {
	span time.Duration
	most int

	mu      sync.Mutex
	began   time.Time // when late began
	late    map[K]V
	earlier map[K]V
}

func newRecent[K comparable, V any](span time.Duration, most int) *recent[K, V] {
	return &recent[K, V]{span: span, most: most}
}

func (r *recent[K, V]) get(k K, now time.Time) (v V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	if v, ok = r.late[k]; !ok {
		v, ok = r.earlier[k]
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	if len(r.late) >= r.most {
		r.earlier, r.late, r.began = r.late, nil, now
	}
	r.set(k, v, now)
}

func (r *recent[K, V]) set(k K, v V, now time.Time) {
	if r.late == nil {
		r.late, r.began = map[K]V{}, now
	}
	r.late[k] = v
}

// turn makes what is older than span the earlier, and forgets what is twice as old.
func (r *recent[K, V]) turn(now time.Time) {
	switch age := now.Sub(r.began); {
	case age >= 2*r.span:
		r.late, r.earlier = nil, nil
	case age >= r.span:
		r.late, r.earlier = nil, r.late
	default:
		return
	}
	r.began = now
}

// add puts k in unless it is there, and reports whether it was. Where there is no room
// nothing is forgotten, and full is true.
func (r *recent[K, V]) add(k K, v V, now time.Time) (was, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(now)
	_, late := r.late[k]
	_, earlier := r.earlier[k]
	switch {
	case late || earlier:
		return true, false
	case len(r.late)+len(r.earlier) >= r.most:
		return false, true
	}
	r.set(k, v, now)
	return false, false
}
