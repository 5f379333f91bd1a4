package secret

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// This is /usr/bin/security as far as minibot uses it, with the traps of the real one (SecurityTool/macOS/security.c,
// readline.c, keychain_find.c, keychain_utilities.c): the line buffer of 4096, the dropped last line, the quoting, -w
// that turns into hex, -g, an empty condition that matches everything, exit statuses of one byte. It keeps its items
// and its behaviour in files beside itself.

// fakeItem is one generic password.
type fakeItem struct{ Service, Account, Label, Description, Hex string }

// fakeCall is what other processes could see of one run.
type fakeCall struct{ Args, Env []string }

const (
	fakeItems = "items.json"
	fakeCalls = "calls.jsonl"
	fakeMode  = "mode" // "hang", or an exit status for every command
	fakeDate  = "20260102030405Z"
)

func fakeSecurity(dir string) int {
	call, _ := json.Marshal(fakeCall{os.Args, os.Environ()})
	log, err := os.OpenFile(filepath.Join(dir, fakeCalls), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(log, "%s\n", call)
	log.Close()

	if !slices.Equal(os.Args[1:], []string{"-i"}) {
		return 2
	}
	mode, _ := os.ReadFile(filepath.Join(dir, fakeMode))
	if string(mode) == "hang" {
		r, w, _ := os.Pipe()
		r.Read(make([]byte, 1)) // a dialog that nobody answers
		w.Close()
	}
	in := bufio.NewReader(os.Stdin)
	status := 0
	for {
		line, ok := fakeReadline(in)
		if !ok {
			return status & 0xff
		}
		args := fakeSplit(line)
		if len(args) == 0 {
			continue
		}
		status = 0
		if code, err := strconv.Atoi(string(mode)); err == nil {
			status = code
		} else {
			status = fakeCommand(dir, args)
		}
		if status != 0 {
			fmt.Fprintf(os.Stderr, "%s: returned %d\n", args[0], status)
		}
	}
}

// fakeReadline returns at the newline or when 4095 bytes are full; a last line without newline is lost.
func fakeReadline(in io.ByteReader) (string, bool) {
	var line []byte
	for len(line) < 4095 {
		b, err := in.ReadByte()
		if err != nil {
			return "", false
		}
		if b == '\n' {
			break
		}
		line = append(line, b)
	}
	return string(line), true
}

// fakeSplit knows both quotes and the backslash.
func fakeSplit(line string) []string {
	var args []string
	var word []byte
	var quote byte
	started := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			word, started = append(word, line[i]), true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, started = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if started {
				args, word, started = append(args, string(word)), nil, false
			}
		default:
			word, started = append(word, c), true
		}
	}
	if started {
		args = append(args, string(word))
	}
	return args
}

func fakeCommand(dir string, args []string) int {
	options := map[string]string{}
	for i := 1; i < len(args); i++ {
		switch args[i] {
		case "-U", "-g", "-w":
			options[args[i]] = "yes"
		case "-s", "-a", "-l", "-D", "-X":
			if i++; i == len(args) {
				return 2
			}
			options[args[i-1]] = args[i]
		default:
			return 2
		}
	}
	items := readFakeItems(dir)
	at := slices.IndexFunc(items, func(it fakeItem) bool {
		matches := func(option, text string) bool { return options[option] == "" || options[option] == text }
		return matches("-s", it.Service) && matches("-a", it.Account)
	})
	switch args[0] {
	case "find-generic-password":
		if at < 0 {
			return -25300
		}
		value, _ := hex.DecodeString(items[at].Hex)
		fakePrintItem(os.Stdout, items[at])
		if options["-g"] != "" {
			fmt.Fprintf(os.Stderr, "password: %s\n", fakePrint(value))
		}
		if options["-w"] != "" {
			if fakePrintable(value) {
				fmt.Printf("%s\n", value)
			} else {
				fmt.Printf("%x\n", value)
			}
		}
		return 0
	case "add-generic-password":
		if _, err := hex.DecodeString(options["-X"]); err != nil {
			return 2
		}
		item := fakeItem{options["-s"], options["-a"], options["-l"], options["-D"], options["-X"]}
		if at >= 0 && options["-U"] == "" {
			return -25299
		}
		if at >= 0 {
			items[at] = item
		} else {
			items = append(items, item)
		}
	case "delete-generic-password":
		if at < 0 {
			return -25300
		}
		items = slices.Delete(items, at, at+1)
	case "dump-keychain":
		for _, item := range items {
			fakePrintItem(os.Stdout, item)
		}
		return 0
	default:
		return 1
	}
	writeFakeItems(dir, items)
	return 0
}

func fakePrintItem(w io.Writer, item fakeItem) {
	fmt.Fprintf(w, "keychain: \"/Users/ada/Library/Keychains/login.keychain-db\"\nversion: 512\nclass: \"genp\"\nattributes:\n")
	fmt.Fprintf(w, "    0x00000007 <blob>=%s\n    0x00000008 <blob>=<NULL>\n", fakePrint([]byte(item.Label)))
	fmt.Fprintf(w, "    \"acct\"<blob>=%s\n", fakePrint([]byte(item.Account)))
	for _, name := range []string{"cdat", "mdat"} {
		fmt.Fprintf(w, "    %q<timedate>=0x%X00  \"%s\\000\"\n", name, fakeDate, fakeDate)
	}
	fmt.Fprintf(w, "    \"desc\"<blob>=%s\n    \"icmt\"<blob>=<NULL>\n", fakePrint([]byte(item.Description)))
	fmt.Fprintf(w, "    \"svce\"<blob>=%s\n    \"type\"<uint32>=<NULL>\n", fakePrint([]byte(item.Service)))
}

// fakePrint is print_buffer: text as it stands, or hex and an escaped copy.
func fakePrint(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if fakePrintable(b) && !bytes.Contains(b, []byte(`\`)) {
		return `"` + string(b) + `"`
	}
	var escaped strings.Builder
	for _, c := range b {
		switch {
		case c == '\\':
			escaped.WriteString(`\\`)
		case c >= 0x20 && c < 0x7f:
			escaped.WriteByte(c)
		default:
			fmt.Fprintf(&escaped, `\%03o`, c)
		}
	}
	return fmt.Sprintf(`0x%X  "%s"`, b, escaped.String())
}

func fakePrintable(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c < 0x20 || c >= 0x7f })
}

func readFakeItems(dir string) []fakeItem {
	var items []fakeItem
	text, err := os.ReadFile(filepath.Join(dir, fakeItems))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(text, &items); err != nil {
		panic(err)
	}
	return items
}

func writeFakeItems(dir string, items []fakeItem) {
	text, _ := json.Marshal(items)
	if err := os.WriteFile(filepath.Join(dir, fakeItems), text, 0o600); err != nil {
		panic(err)
	}
}

// newFakeSecurity puts the fake into a directory of its own and returns that.
func newFakeSecurity(t *testing.T) (dir string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "security")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func setFakeMode(t *testing.T, dir, mode string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, fakeMode), []byte(mode), 0o600); err != nil {
		t.Fatal(err)
	}
}
