package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"minibot/internal/plan"
)

// many is a stack of a hundred services like the reference stack's.
func many(t testing.TB) *scene {
	var src strings.Builder
	src.WriteString("name = \"shop\"\n\nnetwork \"shop-net\" {}\n\nsecret \"TOKEN\" {}\n")
	for i := range 100 {
		fmt.Fprintf(&src, `
service "s%[1]d" {
  image = "redis:7"
  user  = "999:999"
  limits {
    memory = "256MB"
    cpus   = 0.5
  }
  bind { port = %[2]d }
  env = {
    A          = "a"
    TOKEN_FILE = secret.TOKEN.file
  }
  volume "s%[1]d-data" { target = "/data" }
  tmpfs     = ["/tmp"]
  read_only = true
  file "/run/secrets/app.conf" { content = "token ${secret.TOKEN.value}\nlevel info\n" }
  healthcheck {
    test     = ["CMD", "redis-cli", "ping"]
    interval = "5s"
  }
}
`, i, 10000+i)
	}
	return newScene(t, src.String(), "image redis:7 environment.PATH=/bin command=[\"redis-server\"] entrypoint=[\"/init\"] working_dir=/data")
}

func BenchmarkDiff100(b *testing.B) {
	s := many(b)
	if p := plan.Diff(s.project, s.live); !p.Empty() {
		b.Fatal(view(b, p))
	}
	b.ReportAllocs()
	for b.Loop() {
		plan.Diff(s.project, s.live)
	}
}

func BenchmarkDiff100Create(b *testing.B) {
	s := many(b)
	s.do([]string{"empty"})
	if p := plan.Diff(s.project, s.live); len(p.Steps) < 200 {
		b.Fatal(view(b, p))
	}
	b.ReportAllocs()
	for b.Loop() {
		plan.Diff(s.project, s.live)
	}
}

// BenchmarkParseLabel100 is what observing a hundred containers costs beside.
func BenchmarkParseLabel100(b *testing.B) {
	var labels []string
	for _, fields := range plan.Desired(many(b).project) {
		labels = append(labels, fields.Label())
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, label := range labels {
			if _, err := plan.ParseLabel(label); err != nil {
				b.Fatal(err)
			}
		}
	}
}
