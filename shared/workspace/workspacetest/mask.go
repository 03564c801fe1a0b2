package workspacetest

import (
	"fmt"
	"strings"

	"github.com/rollcall-emm/rollcall/shared/google/googletest"
)

// mask is a parsed fields parameter: the names to keep and what to keep of each;
// nil keeps all.
type mask map[string]mask

func (m mask) has(name string) bool {
	if m == nil {
		return true
	}
	_, ok := m[name]
	return ok
}

// maskOf reads the call's fields parameter and holds it against the reply's
// schema.
func (s *Server) maskOf(c call) (mask, *googletest.Error) {
	text := c.Query.Get("fields")
	if text == "" {
		return nil, nil
	}
	schema := "User"
	switch c.Method.ID {
	case prefix + "list":
		schema = "Users"
	case prefix + "watch":
		schema = "Channel"
	}
	p := maskParser{text}
	m, err := p.list()
	if err == nil && p.rest != "" {
		err = fmt.Errorf("unexpected %q", p.rest)
	}
	if err == nil {
		err = s.checkMask(m, s.doc.Schemas[schema])
	}
	if err != nil {
		return nil, &googletest.Error{Status: 400, Reason: "invalidParameter", Message: "Invalid field selection: " + err.Error()}
	}
	return m, nil
}

func (s *Server) checkMask(m mask, schema *googletest.Schema) error {
	for schema != nil && (schema.Items != nil || schema.Ref != "") {
		if schema.Items != nil {
			schema = schema.Items
		} else {
			schema = s.doc.Schemas[schema.Ref]
		}
	}
	if schema == nil || len(schema.Properties) == 0 {
		return nil
	}
	for name, sub := range m {
		p := schema.Properties[name]
		if p == nil {
			return fmt.Errorf("%s", name)
		}
		if err := s.checkMask(sub, p); err != nil {
			return err
		}
	}
	return nil
}

// maskParser reads name, name/sub and name(sub,sub), as Google's "Partial
// response" has them. A star keeps everything at its level.
type maskParser struct{ rest string }

func (p *maskParser) list() (mask, error) {
	m, everything := mask{}, false
	for {
		name, sub, err := p.item()
		if err != nil {
			return nil, err
		}
		if name == "*" {
			everything = true
		} else {
			merge(m, name, sub)
		}
		if !p.eat(',') {
			break
		}
	}
	if everything {
		return nil, nil
	}
	return m, nil
}

func (p *maskParser) item() (string, mask, error) {
	end := strings.IndexAny(p.rest, ",()/")
	if end < 0 {
		end = len(p.rest)
	}
	name := p.rest[:end]
	if p.rest = p.rest[end:]; name == "" {
		return "", nil, fmt.Errorf("empty name before %q", p.rest)
	}
	switch {
	case p.eat('/'):
		n, sub, err := p.item()
		if err != nil || n == "*" {
			return name, nil, err
		}
		return name, mask{n: sub}, nil
	case p.eat('('):
		sub, err := p.list()
		if err == nil && !p.eat(')') {
			err = fmt.Errorf("unclosed bracket at %q", p.rest)
		}
		return name, sub, err
	default:
		return name, nil, nil
	}
}

func (p *maskParser) eat(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// merge adds name to m; a name that was asked for whole stays whole.
func merge(m mask, name string, sub mask) {
	old, ok := m[name]
	if !ok {
		m[name] = sub
		return
	}
	if old == nil || sub == nil {
		m[name] = nil
		return
	}
	for n, s := range sub {
		merge(old, n, s)
	}
}
