package bridge

import (
	"context"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
)

// single makes each connection by a program of its own. Such a program prints one + when it is connected; all that
// follows is what the other side sends. If it cannot connect it says why on its standard error.
type single struct {
	start Start
	argv  []string
	given sync.WaitGroup // programs that are still to end
}

func (s *single) dial(ctx context.Context, host, port string) (io.ReadWriteCloser, error) {
	process, err := s.start(ctx, append(slices.Clone(s.argv), host, port, seconds(ctx)))
	if err != nil {
		return nil, err
	}
	s.given.Add(1)
	over := context.AfterFunc(ctx, func() { defer s.given.Done(); leave(process) })
	var sign [1]byte
	_, err = io.ReadFull(process, sign[:])
	switch {
	case !over():
		return nil, context.Cause(ctx)
	case err == nil && sign[0] == '+':
		return &connection{Process: process, given: &s.given}, nil
	}
	defer s.given.Done()
	leave(process)
	return nil, failure(host, process.Complaint())
}

func (s *single) close() { s.given.Wait() }

// seconds are what is left for a dial; a program that waits for an answer does not notice that its input ends.
func seconds(ctx context.Context) string {
	left := time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(deadline))
	}
	return strconv.Itoa(max(1, int(math.Ceil(left.Seconds()))))
}

// connection is a program as the connection that it made.
type connection struct {
	Process
	given *sync.WaitGroup
	once  sync.Once
}

func (c *connection) Close() error {
	c.once.Do(func() { leave(c.Process); c.given.Done() })
	return nil
}
