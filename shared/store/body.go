package store

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

const (
	// MaxBody is the largest body in bytes, as JSON text and also in Firestore's
	// reckoning, in which every number takes 8 bytes.
	MaxBody = 900 << 10
	// MaxDepth is how deep objects and arrays may nest in a body. Firestore
	// allows 20 levels, of which the record around the body takes some.
	MaxDepth = 16
	maxName  = 1500 // bytes of a member's name in Firestore
)

// decodeBody returns the members of a body that every driver can hold.
func decodeBody(body []byte) (map[string]any, error) {
	if len(body) > MaxBody {
		return nil, tooLarge()
	}
	if !utf8.Valid(body) {
		return nil, fault.Field("body", "A body is UTF-8.")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil || fields == nil {
		return nil, notAnObject(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, notAnObject(err)
	}
	size := 0
	if err := measure(fields, 1, &size); err != nil {
		return nil, err
	}
	if size > MaxBody {
		return nil, tooLarge()
	}
	return fields, nil
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "body-too-large", "A document's body has at most %d KiB.", MaxBody>>10)
}

func notAnObject(err error) error {
	e := fault.Field("body", "A body is one JSON object.")
	e.Err = err
	return e
}

// measure adds Firestore's size of v to size and refuses what Firestore cannot
// hold, so that a test on another driver finds it.
func measure(v any, depth int, size *int) error {
	switch v := v.(type) {
	case map[string]any:
		if depth > MaxDepth {
			return tooDeep()
		}
		*size += 32
		for name, member := range v {
			if name == "" || len(name) > maxName || reserved(name) {
				return fault.Field("body", "A member's name has 1 to %d bytes and is not of the form \"__…__\".", maxName)
			}
			*size += len(name) + 1
			if err := measure(member, depth+1, size); err != nil {
				return err
			}
		}
	case []any:
		if depth > MaxDepth {
			return tooDeep()
		}
		for _, element := range v {
			if _, ok := element.([]any); ok {
				return fault.Field("body", "A body has no array directly within an array.")
			}
			if err := measure(element, depth+1, size); err != nil {
				return err
			}
		}
	case json.Number:
		if _, err := v.Float64(); err != nil {
			return fault.Field("body", "A number lies within the range of a 64-bit float.")
		}
		*size += 8
	case string:
		*size += len(v) + 1
	default: // true, false and null
		*size++
	}
	return nil
}

func tooDeep() error {
	return fault.Field("body", "A body nests at most %d levels deep.", MaxDepth)
}
