package googletest

import (
	"bytes"
	"encoding/json"
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
