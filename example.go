// Package minibot holds the reference stack, minibot.hcl.example, for the program: what "minibot init"
// writes is cut from it, so that no service is described twice.
package minibot

import _ "embed"

// Example is minibot.hcl.example: every preset service, complete and commented.
//
//go:embed minibot.hcl.example
var Example []byte
