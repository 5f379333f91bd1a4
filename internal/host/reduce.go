package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Exited tells whether an error is that of a program which ended with another status than 0.
func Exited(err error) (*ExitError, bool) {
	var exit *ExitError
	ok := errors.As(err, &exit)
	return exit, ok
}

// ReduceOutput leaves of a program's output what this package reads of it: the rest names people, other programs, or what they
// are connected to. What is read of the reduced output is what is read of the whole.
func ReduceOutput(argv []string, out []byte) []byte {
	program, args := path.Base(argv[0]), strings.Join(argv[1:], " ")
	switch {
	case program == "netstat":
		return knownLines(out, `^Proto|\bLISTEN\b|^udp.*\*\.\*\s*$`)
	case program == "ps" && strings.Contains(args, "comm="):
		return processNames(out)
	case program == "ps":
		return eachLine(out, reduceArgs)
	case program == "launchctl":
		return knownLines(out, `disabled services|"com\.(openssh|apple)\.`)
	case program == "fdesetup":
		return knownLines(out, `^(FileVault is|Encryption in progress|Decryption in progress)`)
	case program == "defaults" && strings.HasSuffix(args, "autoLoginUser"):
		return []byte("a user\n")
	case program == "defaults" && strings.HasSuffix(args, "NAT"):
		return lineFilter(out, `^\s*Enabled = `)
	case program == "sshd":
		return knownLines(out, `(?i)^(passwordauthentication|kbdinteractiveauthentication|challengeresponseauthentication|usepam|permitrootlogin) `)
	case program == "orb":
		return knownLines(out, `^docker\.expose_ports_to_lan:`)
	case program == "getent":
		return anonymous(out)
	case strings.EqualFold(program, "tailscale") && strings.HasPrefix(args, "status"):
		return jsonKeys(out, "BackendState", "TailscaleIPs", "Self.KeyExpiry", "Health")
	case strings.EqualFold(program, "tailscale") && strings.HasPrefix(args, "debug prefs"):
		return jsonKeys(out, "RunSSH", "RunWebClient", "AdvertiseRoutes")
	}
	return out
}

// ReduceFile does the same for a file, by its path from the root.
func ReduceFile(name string, data []byte) []byte {
	base := path.Base(name)
	switch {
	case name == "proc/net/tcp", name == "proc/net/tcp6":
		return knownLines(data, `^\s*sl\s|^\s*\d+: \S+ \S+ 0A `)
	case name == "proc/net/udp", name == "proc/net/udp6":
		return knownLines(data, `^\s*sl\s|^\s*\d+: \S+ \S+ 07 `)
	case name == "proc/cpuinfo":
		return firstLine(data, `^flags\s*:`, ` hypervisor\b`)
	case strings.HasPrefix(name, "proc/") && base == "cmdline":
		words := strings.Split(strings.TrimRight(string(data), "\x00"), "\x00")
		return []byte(strings.Join(reduceWords(words), "\x00"))
	case base == "settings-store.json":
		return jsonKeys(data, "PortBindingBehavior")
	case name == "etc/docker/daemon.json":
		return jsonKeys(data, "iptables", "allow-direct-routing")
	case base == "colima.yaml", base == "lima.yaml":
		return yamlKeys(data, "network", "networks")
	case isProxyFile(name):
		return bytes.Join(loopbackTarget.FindAll(data, -1), []byte("\n"))
	}
	return data
}

