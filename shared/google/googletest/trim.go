package googletest

import (
	"encoding/json"
	"fmt"
	"slices"
)

// TrimDiscovery returns the document without descriptions and what else a
// Discovery does not read, with sorted keys, small enough to live beside a
// simulator. Where resources are named, only those of the top level are kept,
// and only the schemas that they need.
func TrimDiscovery(doc []byte, resources ...string) ([]byte, error) {
	var all map[string]any
	if err := json.Unmarshal(doc, &all); err != nil {
		return nil, fmt.Errorf("trim discovery document: %w", err)
	}
	keep := map[string]any{}
	for _, k := range []string{"id", "revision", "rootUrl", "servicePath", "parameters", "schemas", "resources"} {
		if v, ok := all[k]; ok {
			keep[k] = trim(v, false)
		}
	}
	if len(resources) > 0 {
		narrow(keep, resources)
	}
	out, err := json.MarshalIndent(keep, "", " ")
	if err != nil {
		return nil, fmt.Errorf("trim discovery document: %w", err)
	}
	return append(out, '\n'), nil
}

// narrow drops the resources that are not named, and then the schemas that
// nothing refers to any more.
func narrow(doc map[string]any, resources []string) {
	rs, _ := doc["resources"].(map[string]any)
	for name := range rs {
		if !slices.Contains(resources, name) {
			delete(rs, name)
		}
	}
	schemas, _ := doc["schemas"].(map[string]any)
	used := map[string]bool{}
	var follow func(v any)
	follow = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && !used[ref] {
				used[ref] = true
				follow(schemas[ref])
			}
			for _, e := range v {
				follow(e)
			}
		case []any:
			for _, e := range v {
				follow(e)
			}
		}
	}
	follow(rs)
	for name := range schemas {
		if !used[name] {
			delete(schemas, name)
		}
	}
}

// trim drops texts for people. Inside properties and parameters the keys are
// names of fields, and a field may well be called description.
func trim(v any, names bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if !names {
				switch k {
				case "description", "enumDescriptions", "enumDeprecated", "flatPath", "deprecated":
					continue
				}
			}
			out[k] = trim(e, !names && (k == "properties" || k == "parameters" || k == "schemas" || k == "methods" || k == "resources"))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = trim(e, false)
		}
		return out
	default:
		return v
	}
}
