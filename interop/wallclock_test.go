// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

//go:build interop && linux && amd64

package interop

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// wallClock is a clock of the wall that one program goes by, apart from everybody's.
//
// Go asks the kernel without libc, which is where libfaketime would be, and time
// namespaces leave this clock alone. So a tracer hides from the program the vDSO, by which
// it would read the clock without a system call, and then sets right what the calls
// return. The program is the tracer's parent, and has the process that it would have.
type wallClock struct{ file string } // holds by how much it is ahead

func newWallClock(t *testing.T) wallClock {
	c := wallClock{filepath.Join(t.TempDir(), "ahead")}
	c.jump(t, 0)
	return c
}

// command is what a program is run by that is to go by the clock.
func (c wallClock) command() []string { return []string{os.Args[0], runTraced, c.file} }

// jump sets the clock to be ahead of the machine's.
func (c wallClock) jump(t *testing.T, ahead time.Duration) {
	t.Helper()
	err := os.WriteFile(c.file+".new", []byte(ahead.String()), 0o600)
	if err == nil {
		err = os.Rename(c.file+".new", c.file)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What this program is called with to be something else than tests.
const (
	runTraced = "run-traced"
	trace     = "trace"
)

// The calls happen here, since only an init is sure to have the process's first thread,
// which is the one that a tracer sees exec in.
func init() {
	if len(os.Args) < 4 {
		return
	}
	var err error
	switch os.Args[1] {
	case runTraced:
		err = execTraced(os.Args[2], os.Args[3:])
	case trace:
		runtime.LockOSThread() // the thread is the tracer
		err = traceClock(os.Args[2], os.Args[3])
	default:
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, os.Args[1]+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// execTraced becomes command once a tracer is there.
func execTraced(file string, command []string) error {
	tracer := exec.Command(os.Args[0], trace, file, strconv.Itoa(os.Getpid()))
	tracer.Stderr = os.Stderr
	ready, err := tracer.StdoutPipe()
	if err == nil {
		err = tracer.Start()
	}
	if err != nil {
		return fmt.Errorf("starting a tracer: %w", err)
	}
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("waiting for a tracer: %w", err)
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, command, os.Environ())
}

// traceClock has a process, from its next exec on, read its clock wrong.
func traceClock(file, process string) error {
	pid, err := strconv.Atoi(process)
	if err != nil {
		return err
	}
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := ptrace(unix.PTRACE_SEIZE, pid, 0, options); err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	if _, err := os.Stdout.WriteString("\n"); err != nil {
		return err
	}
	for {
		var status unix.WaitStatus
		thread, err := unix.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case err == unix.EINTR || err == nil && !status.Stopped() && thread != pid:
			continue
		case err != nil || !status.Stopped():
			return nil // it is over
		}
		signal := 0
		switch event := int(status) >> 16; {
		case event == unix.PTRACE_EVENT_EXEC:
			err = hideVDSO(thread)
		case event != 0:
		case status.StopSignal() == unix.SIGTRAP|0x80: // a system call begins or ends
			err = adjustClock(thread, file)
		default:
			signal = int(status.StopSignal())
		}
		if err == nil {
			err = ptrace(unix.PTRACE_SYSCALL, thread, 0, uintptr(signal))
		}
		if err != nil && err != unix.ESRCH { // killed meanwhile
			return err
		}
	}
}

// hideVDSO takes the vDSO off a program's auxiliary vector, which lies behind its
// arguments and its environment.
func hideVDSO(thread int) error {
	const atIgnore, atSysinfoEHDR = 1, 33
	var registers unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &registers); err != nil {
		return err
	}
	at := uintptr(registers.Rsp)
	next := func() (word uint64, err error) {
		var raw [8]byte
		_, err = unix.PtracePeekData(thread, at, raw[:])
		at += 8
		return binary.LittleEndian.Uint64(raw[:]), err
	}
	if _, err := next(); err != nil { // how many arguments there are
		return err
	}
	for range 2 { // arguments, environment
		for {
			if word, err := next(); err != nil {
				return err
			} else if word == 0 {
				break
			}
		}
	}
	for {
		key, err := next()
		if err != nil || key == 0 {
			return fmt.Errorf("there is no vDSO to hide (%v)", err)
		}
		if key == atSysinfoEHDR {
			_, err = unix.PtracePokeData(thread, at-8, binary.LittleEndian.AppendUint64(nil, atIgnore))
			return err
		}
		at += 8 // the value
	}
}

// adjustClock changes what a call that reads the wall clock is about to return.
func adjustClock(thread int, file string) error {
	var registers unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &registers); err != nil {
		return err
	}
	// At the beginning of a call its result is ENOSYS.
	if registers.Orig_rax != unix.SYS_CLOCK_GETTIME || registers.Rdi != unix.CLOCK_REALTIME || registers.Rax != 0 {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	ahead, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	var now [16]byte
	if _, err := unix.PtracePeekData(thread, uintptr(registers.Rsi), now[:]); err != nil {
		return err
	}
	t := time.Unix(int64(binary.LittleEndian.Uint64(now[:])), int64(binary.LittleEndian.Uint64(now[8:]))).Add(ahead)
	binary.LittleEndian.PutUint64(now[:], uint64(t.Unix()))
	binary.LittleEndian.PutUint64(now[8:], uint64(t.Nanosecond()))
	_, err = unix.PtracePokeData(thread, uintptr(registers.Rsi), now[:])
	return err
}

func ptrace(request, pid int, address, data uintptr) error {
	if _, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(pid), address, data, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