// isProxyFile tells whether a path is not one of those that this package reads in full.
func isProxyFile(name string) bool {
	full := []string{"proc/", "sys/", "etc/ufw/ufw.conf"}
	return !slices.ContainsFunc(full, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// loopbackTarget is a port of this machine as configurations name it.
var loopbackTarget = regexp.MustCompile(`(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+`)

// knownLines keeps the lines that match. Where none does, nothing of it is understood, and an error shows its beginning.
func knownLines(text []byte, pattern string) []byte {
	if known := lineFilter(text, pattern); known != nil {
		return known
	}
	return text
}

// lineFilter keeps the lines that match.
func lineFilter(text []byte, pattern string) []byte {
	keep := regexp.MustCompile(pattern)
	var out []byte
	for line := range bytes.Lines(text) {
		if keep.Match(bytes.TrimRight(line, "\r\n")) {
			out = append(out, line...)
		}
	}
	return out
}

// firstLine keeps the key of the first line that matches, and a word of it if it is there.
func firstLine(text []byte, pattern, word string) []byte {
	line, rest := regexp.MustCompile(pattern), regexp.MustCompile(word)
	for one := range bytes.Lines(text) {
		if key := line.Find(one); key != nil {
			return append(append(bytes.Clone(key), rest.Find(one)...), '\n')
		}
	}
	return nil
}

// jsonKeys keeps some members of an object, by their paths. What is no object stays as it is: that is what an error
// shows the beginning of.
func jsonKeys(text []byte, paths ...string) []byte {
	var whole map[string]any
	if json.Unmarshal(text, &whole) != nil {
		return text
	}
	kept := map[string]any{}
	for _, one := range paths {
		from, to := whole, kept
		keys := strings.Split(one, ".")
		for i, key := range keys {
			value, there := from[key]
			if !there {
				break
			}
			if i == len(keys)-1 {
				to[key] = value
				break
			}
			inner, ok := value.(map[string]any)
			if !ok {
				break
			}
			next, _ := to[key].(map[string]any)
			if next == nil {
				next = map[string]any{}
			}
			to[key], from, to = next, inner, next
		}
	}
	out, err := json.Marshal(kept)
	if err != nil {
		return text
	}
	return append(out, '\n')
}

// yamlKeys keeps some of the keys of a mapping.
func yamlKeys(text []byte, keys ...string) []byte {
	var whole map[string]any
	if yaml.Unmarshal(text, &whole) != nil {
		return text
	}
	kept := map[string]any{}
	for _, key := range keys {
		if value, there := whole[key]; there {
			kept[key] = value
		}
	}
	out, err := yaml.Marshal(kept)
	if err != nil {
		return text
	}
	return out
}

// processNames keeps of a list of processes the first one, and those that Tunnels asks for.
func processNames(out []byte) []byte {
	names := tunnelNames()
	first := true
	return eachLine(out, func(line string) string {
		_, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		keep := first || slices.Contains(names, path.Base(strings.TrimSpace(command)))
		if first = false; !keep {
			return ""
		}
		return line
	})
}

func eachLine(text []byte, change func(string) string) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		if changed := change(strings.TrimRight(string(line), "\r\n")); changed != "" {
			out = append(out, changed+"\n"...)
		}
	}
	return out
}

// anonymous counts the members of a group instead of naming them: `docker:x:105:member,member`.
func anonymous(out []byte) []byte {
	fields := strings.Split(strings.TrimSpace(string(out)), ":")
	if len(fields) != 4 || fields[3] == "" {
		return out
	}
	fields[3] = strings.TrimSuffix(strings.Repeat("member,", strings.Count(fields[3], ",")+1), ",")
	return []byte(strings.Join(fields, ":") + "\n")
}

// omitted stands for a word of a command line that is nobody's business.
const omitted = "…"

// plainWord is what of a command line tells where a program listens and what it leads to: options without a value, verbs of
// brokers, forwards, loopback addresses with a port, and paths.
var plainWord = regexp.MustCompile(`^(-{1,2}[A-Za-z][A-Za-z-]*|tunnel|proxy-dns|access|-?[0-9]{1,5}|` +
	`(-[A-Za-z]*[RLD])?(\[[0-9a-f:]*\]|[0-9.*]*|localhost)(:(\[[0-9a-f:]*\]|[0-9.]*|localhost|[a-z0-9.-]+))*:[0-9]{1,5}|` +
	`(https?://)?(127\.[0-9.]+|localhost|\[::1\]):[0-9]{1,5}/?|(?i:(tcp|udp)[46]?(-listen|-connect)?:[a-z0-9.:,=-]*)|/[\w./-]+|nginx: (master|worker) process.*)$`)

// reduceWords leaves out of a program's arguments what may be a token, a name or an address elsewhere.
func reduceWords(words []string) []string {
	kept := slices.Clone(words)
	for i, word := range kept {
		key, value, assigned := strings.Cut(word, "=")
		switch {
		case i == 0, plainWord.MatchString(word):
		case assigned && strings.HasPrefix(key, "-") && plainWord.MatchString(value):
		case assigned && strings.HasPrefix(key, "-"):
			kept[i] = key + "=" + omitted
		default:
			kept[i] = omitted
		}
	}
	return kept
}

// reduceArgs does it for a line of ps: a number and the words.
func reduceArgs(line string) string {
	words := strings.Fields(line)
	if len(words) < 2 {
		return line
	}
	return words[0] + " " + strings.Join(reduceWords(words[1:]), " ")
}
