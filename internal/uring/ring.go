// Package uring sends to many sockets with one system call, through the kernel's
// io_uring.
//
// Of io_uring it uses what sendto does: each message is sent as far as the kernel takes
// it at once, before the call returns, in the order of the list. Nothing is under way
// afterwards, nothing is waited for, and no thread of the kernel's works for it.
//
// Source: io_uring(7), io_uring_setup(2), io_uring_enter(2).
package uring

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxMessages is how many messages a ring sends at once, and a power of two, as rings are.
// A call with so many to miners takes 0.4 ms, for which the runtime can't stop its thread
// to collect garbage; with more of them a message takes no less.
const MaxMessages = 64

// Message is some bytes for a socket.
type Message struct {
	FD    int32
	Bytes []byte

	// Sent is how many of them the kernel took. It may be none: EAGAIN is no error.
	Sent int
	Err  unix.Errno // 0: none
}

// Ring is a ring of io_uring. One goroutine at a time may use it.
type Ring struct {
	fd int

	memory  []byte       // of both queues
	entries []submission // the kernel reads them when they are submitted

	submitHead, submitTail     *uint32
	completeHead, completeTail *uint32
	completeMask               uint32
	completions                []completion

	next    uint64    // userData of the next message
	sending []Message // keeps the bytes alive, and off the stack, while the kernel reads them
}

// Values of io_uring.h.
const (
	opSend = 26 // IORING_OP_SEND

	singleMapping = 1 << 0 // IORING_FEAT_SINGLE_MMAP

	// nativeWorkers is IORING_FEAT_NATIVE_WORKERS: Linux 5.12. A ring takes no locked
	// memory from there on, of which an ordinary user has 64 kB.
	nativeWorkers = 1 << 9

	offsetOfRings       = 0          // IORING_OFF_SQ_RING
	offsetOfSubmissions = 0x10000000 // IORING_OFF_SQES
)

// parameters is struct io_uring_params.
type parameters struct {
	submissions, completions, flags, thread, idle, features, queue uint32
	_                                                              [3]uint32
	submission                                                     struct{ head, tail, mask, entries, flags, dropped, array, _ uint32 }
	_                                                              uint64
	completion                                                     struct{ head, tail, mask, entries, overflow, results, flags, _ uint32 }
	_                                                              uint64
}

// submission is struct io_uring_sqe, as far as a send has a use for it.
type submission struct {
	op, _    uint8
	_        uint16
	fd       int32
	_        uint64
	bytes    uint64
	length   uint32
	flags    uint32
	userData uint64
	_        [3]uint64
}

// completion is struct io_uring_cqe.
type completion struct {
	userData uint64
	result   int32
	_        uint32
}

// Open makes a ring. The error says why there is none: a kernel before 5.12, or a policy
// that forbids io_uring.
func Open() (*Ring, error) {
	var p parameters
	fd, _, no := unix.Syscall(unix.SYS_IO_URING_SETUP, MaxMessages, uintptr(unsafe.Pointer(&p)), 0)
	if no != 0 {
		return nil, fmt.Errorf("io_uring_setup: %w", no)
	}
	r := &Ring{fd: int(fd)}
	if p.features&singleMapping == 0 || p.features&nativeWorkers == 0 {
		return nil, r.failed(fmt.Errorf("the kernel's io_uring is too old: its features are %#x, Linux 5.12 has %#x", p.features, singleMapping|nativeWorkers))
	}
	if err := r.mapMemory(&p); err != nil {
		return nil, r.failed(err)
	}
	return r, nil
}

func (r *Ring) failed(err error) error {
	r.Close()
	return err
}

func (r *Ring) mapMemory(p *parameters) error {
	size := max(p.submission.array+4*p.submissions, p.completion.results+p.completions*uint32(unsafe.Sizeof(completion{})))
	const shared = unix.MAP_SHARED | unix.MAP_POPULATE
	memory, err := unix.Mmap(r.fd, offsetOfRings, int(size), unix.PROT_READ|unix.PROT_WRITE, shared)
	if err != nil {
		return fmt.Errorf("mmap of its queues: %w", err)
	}
	r.memory = memory
	entries, err := unix.Mmap(r.fd, offsetOfSubmissions, int(p.submissions)*int(unsafe.Sizeof(submission{})), unix.PROT_READ|unix.PROT_WRITE, shared)
	if err != nil {
		return fmt.Errorf("mmap of its submissions: %w", err)
	}
	r.entries = unsafe.Slice((*submission)(unsafe.Pointer(unsafe.SliceData(entries))), p.submissions)
	r.submitHead, r.submitTail = r.number(p.submission.head), r.number(p.submission.tail)
	r.completeHead, r.completeTail, r.completeMask = r.number(p.completion.head), r.number(p.completion.tail), *r.number(p.completion.mask)
	r.completions = unsafe.Slice((*completion)(unsafe.Pointer(&memory[p.completion.results])), p.completions)
	for i := range p.submissions { // the kernel looks submissions up by it
		*r.number(p.submission.array + 4*i) = i
	}
	return nil
}

// number returns the 32 bits at an offset of the queues' memory.
func (r *Ring) number(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.memory[offset])) }

// Send sends messages and sets their results. It returns how many of the list the kernel
// has looked at, MaxMessages at most: it has seen nothing of the rest.
//
// The runtime is not told of the system call, which waits for nothing.
func (r *Ring) Send(list []Message) (n int) {
	list = list[:min(len(list), len(r.entries))]
	first, tail := r.next, *r.submitTail
	r.sending = list
	for i := range list {
		m := &list[i]
		m.Sent, m.Err = 0, unix.EIO // should the kernel not say what became of it
		r.entries[(tail+uint32(i))%uint32(len(r.entries))] = submission{
			op: opSend, fd: m.FD, flags: unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL,
			bytes: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(m.Bytes)))), length: uint32(len(m.Bytes)),
			userData: first + uint64(i),
		}
	}
	r.next += uint64(len(list))
	atomic.StoreUint32(r.submitTail, tail+uint32(len(list)))
	_, _, _ = unix.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(len(list)), 0, 0, 0, 0)
	r.sending = nil
	n = int(atomic.LoadUint32(r.submitHead) - tail)
	atomic.StoreUint32(r.submitTail, tail+uint32(n)) // it gets the rest from elsewhere
	r.collect(list[:n], first)
	return n
}

// collect reads the results of messages, of which the first has that userData.
func (r *Ring) collect(list []Message, first uint64) {
	at, tail := *r.completeHead, atomic.LoadUint32(r.completeTail)
	for ; at != tail; at++ {
		c := &r.completions[at&r.completeMask]
		i := c.userData - first
		if i >= uint64(len(list)) {
			continue
		}
		switch m := &list[i]; {
		case c.result >= 0:
			m.Sent, m.Err = int(c.result), 0
		case unix.Errno(-c.result) == unix.EAGAIN || unix.Errno(-c.result) == unix.EINTR:
			m.Err = 0
		default:
			m.Err = unix.Errno(-c.result)
		}
	}
	atomic.StoreUint32(r.completeHead, at)
}

// Close frees the ring.
func (r *Ring) Close() {
	if r.entries != nil {
		_ = unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(r.entries))), len(r.entries)*int(unsafe.Sizeof(submission{}))))
	}
	if r.memory != nil {
		_ = unix.Munmap(r.memory)
	}
	_ = unix.Close(r.fd)
}
