package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxEnv is the size in bytes of the largest .env text that is read.
const maxEnv = 1 << 20

// source names the text for people.
func (c *secretImportCmd) source() string {
	if c.Env == "" || c.Env == "-" {
		return "standard input"
	}
	return c.Env
}

// read reads the text, at most maxEnv bytes of it. It ends with the context, also when it
// waits at a pipe that nobody writes to.
func (c *secretImportCmd) read(ctx context.Context, a *app) ([]byte, error) {
	type answer struct {
		text []byte
		mode fs.FileMode
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, mode, err := readEnv(c.Env, a.stdin)
		done <- answer{text, mode, err}
	}()
	var got answer
	select {
	case got = <-done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if got.err != nil && strings.Contains(c.Env, "=") { // no path, but a value in the wrong place
		return nil, errors.New("name a file, or pipe the text in: a secret's value is never given as an argument")
	}
	if got.err != nil {
		return nil, fmt.Errorf("read %s: %w", c.source(), got.err)
	}
	if mode := got.mode; mode.Perm()&0o077 != 0 {
		a.warn("others can open %s (mode %04o). If they may have read it, get new secrets;\nuntil it is deleted: chmod 600 %s", c.Env, mode.Perm(), shellWord(c.Env))
	}
	if len(got.text) > maxEnv {
		return nil, fmt.Errorf("%s is larger than 1 MiB, and so no .env text; nothing was taken", c.source())
	}
	return got.text, nil
}

// readEnv reads a file, or stdin if the path is none or -, and one byte more than there may
// be. mode is zero for what is no regular file.
func readEnv(path string, stdin io.Reader) (text []byte, mode fs.FileMode, err error) {
	in := stdin
	if path != "" && path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, 0, unwrapPath(err)
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return nil, 0, unwrapPath(err)
		}
		if info.Mode().IsRegular() {
			mode = info.Mode()
		}
		in = file
	}
	text, err = io.ReadAll(io.LimitReader(in, maxEnv+1))
	return text, mode, unwrapPath(err)
}

// unwrapPath takes the path off an error about a file, where it stands beside it anyway.
func unwrapPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// shellWord writes a path as a shell takes it.
func shellWord(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	if !strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+,:@%", r)
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
