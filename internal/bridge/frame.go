package bridge

import (
	"encoding/binary"
	"fmt"
	"io"
)

// frame is what a program that makes many connections hears and says: its kind, the number of the connection, the
// length of the body, the body.
type frame struct {
	kind byte
	id   uint32
	body []byte
}

// The kinds.
const (
	askOpen   = 'o' // to the program; the body is "host port"
	isOpen    = 'o' // from the program: connected
	isRefused = 'e' // not connected; the body says why
	isBytes   = 'd' // in either direction
	isEnd     = 'c' // in either direction: the connection has ended, or is to
)

const frameHead = 1 + 4 + 4

// frameMost bounds a body, in bytes. The programs send what they have read at once: 64 KiB.
const frameMost = 1 << 20

func (f frame) write(w io.Writer) error {
	data := make([]byte, 0, frameHead+len(f.body))
	data = append(data, f.kind)
	data = binary.BigEndian.AppendUint32(data, f.id)
	data = binary.BigEndian.AppendUint32(data, uint32(len(f.body)))
	_, err := w.Write(append(data, f.body...))
	return err
}

func readFrame(r io.Reader) (frame, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	length := binary.BigEndian.Uint32(head[5:])
	if length > frameMost {
		return frame{}, fmt.Errorf("a frame of %d bytes", length)
	}
	f := frame{kind: head[0], id: binary.BigEndian.Uint32(head[1:]), body: make([]byte, length)}
	_, err := io.ReadFull(r, f.body)
	return f, err
}
