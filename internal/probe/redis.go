package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"minibot/internal/secret"
)

// Redis sends one PING without credentials to the server at addr (host:port) and says what came of it, by
// facts/network-security.md §3.2. Raw RESP, no client library: those answer for the server. An AUTH with a
// wrong password, which the server would log, is never sent.
//
// Errors: [ErrBusy], [ErrUnknownReply], the context's, the network's.
func Redis(ctx context.Context, addr string) (Answer, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	conn, err := dial(ctx, addr)
	if err != nil {
		return Answer{}, fmt.Errorf("redis: %w", err)
	}
	defer conn.Close()

	reply, err := redisCommand(conn, bufio.NewReader(conn), "PING")
	if err != nil {
		return Answer{}, fmt.Errorf("redis: %w", err)
	}
	answer, err := strangerPing(reply)
	if err != nil {
		return Answer{}, fmt.Errorf("redis: %w", err)
	}
	return answer, nil
}

// RedisLogin sends AUTH and then PING. user may be empty: then the server's default user is meant, as with
// requirepass. Redis has no login that keeps the password to itself, so call this only for a server that has
// answered [Refuses] to [Redis]: an open server with an ACL says OK to any password.
//
// A server without a password answers Open or Weak, not Accepts. Errors: as [Redis], [ErrStarting], [ErrNoSecret].
func RedisLogin(ctx context.Context, addr, user string, password secret.Value) (Answer, error) {
	return RedisSession(ctx, addr, user, password, func(RedisCommand) error { return nil })
}

// RedisCommand sends one command whose reply is +OK or an error. Of the error it returns the code alone, such as
// NOPERM, since the text may quote the command; "" is +OK. What is neither is an [ErrUnknownReply].
type RedisCommand func(args ...string) (refusal string, err error)

// RedisSession logs in as [RedisLogin] does and, if that was accepted, has use send commands on the same
// connection, under the same context. An error of use is returned as it is.
func RedisSession(ctx context.Context, addr, user string, password secret.Value, use func(RedisCommand) error) (Answer, error) {
	if len(password.Reveal()) == 0 {
		return Answer{}, fmt.Errorf("redis login: %w", ErrNoSecret)
	}
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	conn, err := dial(ctx, addr)
	if err != nil {
		return Answer{}, fmt.Errorf("redis login: %w", err)
	}
	defer conn.Close()

	r := bufio.NewReader(conn)
	answer, err := logInRedis(conn, r, user, string(password.Reveal()))
	switch {
	case err != nil:
		return Answer{}, fmt.Errorf("redis login: %w", err)
	case answer.State != Accepts:
		return answer, nil
	}
	err = use(func(args ...string) (string, error) {
		reply, err := redisCommand(conn, r, args...)
		switch {
		case err != nil:
			return "", err
		case reply.code() == "" && !reply.ok("OK"):
			return "", fmt.Errorf("%w to %s", ErrUnknownReply, args[0])
		}
		return reply.code(), nil
	})
	if err != nil {
		return Answer{}, err
	}
	return answer, nil
}

// logInRedis sends AUTH and, if that is answered OK, PING.
func logInRedis(w io.Writer, r *bufio.Reader, user, password string) (Answer, error) {
	auth := []string{"AUTH", password}
	if user != "" {
		auth = []string{"AUTH", user, password}
	}
	reply, err := redisCommand(w, r, auth...)
	if err != nil {
		return Answer{}, err
	}
	if !reply.ok("OK") {
		return refusedAuth(reply)
	}
	if reply, err = redisCommand(w, r, "PING"); err != nil {
		return Answer{}, err
	}
	return memberPing(reply)
}

// redisReply is a simple string or an error, the only two kinds that AUTH and PING are answered with.
type redisReply struct {
	failed bool
	text   string // without the sign and the line end
}

func (r redisReply) ok(text string) bool { return !r.failed && r.text == text }

// code is the error's first word, by which Redis tells its errors apart; "" for a reply that is no error.
func (r redisReply) code() string {
	if !r.failed {
		return ""
	}
	code, _, _ := strings.Cut(r.text, " ")
	return code
}

