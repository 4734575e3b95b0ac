package main

import (
	"fmt"
	"golang.org/x/sys/unix"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The runtime's own process.
type process struct{ pid string }

// Of a runtime that was started with this state folder.
func processOf(state string) (process, error) {
	pid, err := os.ReadFile(filepath.Join(state, "pids", "runtime"))
	return process{strings.TrimSpace(string(pid))}, err
}

func (p process) read(file string) string {
	text, _ := os.ReadFile("/proc/" + p.pid + "/" + file)
	return string(text)
}

func (p process) residentKiB() int {
	_, rest, _ := strings.Cut(p.read("status"), "VmRSS:")
	kib := 0
	_, _ = fmt.Sscan(rest, &kib)
	return kib
}

func (p process) descriptors() int {
	entries, _ := os.ReadDir("/proc/" + p.pid + "/fd")
	return len(entries)
}

// The time that it has computed, as exact as the kernel counts it: 10 ms.
func (p process) computed() time.Duration {
	stat := p.read("stat")
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) < 13 {
		return 0
	}
	user, system := 0, 0
	_, _ = fmt.Sscan(fields[11], &user)
	_, _ = fmt.Sscan(fields[12], &system)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// Waits until a condition holds, for a minute.
func eventually(holds func() bool) bool {
	for range 600 {
		if holds() {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

// The CPU time of this process.
func computedHere() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
