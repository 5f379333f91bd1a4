package verify

import (
	_ "embed"
	"encoding/json"
	"io"
)

// Schema is the JSON Schema of a Report in JSON. A change that is not only an addition has
// another FormatVersion.
//
//go:embed report.schema.json
var Schema []byte

// writeJSON writes a value as people may read it, too.
func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
