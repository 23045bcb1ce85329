package openapi_test

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	require.NoError(t, err)
	return doc
}

// An operation is one of the document's.
type operation struct {
	method, path string
	*openapi3.Operation
}

func operations(doc *openapi3.T) (all []operation) {
	for _, path := range doc.Paths.InMatchingOrder() {
		for method, o := range doc.Paths.Value(path).Operations() {
			all = append(all, operation{method, path, o})
		}
	}
	return all
}

func (o operation) String() string { return o.method + " " + o.path }

// schemes returns the names of those that would do, and whether it takes one.
func (o operation) schemes() (names []string, required bool) {
	if o.Security == nil {
		return nil, false
	}
	required = true
	for _, way := range *o.Security {
		if len(way) == 0 {
			required = false
		}
		for name := range way {
			names = append(names, name)
		}
	}
	return names, required
}

// answers reports whether one of these components describes the answer of a status.
func (o operation) answers(status int, components ...string) bool {
	response := o.Responses.Status(status)
	for _, name := range components {
		if response != nil && response.Ref == "#/components/responses/"+name {
			return true
		}
	}
	return false
}

func TestTheDocumentIsValid(t *testing.T) {
	doc := load(t)
	require.NoError(t, doc.Validate(t.Context()))
	assert.Regexp(t, `^3\.1\.`, doc.OpenAPI)
	tags, ids := map[string]bool{}, map[string]bool{}
	for _, tag := range doc.Tags {
		tags[tag.Name] = true
	}
	for _, o := range operations(doc) {
		assert.NotEmpty(t, o.Summary, o)
		assert.False(t, ids[o.OperationID], "%v: %s is another's", o, o.OperationID)
		ids[o.OperationID] = true
		for _, tag := range o.Tags {
			assert.True(t, tags[tag], "%v: the tag %s", o, tag)
		}
		if o.RequestBody != nil {
			for _, status := range []int{400, 413, 415} {
				assert.NotNil(t, o.Responses.Status(status), "%v reads a body and does not answer %d", o, status)
			}
		}
		if _, required := o.schemes(); required {
			assert.NotNil(t, o.Responses.Status(401), o)
		}
	}
}

// A component that nothing needs is one that nobody will keep up to date.
func TestEveryComponentIsUsed(t *testing.T) {
	doc := load(t)
	text, err := doc.MarshalJSON()
	require.NoError(t, err)
	for kind, names := range map[string][]string{
		"schemas": keys(doc.Components.Schemas), "responses": keys(doc.Components.Responses), "parameters": keys(doc.Components.Parameters),
		"requestBodies": keys(doc.Components.RequestBodies), "headers": keys(doc.Components.Headers),
	} {
		for _, name := range names {
			assert.True(t, strings.Contains(string(text), `"#/components/`+kind+`/`+name+`"`), "%s %s", kind, name)
		}
	}
}

func keys[V any](m map[string]V) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	return names
}
