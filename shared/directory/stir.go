package directory

import (
	"bytes"
	"encoding/base32"
	"slices"
	"strings"
	"time"
)

// Stir is a Google user whose person was changed by a notification. What the last
// run remembers of the user is not what the person's row tells, so that the same
// listing as last time would have the row stay as it is: the next run that lists
// Google looks at the user whatever it lists.
type Stir struct {
	// Key is person.KeyOf of Google's id.
	Key string    `json:"key"`
	At  time.Time `json:"at"`
}

// MaxStirred is how many users notifications may change between two listings of
// Google; more are left to the next.
const MaxStirred = 500

// Stir notes a user, and reports whether there was room.
func (s *State) Stir(key string, at time.Time) bool {
	for i := range s.Stirred {
		if s.Stirred[i].Key == key {
			s.Stirred[i].At = at
			return true
		}
	}
	if len(s.Stirred) >= MaxStirred {
		return false
	}
	s.Stirred = append(s.Stirred, Stir{key, at})
	return true
}

// Calm forgets the users whom a run looked at that began to list Google then.
func (s *State) Calm(began time.Time) {
	var left []Stir
	for _, x := range s.Stirred {
		if !x.At.Before(began) {
			left = append(left, x)
		}
	}
	s.Stirred = left
}

// Stirred returns the manifest of Google's users, which it takes over, as one that
// knows each of those users and nothing of what they were like: whoever is listed
// has changed, and whoever is not is missing.
func (m Manifest) Stirred(users []Stir) Manifest {
	var more []Row
	for _, x := range users {
		b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(x.Key))
		if err != nil || len(b) != len(Row{}.Key) {
			continue
		}
		i, known := slices.BinarySearchFunc(m, b, func(r Row, k []byte) int { return bytes.Compare(r.Key[:], k) })
		if known {
			m[i].Digest = [8]byte{}
		} else {
			more = append(more, Row{Key: [16]byte(b)})
		}
	}
	if len(more) == 0 {
		return m
	}
	return NewManifest(append(m, more...))
}
