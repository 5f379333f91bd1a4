package spec_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"minibot/spec"
)

const whole = `# The title goes.
# All of it.

# About the stack.
name = "old"

# About variables. It stands alone.

# one
variable "one" { default = "a" }
variable "two" { default = "b" }

network "old-net" {}
network "other" { internal = true }

# About secrets.

secret "ONE" {}
# two
secret "TWO" {}

service "one" {
  image    = var.one
  networks = ["old-net"]
  env      = { A_FILE = secret.ONE.file }

  # waits
  depends_on "two" {}
  limits {
    memory = "1G"
    cpus   = 1
  }
}

# The second.
service "two" {
  image = "${var.two}:1"
  limits { # inside
    memory = "1G"
    cpus   = 1
  }
}

# Ways in.

remote "ssh" {
  destination = "a@b"
}

# The end.
`

func TestCut(t *testing.T) {
	for name, want := range map[string]string{
		"one": `# About the stack.
name = "new"

# About variables. It stands alone.

# one
variable "one" { default = "a" }

network "new-net" {}
network "other" { internal = true }

# About secrets.

secret "ONE" {}

service "one" {
  image    = var.one
  networks = ["new-net"]
  env      = { A_FILE = secret.ONE.file }

  limits {
    memory = "1G"
    cpus   = 1
  }
}

# Ways in.

# remote "ssh" {
#   destination = "a@b"
# }

# The end.
`,
		"two": `# About the stack.
name = "new"

# About variables. It stands alone.

variable "two" { default = "b" }

network "new-net" {}
network "other" { internal = true }

# The second.
service "two" {
  image = "${var.two}:1"
  limits { # inside
    memory = "1G"
    cpus   = 1
  }
}

# Ways in.

# remote "ssh" {
#   destination = "a@b"
# }

# The end.
`,
		"": `# About the stack.
name = "new"

network "new-net" {}
network "other" { internal = true }

# Ways in.

# remote "ssh" {
#   destination = "a@b"
# }

# The end.
`,
	} {
		var services []string
		if name != "" {
			services = []string{name}
		}
		got, err := spec.Cut([]byte(whole), "new", services)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}

func TestCutRefuses(t *testing.T) {
	if _, err := spec.Cut([]byte(whole), "new", []string{"three"}); err == nil || !strings.Contains(err.Error(), `"three"`) {
		t.Errorf("a service that is not there: %v", err)
	}
	if _, err := spec.Cut([]byte("name = {"), "new", nil); err == nil {
		t.Error("a source that cannot be read: no error")
	}
}

// Every choice of the reference stack's services is a valid spec without a warning, laid out as minibot fmt would, and
// has what it needs and nothing else.
func TestCutExample(t *testing.T) {
	src := []byte(read(t, "../minibot.hcl.example"))
	reference, _ := spec.Parse(src, "minibot.hcl", spec.Variables{})
	for choice := 1; choice < 1<<len(reference.Services); choice++ {
		var names []string
		for i, service := range reference.Services {
			if choice&(1<<i) != 0 {
				names = append(names, service.Name)
			}
		}
		t.Run(strings.Join(names, ","), func(t *testing.T) {
			got, err := spec.Cut(src, "box", names)
			if err != nil {
				t.Fatal(err)
			}
			stack, diags := spec.Parse(got, "minibot.hcl", spec.Variables{})
			if !diags.Empty() {
				t.Fatalf("%s\n%s", text(t, diags), got)
			}
			var kept, secrets, used []string
			for _, service := range stack.Services {
				kept, used = append(kept, service.Name), append(used, service.SecretNames()...)
			}
			for _, secret := range stack.Secrets {
				secrets = append(secrets, secret.Name)
			}
			slices.Sort(secrets)
			slices.Sort(used)
			if diff := cmp.Diff(names, kept); diff != "" {
				t.Errorf("services (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(slices.Compact(used), secrets); diff != "" {
				t.Errorf("secrets (-used +declared):\n%s", diff)
			}
			for _, service := range reference.Services {
				if variable := fmt.Sprintf("variable %q", service.Name+"_image"); strings.Contains(string(got), variable) != slices.Contains(names, service.Name) {
					t.Errorf("%s", variable)
				}
			}
			if stack.Name != "box" || stack.Networks[0].Name != "box-net" || strings.Contains(string(got), "minibot-net") {
				t.Errorf("stack %q on %q", stack.Name, stack.Networks[0].Name)
			}
			if formatted := hclwrite.Format(got); !bytes.Equal(formatted, got) {
				t.Errorf("not formatted:\n%s", cmp.Diff(string(formatted), string(got)))
			}
			t.Logf("%s", got)
		})
	}
}
