package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall-emm/rollcall/shared/fault"
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// ReadBody returns the body of a POST of JSON with at most limit bytes. Another
// method, media type or size is refused in words.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.Method != http.MethodPost {
		e := fault.New(fault.Invalid, reasonMethod, "this endpoint takes POST only")
		e.Field = http.MethodPost
		return nil, e
	}
	return ReadJSON(w, r, limit)
}

// ReadJSON is ReadBody for any method.
func ReadJSON(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mt != "application/json" {
		return nil, fault.New(fault.Invalid, reasonMediaType, "send the request with Content-Type: application/json")
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if _, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		var max *http.MaxBytesError
		if errors.As(err, &max) {
			return nil, tooLarge(limit)
		}
		return nil, fault.Wrap(err, fault.Invalid, "body-truncated", "the request body ended before it was complete; send it again")
	}
	return bytes.Clone(buf.Bytes()), nil
}

func tooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "body-too-large", "a request body has at most %d bytes", limit)
}

// Decode reads one JSON object strictly: unknown and duplicate members, members
// in another case, wrong types, null, invalid UTF-8 and trailing data are
// fault.Invalid with the JSON path of what is wrong. If v has a method Validate() error, its
// result is returned in the end.
func Decode(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return fault.Field("", "send one JSON object")
	}
	if k := jsontext.Value(bytes.TrimSpace(body)).Kind(); k != '{' {
		return fault.Field("", "send one JSON object")
	}
	if err := json.Unmarshal(body, v, json.RejectUnknownMembers(true)); err != nil {
		return explain(err)
	}
	if path, found := findNull(body); found {
		return fault.Field(path, "null is not taken; give a value, or leave the member out")
	}
	if c, ok := v.(interface{ Validate() error }); ok {
		return c.Validate()
	}
	return nil
}

// findNull returns the path of the first null in body, which is valid JSON. The
// decoder takes null for any type and leaves a zero value, which a caller that
// means "none" would not notice.
func findNull(body []byte) (path string, found bool) {
	if !bytes.Contains(body, []byte("null")) {
		return "", false
	}
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		tok, err := d.ReadToken()
		if err != nil {
			return "", false
		}
		if tok.Kind() == 'n' {
			return Path(d.StackPointer()), true
		}
	}
}

func explain(err error) error {
	var sem *json.SemanticError
	if errors.As(err, &sem) {
		path := Path(sem.JSONPointer)
		if errors.Is(err, json.ErrUnknownName) {
			return fault.Field(path, "this member is not known here")
		}
		return fault.Field(path, "this member has the wrong type or form")
	}
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		path := Path(syn.JSONPointer)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fault.Field(path, "this member is there twice")
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fault.Field(path, "the JSON ends before it is complete")
		}
		return fault.Field(path, "this is not valid JSON (RFC 8259) at byte %d", syn.ByteOffset)
	}
	return fault.Wrap(err, fault.Invalid, "invalid-json", "this is not valid JSON")
}

// maxPath bounds a path in a reply and in the log: members' names are the
// caller's own text.
const maxPath = 256

// Path turns an RFC 6901 pointer into the form a.b[0].c, and cuts it short where
// it is very long.
func Path(p jsontext.Pointer) string {
	var b strings.Builder
	for tok := range p.Tokens() {
		if tok != "" && strings.Trim(tok, "0123456789") == "" {
			b.WriteString("[" + tok + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(tok)
	}
	path := strings.ToValidUTF8(b.String(), "\uFFFD")
	if len(path) <= maxPath {
		return path
	}
	return strings.ToValidUTF8(path[:maxPath], "") + "…"
}

// WriteJSON answers with v and the given status.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // if the caller is gone there is nobody to tell
	return nil
}
