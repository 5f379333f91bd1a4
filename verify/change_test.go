package verify_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"minibot/verify"
)

// made is a report of results that are written as "check object status severity evidence".
func made(lines ...string) verify.Report {
	var r verify.Report
	for _, line := range lines {
		word := strings.SplitN(line, " ", 5)
		one := verify.Result{Check: word[0], Object: word[1], Status: verify.Status(word[2]), Severity: verify.Severity(word[3]), Evidence: word[4]}
		if word[2] == "accepted" {
			one.Status, one.Accepted = verify.Fail, "it is so"
		}
		r.Results = append(r.Results, one)
	}
	return r
}

func TestChanges(t *testing.T) {
	for name, c := range map[string]struct {
		before, after []string
		want          []string
	}{
		"nothing":                     {[]string{"a.b x pass low e", "a.c x fail low e"}, []string{"a.b x pass low e", "a.c x fail low e"}, nil},
		"other evidence is no change": {[]string{"a.b x fail low restarted 3 times"}, []string{"a.b x fail low restarted 4 times"}, nil},
		"a status": {
			[]string{"a.b x pass low e", "a.b y pass low e"}, []string{"a.b x pass low e", "a.b y fail low e"},
			[]string{"a.b y pass→fail"},
		},
		"back":                        {[]string{"a.b x error low e"}, []string{"a.b x pass low e"}, []string{"a.b x error→pass"}},
		"no longer where it applies":  {[]string{"a.b x pass low e"}, []string{"a.b x skip low e"}, []string{"a.b x pass→skip"}},
		"accepted":                    {[]string{"a.b x fail low e"}, []string{"a.b x accepted low e"}, []string{"a.b x fail→accepted"}},
		"no longer accepted":          {[]string{"a.b x accepted low e"}, []string{"a.b x fail low e"}, []string{"a.b x accepted→fail"}},
		"another severity":            {[]string{"a.b x fail medium e"}, []string{"a.b x fail critical e"}, []string{"a.b x fail→fail"}},
		"a new object that is bad":    {nil, []string{"a.b x fail low e"}, []string{"a.b x →fail"}},
		"a new object that is good":   {nil, []string{"a.b x pass low e"}, nil},
		"a bad object that is gone":   {[]string{"a.b x fail low e", "a.b y pass low e"}, []string{"a.b y pass low e"}, []string{"a.b x fail→"}},
		"a good object that is gone":  {[]string{"a.b x pass low e"}, nil, nil},
		"one more of the same object": {[]string{"a.b x fail low 1"}, []string{"a.b x fail low 1", "a.b x fail low 2"}, []string{"a.b x fail→fail"}},
		"of several the worst is shown": {
			[]string{"a.b x pass low e"}, []string{"a.b x pass low 1", "a.b x error low 2", "a.b x fail high 3", "a.b x fail critical 4"},
			[]string{"a.b x pass→fail"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, change := range verify.Changes(made(c.before...), made(c.after...)) {
				got = append(got, fmt.Sprintf("%s %s %s→%s", change.Check, change.Object, change.From, change.To))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	worst := verify.Changes(made(), made("a.b x error low 2", "a.b x fail high 3", "a.b x fail critical 4", "a.b x fail low 5"))[0].Result
	if worst.Evidence != "4" {
		t.Errorf("the worst is %+v", worst)
	}
}

func TestWriteChanges(t *testing.T) {
	before := made("net.publish.loopback redis pass critical e", "limit.memory redis fail high e", "hard.caps redis pass critical e",
		"limit.pids redis pass medium e", "limit.cpu redis pass medium e", "stack.extra.container box-x fail medium box-x is on the network")
	after := made("net.publish.loopback redis fail critical box-redis publishes 0.0.0.0:6379:6379, open to the network", "limit.memory redis pass high 64M",
		"hard.caps redis accepted critical box-redis has NET_RAW", "limit.pids redis error medium the engine was not observed", "limit.cpu redis error medium the engine was not observed")
	const want = `12:30:05 ✗ net.publish.loopback       redis: box-redis publishes 0.0.0.0:6379:6379, open to the
                                      network (critical; passed before)
12:30:05 ✓ limit.memory               redis: 64M (failed before)
12:30:05 ~ hard.caps                  redis: box-redis has NET_RAW (passed before)
12:30:05 ! 2 checks                   redis: the engine was not observed (medium; passed before)
12:30:05 ✓ stack.extra.container      box-x: no longer there (failed before)
`
	var out, colored bytes.Buffer
	at := time.Date(2026, 11, 15, 12, 30, 5, 0, time.UTC)
	if err := verify.WriteChanges(&out, at, verify.Changes(before, after), verify.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := verify.WriteChanges(&colored, at, verify.Changes(before, after), verify.TextOptions{Color: true}); err != nil {
		t.Fatal(err)
	}
	if ansi.ReplaceAllString(colored.String(), "") != want {
		t.Errorf("the text is another one with colour:\n%s", &colored)
	}
	fits(t, out.String())
}
