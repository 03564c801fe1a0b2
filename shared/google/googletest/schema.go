package googletest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

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
