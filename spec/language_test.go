package spec

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// TestFullSpec makes sure that testdata/full.hcl, which others use too, has every
// attribute and block of the language.
func TestFullSpec(t *testing.T) {
	src, err := os.ReadFile("testdata/full.hcl")
	if err != nil {
		t.Fatal(err)
	}
	file, diags := hclsyntax.ParseConfig(src, "full.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	written := map[string]bool{"variable.validation.condition": true}
	var walk func(body *hclsyntax.Body, path string)
	walk = func(body *hclsyntax.Body, path string) {
		for name := range body.Attributes {
			written[join(path, name)] = true
		}
		for _, block := range body.Blocks {
			written[join(path, block.Type)] = true
			walk(block.Body, join(path, block.Type))
		}
	}
	walk(file.Body.(*hclsyntax.Body), "")
	all := map[string]shape{}
	language(reflect.TypeFor[Stack](), "", all)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if !written[path] {
			t.Errorf("testdata/full.hcl has no %s", path)
		}
	}
}

// TestAdvice makes sure that advice is about words that there are not, or must be.
func TestAdvice(t *testing.T) {
	all := map[string]shape{}
	language(reflect.TypeFor[Stack](), "", all)
	for path := range instead {
		if _, found := all[path]; found {
			t.Errorf("%s is in the language and has advice against it", path)
		}
	}
	for path := range required {
		if _, found := all[path]; !found {
			t.Errorf("%s is not in the language and is required", path)
		}
	}
}
