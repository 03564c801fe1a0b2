package googletest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
)

// Discovery is a discovery document of Google: the methods of one API and the
// shape of what they take. It is immutable once parsed.
type Discovery struct {
	root
	byID    map[string]*Method
	ordered []*Method
}

type root struct {
	Revision    string               `json:"revision"`
	ServicePath string               `json:"servicePath"`
	Parameters  map[string]Parameter `json:"parameters"`
	Schemas     map[string]*Schema   `json:"schemas"`
	Resources   map[string]resource  `json:"resources"`
}

type resource struct {
	Methods   map[string]*Method  `json:"methods"`
	Resources map[string]resource `json:"resources"`
}

// Method is one method of an API.
type Method struct {
	ID         string               `json:"id"`
	HTTPMethod string               `json:"httpMethod"`
	Path       string               `json:"path"`
	Parameters map[string]Parameter `json:"parameters"`
	Request    *Schema              `json:"request"`
	Scopes     []string             `json:"scopes"`

	segments []string
}

// Parameter is a parameter of a method, in path or query.
type Parameter struct {
	Location string   `json:"location"`
	Type     string   `json:"type"`
	Format   string   `json:"format"`
	Required bool     `json:"required"`
	Repeated bool     `json:"repeated"`
	Enum     []string `json:"enum"`
}

// Schema is the JSON schema of a body or of a part of one.
type Schema struct {
	Ref                  string             `json:"$ref"`
	Type                 string             `json:"type"`
	Format               string             `json:"format"`
	Enum                 []string           `json:"enum"`
	Properties           map[string]*Schema `json:"properties"`
	AdditionalProperties *Schema            `json:"additionalProperties"`
	Items                *Schema            `json:"items"`
	Annotations          struct {
		// Required are the ids of the methods that need this property.
		Required []string `json:"required"`
	} `json:"annotations"`
}

// ParseDiscovery reads a discovery document, whole or from TrimDiscovery.
func ParseDiscovery(doc []byte) (*Discovery, error) {
	d := &Discovery{byID: map[string]*Method{}}
	if err := json.Unmarshal(doc, &d.root); err != nil {
		return nil, fmt.Errorf("parse discovery document: %w", err)
	}
	d.collect(d.Resources)
	if len(d.ordered) == 0 {
		return nil, fmt.Errorf("parse discovery document: no methods")
	}
	// Fixed segments go before variables: enterprises/signupUrl is no enterprise.
	sort.Slice(d.ordered, func(i, j int) bool {
		a, b := d.ordered[i], d.ordered[j]
		if va, vb := strings.Count(a.Path, "{"), strings.Count(b.Path, "{"); va != vb {
			return va < vb
		}
		return a.ID < b.ID
	})
	return d, nil
}

func (d *Discovery) collect(rs map[string]resource) {
	for _, r := range rs {
		for _, m := range r.Methods {
			m.segments = strings.Split(d.ServicePath+m.Path, "/")
			d.byID[m.ID] = m
			d.ordered = append(d.ordered, m)
		}
		d.collect(r.Resources)
	}
}

// MethodIDs returns the ids of all methods, sorted.
func (d *Discovery) MethodIDs() []string {
	ids := make([]string, 0, len(d.byID))
	for id := range d.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Method returns the method with this id, or nil.
func (d *Discovery) Method(id string) *Method { return d.byID[id] }

// Resolve finds the method of a request and its path variables, or returns nil.
func (d *Discovery) Resolve(r *http.Request) (*Method, map[string]string) {
	got := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	for _, m := range d.ordered {
		if m.HTTPMethod != r.Method || len(m.segments) != len(got) {
			continue
		}
		if vars, ok := match(m.segments, got); ok {
			return m, vars
		}
	}
	return nil, nil
}
