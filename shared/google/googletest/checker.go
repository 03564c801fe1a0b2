package googletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxBody is the largest request body that a simulator reads, in bytes.
const maxBody = 1 << 20

// Call is a request that a Checker has passed.
type Call struct {
	Method *Method
	// Path holds the path variables.
	Path  map[string]string
	Query url.Values
	// Body is the body's JSON, empty where the method takes none.
	Body  []byte
	Grant Grant
}

// Checker holds requests against a discovery document. It may be used
// concurrently.
type Checker struct {
	doc    *Discovery
	grants func(accessToken string) (Grant, bool)
}

// NewChecker returns a Checker of doc's methods; grants tells what an access
// token stands for (TokenEndpoint.Grant).
func NewChecker(doc *Discovery, grants func(accessToken string) (Grant, bool)) *Checker {
	return &Checker{doc, grants}
}

// Check returns the request as a call, or the refusal to answer it with: 404 for
// an unknown method, 401 and 403 for a missing token or scope, 400 for unknown,
// missing or wrongly typed parameters and fields. The method is set in both
// cases where it is known.
func (c *Checker) Check(r *http.Request) (Call, *Error) {
	m, path := c.doc.Resolve(r)
	if m == nil {
		return Call{}, &Error{http.StatusNotFound, "notFound", "No such method: " + r.Method + " " + r.URL.Path}
	}
	call := Call{Method: m, Path: path, Query: r.URL.Query()}
	var refused *Error
	if call.Grant, refused = c.authorize(r, m); refused != nil {
		return call, refused
	}
	if refused := c.checkQuery(m, call.Query); refused != nil {
		return call, refused
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return call, &Error{http.StatusBadRequest, "badRequest", "The body cannot be read."}
	}
	if m.Request == nil {
		if len(bytes.TrimSpace(body)) > 0 {
			return call, &Error{http.StatusBadRequest, "badRequest", "The method takes no body."}
		}
		return call, nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return call, &Error{http.StatusBadRequest, "parseError", "The body is not JSON."}
	}
	if err := c.doc.checkValue(m, m.Request, v, ""); err != nil {
		return call, err
	}
	call.Body = body
	return call, nil
}

func (c *Checker) authorize(r *http.Request, m *Method) (Grant, *Error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return Grant{}, &Error{http.StatusUnauthorized, "required", "Login Required."}
	}
	g, ok := c.grants(token)
	if !ok {
		return Grant{}, &Error{http.StatusUnauthorized, "authError", "Request had invalid authentication credentials."}
	}
	for _, s := range g.Scopes {
		if slices.Contains(m.Scopes, s) {
			return g, nil
		}
	}
	return Grant{}, &Error{http.StatusForbidden, "insufficientPermissions", "Request had insufficient authentication scopes."}
}

func (c *Checker) checkQuery(m *Method, q url.Values) *Error {
	for name, values := range q {
		p, ok := m.Parameters[name]
		if !ok || p.Location != "query" {
			if p, ok = c.doc.Parameters[name]; !ok {
				return &Error{http.StatusBadRequest, "invalidParameter", "Unknown parameter: " + name}
			}
		}
		if !p.Repeated && len(values) > 1 {
			return &Error{http.StatusBadRequest, "invalidParameter", "Parameter given twice: " + name}
		}
		for _, v := range values {
			if !p.accepts(v) {
				return &Error{http.StatusBadRequest, "invalidParameter", "Invalid value of parameter: " + name}
			}
		}
	}
	for name, p := range m.Parameters {
		if p.Required && p.Location == "query" && q.Get(name) == "" {
			return &Error{http.StatusBadRequest, "required", "Required parameter: " + name}
		}
	}
	return nil
}

func (p Parameter) accepts(v string) bool {
	if len(p.Enum) > 0 {
		return slices.Contains(p.Enum, v)
	}
	switch p.Type {
	case "integer":
		_, err := strconv.ParseInt(v, 10, 64)
		return err == nil
	case "boolean":
		return v == "true" || v == "false"
	default:
		return true
	}
}

// checkValue holds v against the schema; at is its JSON path.
func (d *Discovery) checkValue(m *Method, s *Schema, v any, at string) *Error {
	if s.Ref != "" {
		ref := d.Schemas[s.Ref]
		if ref == nil {
			return &Error{http.StatusInternalServerError, "backendError", "Schema is missing: " + s.Ref}
		}
		return d.checkValue(m, ref, v, at)
	}
	wrong := &Error{http.StatusBadRequest, "invalid", fmt.Sprintf("Invalid value at '%s' (%s)", strings.TrimPrefix(at, "."), s.Type)}
	if v == nil {
		// null clears a field or leaves it alone; either way it fits.
		return nil
	}
	switch s.Type {
	case "object":
		o, ok := v.(map[string]any)
		if !ok {
			return wrong
		}
		return d.checkObject(m, s, o, at)
	case "array":
		items, ok := v.([]any)
		if !ok {
			return wrong
		}
		for i, e := range items {
			if err := d.checkValue(m, s.Items, e, at+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
		return nil
	}
	if !s.fits(v) {
		return wrong
	}
	return nil
}

func (d *Discovery) checkObject(m *Method, s *Schema, o map[string]any, at string) *Error {
	for name, e := range o {
		p := s.Properties[name]
		if p == nil {
			p = s.AdditionalProperties
		}
		if p == nil {
			return &Error{http.StatusBadRequest, "invalid",
				fmt.Sprintf("Invalid JSON payload received. Unknown name %q at '%s'", name, strings.TrimPrefix(at, "."))}
		}
		if err := d.checkValue(m, p, e, at+"."+name); err != nil {
			return err
		}
	}
	for name, p := range s.Properties {
		if slices.Contains(p.Annotations.Required, m.ID) && (o[name] == nil || o[name] == "") {
			return &Error{http.StatusBadRequest, "required", "Required field: " + name}
		}
	}
	return nil
}

// fits reports whether a scalar has the schema's type. Integers of 64 bits
// travel as strings.
func (s *Schema) fits(v any) bool {
	switch s.Type {
	case "string":
		text, ok := v.(string)
		if !ok {
			return false
		}
		if s.Format == "int64" || s.Format == "uint64" {
			_, err := strconv.ParseInt(text, 10, 64)
			return err == nil
		}
		return len(s.Enum) == 0 || text == "" || slices.Contains(s.Enum, text)
	case "integer":
		n, ok := v.(float64)
		return ok && n == float64(int64(n))
	case "number":
		_, ok := v.(float64)
		return ok
	case "boolean":
		_, ok := v.(bool)
		return ok
	default:
		return true
	}
}
