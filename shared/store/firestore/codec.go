package firestore

import (
	"encoding/json"
	"time"

	"github.com/rollcall-emm/rollcall/shared/fault"
	"github.com/rollcall-emm/rollcall/shared/store"
)

// The fields of a stored document.
const (
	fieldBody    = "body"
	fieldIndex   = "index"
	fieldExpires = "expires"
)

// encode returns the fields of a document to be stored.
func encode(w store.Write) map[string]any {
	out := map[string]any{fieldBody: native(w.Fields), fieldIndex: w.Document.Index}
	if !w.Document.Expires.IsZero() {
		out[fieldExpires] = w.Document.Expires
	}
	return out
}

// native replaces json.Number, in place, by the integer or float that Firestore
// stores.
func native(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = native(member)
		}
	case []any:
		for i, element := range v {
			v[i] = native(element)
		}
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64() // in range, as package store has validated
		return f
	}
	return v
}

// decode returns the document that fields hold.
func decode(key store.Key, fields map[string]any) (store.Document, error) {
	doc := store.Document{Key: key}
	body, ok := fields[fieldBody].(map[string]any)
	if !ok {
		return doc, foreign(nil)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return doc, foreign(err)
	}
	doc.Body = raw
	index, _ := fields[fieldIndex].(map[string]any)
	for name, value := range index {
		text, ok := value.(string)
		if !ok {
			return doc, foreign(nil)
		}
		if doc.Index == nil {
			doc.Index = make(map[string]string, len(index))
		}
		doc.Index[name] = text
	}
	if at, ok := fields[fieldExpires].(time.Time); ok {
		doc.Expires = at.UTC()
	}
	return doc, nil
}

// foreign is the error for a document that this package did not write.
func foreign(err error) error {
	return fault.Wrap(err, fault.Permanent, "store-corrupt",
		"A document in Firestore has not the form that Rollcall writes. Restore it, or delete it in the console.")
}
