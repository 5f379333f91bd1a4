package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The states that make a listener, in hexadecimal, from Linux's include/net/tcp_states.h: a TCP socket that listens;
// a UDP socket without a peer is in TCP_CLOSE.
var listening = map[string]string{"tcp": "0A", "udp": "07"}

// parseProcNet reads a table as in /proc/net/tcp and /proc/net/udp6 (Linux: Documentation/networking/proc_net_tcp.rst)
// and keeps the listeners. A row it does not understand is an error, whatever state it may be in.
func parseProcNet(data []byte, protocol string) ([]Listener, error) {
	var list []Listener
	header := true
	for line := range bytes.Lines(data) {
		fields := strings.Fields(string(line))
		if header {
			if header = false; len(fields) == 0 || fields[0] != "sl" {
				return nil, fmt.Errorf("not a table of sockets: %.80q", line)
			}
			continue
		}
		const local, state, inode = 1, 3, 9
		if len(fields) <= inode {
			return nil, fmt.Errorf("not a row of sockets: %.80q", line)
		}
		addr, err := parseProcAddr(fields[local])
		if err != nil {
			return nil, err
		}
		number, err := strconv.ParseUint(fields[inode], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("inode: %w", err)
		}
		if fields[state] == listening[protocol] {
			list = append(list, Listener{Protocol: protocol, Addr: addr, Inode: number})
		}
	}
	if header {
		return nil, errors.New("the table of sockets is empty")
	}
	return list, nil
}

// parseProcAddr reads an address as `0100007F:1538`: words of 32 bits in the machine's byte order, which is little-endian
// on all that minibot runs on, and the port as a number.
func parseProcAddr(text string) (netip.AddrPort, error) {
	ipText, portText, _ := strings.Cut(text, ":")
	ip, err := hex.DecodeString(ipText)
	if err != nil || (len(ip) != 4 && len(ip) != 16) {
		return netip.AddrPort{}, fmt.Errorf("not an address: %.80q", text)
	}
	port, err := strconv.ParseUint(portText, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("not a port: %.80q", text)
	}
	for word := range slices.Chunk(ip, 4) {
		binary.BigEndian.PutUint32(word, binary.LittleEndian.Uint32(word))
	}
	addr, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil
}

// procOwners looks through the open files of every process that lets itself be looked at. Processes that end
// meanwhile, and those of others, are passed over.
func (m Machine) procOwners(ctx context.Context, list []Listener) error {
	wanted := make(map[string][]int) // a link's text → the listeners it stands for
	for i, one := range list {
		if one.Inode != 0 {
			link := fmt.Sprintf("socket:[%d]", one.Inode)
			wanted[link] = append(wanted[link], i)
		}
	}
	proc := m.proc()
	pids, err := pids(proc)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if len(wanted) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		dir := strconv.Itoa(pid) + "/fd"
		files, err := fs.ReadDir(proc, dir)
		if err != nil {
			continue
		}
		for _, file := range files {
			link, err := fs.ReadLink(proc, dir+"/"+file.Name())
			if err != nil {
				continue
			}
			for _, i := range wanted[link] {
				list[i].PID, list[i].Process = pid, procName(proc, pid)
			}
			delete(wanted, link)
		}
	}
	return nil
}

// proc is Linux's file system of processes.
func (m Machine) proc() fs.FS {
	proc, _ := fs.Sub(m.Files, "proc") // "proc" is a valid path
	return proc
}

// pids lists the processes, in the order of their numbers.
func pids(proc fs.FS) ([]int, error) {
	entries, err := fs.ReadDir(proc, ".")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// procName is a process's own name, of 15 bytes at most.
func procName(proc fs.FS, pid int) string {
	name, err := fs.ReadFile(proc, strconv.Itoa(pid)+"/comm")
	if err != nil {
		return ""
	}
	return printable(strings.TrimSuffix(string(name), "\n"))
}

// printable makes a process's name, which the process chooses itself, fit for a terminal.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, name)
}
