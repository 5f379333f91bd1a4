package bridge

import (
	"context"
	"errors"
	"io"
	"sync"
)

// many makes all connections by one program, to which it talks in frames (see frame.go).
type many struct {
	process Process
	writing sync.Mutex

	mu    sync.Mutex
	last  uint32
	conns map[uint32]*share
	over  bool

	ended chan struct{} // closed when the program has ended
}

// queueMost bounds the frames of a connection that wait for being read. With more it is cut off, since those of other
// connections come after them.
const queueMost = 64

var errEnded = errors.New("the program in the container has ended")

func newMany(process Process) *many {
	m := &many{process: process, conns: map[uint32]*share{}, ended: make(chan struct{})}
	go m.receive()
	return m
}

func (m *many) dial(ctx context.Context, host, port string) (io.ReadWriteCloser, error) {
	c, err := m.add()
	if err != nil {
		return nil, err
	}
	if err := m.send(frame{askOpen, c.id, []byte(host + " " + port)}); err != nil {
		m.take(c.id)
		return nil, err
	}
	select {
	case why := <-c.dialled:
		if why != "" {
			return nil, failure(host, why)
		}
		return c, nil
	case <-m.ended:
		return nil, errEnded
	case <-ctx.Done():
		c.Close()
		return nil, context.Cause(ctx)
	}
}

func (m *many) close() {
	leave(m.process)
	<-m.ended
}

func (m *many) send(f frame) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	return f.write(m.process)
}

// receive hands out what the program sends, until it ends.
func (m *many) receive() {
	defer close(m.ended)
	for {
		f, err := readFrame(m.process)
		if err != nil {
			break
		}
		switch c := m.find(f.id); {
		case c == nil: // closed meanwhile
		case f.kind == isOpen:
			c.dialled <- ""
		case f.kind == isBytes && c.put(f.body):
		case f.kind == isRefused:
			c.dialled <- string(f.body)
			m.take(f.id)
		default:
			m.take(f.id)
			close(c.queue)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = true
	for _, c := range m.conns {
		close(c.queue)
	}
	clear(m.conns)
}

func (m *many) add() (*share, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over {
		return nil, errEnded
	}
	m.last++
	c := &share{m: m, id: m.last, dialled: make(chan string, 2), queue: make(chan []byte, queueMost), closed: make(chan struct{})}
	m.conns[c.id] = c
	return c, nil
}

func (m *many) find(id uint32) *share {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conns[id]
}

// take takes a connection out; false if it was no longer in it.
func (m *many) take(id uint32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := m.conns[id]
	delete(m.conns, id)
	return there
}

// share is one of the connections.
type share struct {
	m       *many
	id      uint32
	dialled chan string // "" once there is a connection, or why there is none
	queue   chan []byte // closed when the other side has ended it
	rest    []byte      // of the frame that is being read
	once    sync.Once
	closed  chan struct{}
}

// put queues bytes; false if there are too many.
func (c *share) put(data []byte) bool {
	select {
	case c.queue <- data:
		return true
	default:
		return false
	}
}

func (c *share) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		select {
		case data, open := <-c.queue:
			if !open {
				return 0, io.EOF
			}
			c.rest = data
		case <-c.closed:
			return 0, io.EOF
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *share) Write(p []byte) (int, error) {
	if err := c.m.send(frame{isBytes, c.id, p}); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *share) Close() error {
	c.once.Do(func() {
		close(c.closed)
		if c.m.take(c.id) {
			_ = c.m.send(frame{isEnd, c.id, nil})
		}
	})
	return nil
}
