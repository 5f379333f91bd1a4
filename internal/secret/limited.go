package secret

import (
	"bytes"
	"errors"
)

// limited is a buffer that fails the program rather than fill the memory. The buffer is not embedded: its ReadFrom
// would show, and io.Copy would use that and pass by the limit.
type limited struct {
	most int  // bytes that it takes
	over bool // whether there were more
	buf  bytes.Buffer
}

func (l *limited) Write(p []byte) (int, error) {
	if l.buf.Len()+len(p) > l.most {
		l.over = true
		return 0, errors.New("too much output")
	}
	return l.buf.Write(p)
}

// head keeps the first bytes and lets the rest go by: enough of a program's messages, however many it has.
type head struct {
	most int
	buf  bytes.Buffer
}

func (h *head) Write(p []byte) (int, error) {
	if room := h.most - h.buf.Len(); room > 0 {
		h.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
