package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"minibot/internal/secret"
)

// Messages become lines: each with its time, long ones put together again, and no more of them than there is room for.
func TestLineWriter(t *testing.T) {
	var got []string
	w := &lineWriter{stderr: true, take: func(l Line) {
		text := string(l.Text)
		if len(text) > 40 {
			text = fmt.Sprintf("%d bytes", len(text))
		}
		got = append(got, fmt.Sprintf("%s %v %q", l.Time.Format(time.TimeOnly), l.Stderr, text))
	}}
	const at = "2027-01-31T12:00:0"
	long := strings.Repeat("x", 16<<10)
	for _, message := range []string{
		at + "1.000000001Z ready to accept\r\n", at + "2Z \n", at + "3Z with  two spaces\n",
		at + "4Z " + long, at + "4.1Z " + long, at + "4.2Z end\n", "no time\n",
	} {
		if n, err := w.Write([]byte(message)); n != len(message) || err != nil {
			t.Fatal(n, err)
		}
	}
	for range 100 {
		_, _ = w.Write([]byte(at + "5Z " + long))
	}
	w.flush()
	w.flush()
	want := []string{
		`12:00:01 true "ready to accept"`, `12:00:02 true ""`, `12:00:03 true "with  two spaces"`,
		`12:00:04 true "32771 bytes"`, `00:00:00 true "no time"`, fmt.Sprintf(`12:00:05 true "%d bytes"`, longest-secret.MaxValue),
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
