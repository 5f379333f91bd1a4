package probe

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// redisScript answers one command after the other with the lines given, whatever is asked, and collects the
// commands it read.
func redisScript(t testing.TB, replies ...string) (*server, *record[[]string]) {
	var commands record[[]string]
	s := serve(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		for _, reply := range replies {
			command, err := readRedisCommand(r)
			if err != nil {
				return
			}
			commands.add(command)
			io.WriteString(conn, reply)
		}
	})
	return s, &commands
}

func readRedisCommand(r *bufio.Reader) ([]string, error) {
	var n int
	if _, err := fmt.Fscanf(r, "*%d\r\n", &n); err != nil {
		return nil, err
	}
	args := make([]string, n)
	for i := range args {
		var size int
		if _, err := fmt.Fscanf(r, "$%d\r\n", &size); err != nil {
			return nil, err
		}
		arg := make([]byte, size+2)
		if _, err := io.ReadFull(r, arg); err != nil {
			return nil, err
		}
		args[i] = string(arg[:size])
	}
	return args, nil
}

func TestRedis(t *testing.T) {
	for name, test := range map[string]struct {
		reply string
		want  State
		err   error
	}{
		"requirepass":        {reply: "-NOAUTH Authentication required.\r\n", want: Refuses},
		"no password":        {reply: "+PONG\r\n", want: Open},
		"few rights":         {reply: "-NOPERM this user has no permissions to run the 'ping' command\r\n", want: Open},
		"protected mode":     {reply: "-DENIED Redis is running in protected mode because protected mode is enabled …\r\n", want: Weak},
		"loading":            {reply: "-LOADING Redis is loading the dataset in memory\r\n", want: Open},
		"replica, no master": {reply: "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n", want: Open},
		"disk full":          {reply: "-MISCONF Redis is configured to save RDB snapshots, but it's …\r\n", want: Open},
		"script":             {reply: "-BUSY Redis is busy running a script.\r\n", want: Open},
		"full":               {reply: "-ERR max number of clients reached\r\n", err: ErrBusy},
		"other error":        {reply: "-ERR operation not permitted\r\n", err: ErrUnknownReply},
		"prefix is no code":  {reply: "-NOAUTHORITY\r\n", err: ErrUnknownReply},
		"status NOAUTH":      {reply: "+NOAUTH Authentication required.\r\n", err: ErrUnknownReply},
		"bulk PONG":          {reply: "$4\r\nPONG\r\n", err: ErrUnknownReply},
		"bare line feed":     {reply: "+PONG\n", err: ErrUnknownReply},
		"empty line":         {reply: "\r\n", err: ErrUnknownReply},
		"half a line":        {reply: "-NOAUTH", err: io.ErrUnexpectedEOF},
		"huge":               {reply: "-NOAUTH " + strings.Repeat("x", 1<<20) + "\r\n", err: ErrUnknownReply},
		"http":               {reply: "HTTP/1.1 400 Bad Request\r\n\r\n", err: ErrUnknownReply},
		"tls alert":          {reply: "\x15\x03\x01\x00\x02\x02\x46\r\n", err: ErrUnknownReply},
	} {
		t.Run(name, func(t *testing.T) {
			s, commands := redisScript(t, test.reply)
			answer, err := Redis(t.Context(), s.addr)
			if test.err != nil {
				expectError(t, answer, err, test.err)
			} else {
				expect(t, answer, err, test.want)
			}
			if diff := cmp.Diff([][]string{{"PING"}}, commands.all()); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
			if n := s.connections.Load(); n != 1 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// A server in protected mode has spoken and hung up before the client's command arrives.
func TestRedisProtectedModeSpeaksFirst(t *testing.T) {
	s := serve(t, func(conn net.Conn) { io.WriteString(conn, "-DENIED Redis is running in protected mode\r\n") })
	answer, err := Redis(t.Context(), s.addr)
	expect(t, answer, err, Weak)
	answer, err = RedisLogin(t.Context(), s.addr, "", password(thePassword))
	expect(t, answer, err, Weak)
}

func TestRedisLogin(t *testing.T) {
	for name, test := range map[string]struct {
		user    string
		replies []string
		want    State
		err     error
	}{
		"right":              {replies: []string{"+OK\r\n", "+PONG\r\n"}, want: Accepts},
		"right, with a user": {user: "minibot", replies: []string{"+OK\r\n", "+PONG\r\n"}, want: Accepts},
		"right, no ping":     {replies: []string{"+OK\r\n", "-NOPERM this user has no permissions\r\n"}, want: Accepts},
		"right, loading":     {replies: []string{"+OK\r\n", "-LOADING Redis is loading\r\n"}, err: ErrStarting},
		"right, then not":    {replies: []string{"+OK\r\n", "-NOAUTH Authentication required.\r\n"}, err: ErrUnknownReply},
		"wrong":              {replies: []string{"-WRONGPASS invalid username-password pair or user is disabled.\r\n"}, want: Rejects},
		"wrong, Redis 5":     {replies: []string{"-ERR invalid password\r\n"}, want: Rejects},
		"none set": {replies: []string{"-ERR AUTH <password> called without any password configured for the default user. " +
			"Are you sure your configuration is correct?\r\n"}, want: Open},
		"none set, Redis 5": {replies: []string{"-ERR Client sent AUTH, but no password is set\r\n"}, want: Open},
		"renamed":           {replies: []string{"-ERR unknown command 'AUTH', with args beginning with: '" + thePassword + "' \r\n"}, err: ErrUnknownReply},
		"full":              {replies: []string{"-ERR max number of clients reached\r\n"}, err: ErrBusy},
		"not OK":            {replies: []string{"+PONG\r\n"}, err: ErrUnknownReply},
		"the password back": {replies: []string{"+OK\r\n", "-" + thePassword + "\r\n"}, err: ErrUnknownReply},
	} {
		t.Run(name, func(t *testing.T) {
			s, commands := redisScript(t, test.replies...)
			answer, err := RedisLogin(t.Context(), s.addr, test.user, password(thePassword))
			if test.err != nil {
				expectError(t, answer, err, test.err)
			} else {
				expect(t, answer, err, test.want)
			}
			auth := []string{"AUTH", thePassword}
			if test.user != "" {
				auth = []string{"AUTH", test.user, thePassword}
			}
			if diff := cmp.Diff([][]string{auth, {"PING"}}[:len(test.replies)], commands.all()); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzRedisReply(f *testing.F) {
	for _, seed := range []string{"+PONG\r\n", "-NOAUTH Authentication required.\r\n", "-ERR x\r\n", "+\r\n", "", "$4\r\nPONG\r\n", "-DENIED\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		reply, err := readRedisReply(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		answer, err := strangerPing(reply)
		if (err == nil) == (answer == Answer{}) {
			t.Errorf("answer %+v with error %v", answer, err)
		}
		if answer.State == Refuses && !bytes.HasPrefix(data, []byte("-NOAUTH")) {
			t.Errorf("a refusal was read into %q", data)
		}
		for _, judge := range []func(redisReply) (Answer, error){refusedAuth, memberPing} {
			if answer, err := judge(reply); (err == nil) == (answer == Answer{}) {
				t.Errorf("answer %+v with error %v", answer, err)
			}
		}
	})
}