// redisCommand writes one command and reads its reply. A failed write still reads: a server in protected mode
// has spoken and hung up before it was asked, and its words are worth more than the broken pipe.
func redisCommand(w io.Writer, r *bufio.Reader, args ...string) (redisReply, error) {
	var b strings.Builder
	b.WriteString("*" + strconv.Itoa(len(args)) + "\r\n")
	for _, arg := range args {
		b.WriteString("$" + strconv.Itoa(len(arg)) + "\r\n" + arg + "\r\n")
	}
	io.WriteString(w, b.String())
	return readRedisReply(r)
}

// readRedisReply reads one line. What is no RESP reply, or longer than the reader's buffer, is an error that
// does not quote it: it may echo the password.
func readRedisReply(r *bufio.Reader) (redisReply, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return redisReply{}, fmt.Errorf("%w: a line of more than %d bytes", ErrUnknownReply, r.Size())
	case err == io.EOF:
		return redisReply{}, fmt.Errorf("the server hung up: %w", io.ErrUnexpectedEOF)
	case err != nil:
		return redisReply{}, err
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || text == "" || (text[0] != '+' && text[0] != '-') {
		return redisReply{}, fmt.Errorf("%w: not a line of RESP", ErrUnknownReply)
	}
	return redisReply{failed: text[0] == '-', text: text[1:]}, nil
}

// strangerPing judges the reply to a PING that followed no AUTH. processCommand (redis/redis: src/server.c)
// looks at authentication before anything else, so every error of a later stage means the stranger was let in.
func strangerPing(reply redisReply) (Answer, error) {
	if reply.ok("PONG") {
		return Answer{Open, "answers PONG to a stranger"}, nil
	}
	switch code := reply.code(); {
	case code == "NOAUTH":
		return Answer{Refuses, "NOAUTH: asks for a password"}, nil
	case code == "NOPERM":
		return Answer{Open, "NOPERM: lets a stranger in as the default user, with few rights"}, nil
	case code == "LOADING", code == "MASTERDOWN", code == "MISCONF", code == "BUSY":
		return Answer{Open, code + ": asks a stranger for no password, though it cannot serve now"}, nil
	case code == "DENIED":
		return Answer{Weak, "DENIED: no password is set; only protected mode keeps strangers out"}, nil
	case reply.failed && strings.HasPrefix(reply.text, "ERR max number of clients"):
		return Answer{}, ErrBusy
	}
	return Answer{}, fmt.Errorf("%w to PING: %s", ErrUnknownReply, clean(reply.text))
}

// refusedAuth judges a reply to AUTH other than OK, without quoting it. The ERR texts are those of Redis 7
// ("AUTH <password> called without any password configured …") and of Redis before 6.
func refusedAuth(reply redisReply) (Answer, error) {
	switch {
	case reply.code() == "WRONGPASS", reply.failed && strings.HasPrefix(reply.text, "ERR invalid password"):
		return Answer{Rejects, "WRONGPASS: the user or the password is wrong, or the user is disabled"}, nil
	case reply.code() == "DENIED":
		return Answer{Weak, "DENIED: no password is set; only protected mode keeps strangers out"}, nil
	case reply.failed && strings.HasPrefix(reply.text, "ERR AUTH <password> called without any password configured"),
		reply.failed && strings.HasPrefix(reply.text, "ERR Client sent AUTH, but no password is set"):
		return Answer{Open, "no password is set"}, nil
	case reply.failed && strings.HasPrefix(reply.text, "ERR max number of clients"):
		return Answer{}, ErrBusy
	}
	return Answer{}, fmt.Errorf("%w to AUTH", ErrUnknownReply)
}

// memberPing judges the reply to a PING after AUTH was answered OK.
func memberPing(reply redisReply) (Answer, error) {
	if reply.ok("PONG") {
		return Answer{Accepts, "the password is accepted and PING answered"}, nil
	}
	switch reply.code() {
	case "NOPERM":
		return Answer{Accepts, "the password is accepted; the user may not PING"}, nil
	case "LOADING", "MASTERDOWN", "BUSY", "MISCONF":
		return Answer{}, fmt.Errorf("%w: %s", ErrStarting, reply.code())
	}
	return Answer{}, fmt.Errorf("%w to PING after AUTH", ErrUnknownReply)
}
