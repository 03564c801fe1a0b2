package functions_test

// openAPI is the part of OpenAPI 3.1 that the document uses; a member that is
// not here is a slip or a reason to extend it.
type openAPI struct {
	OpenAPI string `yaml:"openapi"`
	Info    struct{ Title, Version, Summary, Description string }
	Servers []struct {
		URL, Description string
		Variables        map[string]struct{ Default, Description string }
	}
	Tags       []struct{ Name, Description string }
	Paths      map[string]struct{ Post operation }
	Components struct {
		SecuritySchemes map[string]securityScheme `yaml:"securitySchemes"`
		Parameters      map[string]parameter
		Headers         map[string]header
		Examples        map[string]example
		Responses       map[string]response
		Schemas         map[string]any
	}
}

type operation struct {
	OperationID string `yaml:"operationId"`
	Tags        []string
	Summary     string
	Description string
	Parameters  []parameter
	Security    []map[string][]string
	RequestBody struct {
		Required bool
		Content  map[string]media
	} `yaml:"requestBody"`
	Responses map[string]response
}

type securityScheme struct {
	Type, In, Name, Scheme, Description string
	BearerFormat                        string `yaml:"bearerFormat"`
}

type parameter struct {
	Ref                   string `yaml:"$ref"`
	Name, In, Description string
	Required              bool
	Schema                any
	Examples              map[string]example
}

type response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Headers     map[string]header
	Content     map[string]media
}

type header struct {
	Ref         string `yaml:"$ref"`
	Description string
	Required    bool
	Schema      any
}

type media struct {
	Schema   any
	Examples map[string]example
}

type example struct {
	Ref     string `yaml:"$ref"`
	Summary string
	Value   any
}
