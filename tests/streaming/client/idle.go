package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"k8s.io/client-go/tools/remotecommand"
)

// What a session that only waits may cost: 1 MiB for ten.
const idleLimitKiB = 102

type firstWrite struct {
	once sync.Once
	done func()
}

func (w *firstWrite) Write(bytes []byte) (int, error) {
	w.once.Do(w.done)
	return len(bytes), nil
}

// Calls use while so many sessions wait for input.
func (f *fixture) withIdleSessions(p protocol, sessions int, use func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var started, ended sync.WaitGroup
	started.Add(sessions)
	ended.Add(sessions)
	// A few at a time: how the engine starts them is not what is asked here.
	slots := make(chan struct{}, 8)
	for range sessions {
		slots <- struct{}{}
		go func() {
			defer ended.Done()
			input, _ := io.Pipe()
			output := &firstWrite{done: func() { <-slots; started.Done() }}
			_ = f.execContext(ctx, p, []string{"sh", "-c", "echo; cat"},
				remotecommand.StreamOptions{Stdin: input, Stdout: output, Stderr: io.Discard})
			output.once.Do(output.done)
		}()
	}
	started.Wait()
	use()
	cancel()
	ended.Wait()
}

func (f *fixture) idleCost(p protocol, sessions int) (growthKiB, descriptors int) {
	// Threads and buffers that stay are there from now on.
	f.withIdleSessions(p, 10, func() {})
	before, open := f.process.residentKiB(), f.process.descriptors()
	f.withIdleSessions(p, sessions, func() { growthKiB = f.process.residentKiB() - before })
	eventually(func() bool { descriptors = f.process.descriptors() - open; return descriptors <= 0 })
	return growthKiB, descriptors
}

func testIdle(f *fixture, p protocol) error {
	const sessions = 100
	growth, descriptors := f.idleCost(p, sessions)
	fmt.Printf("     %d idle sessions: %.1f KiB each, of %d\n", sessions, float64(growth)/sessions, idleLimitKiB)
	if growth > sessions*idleLimitKiB {
		return fmt.Errorf("%d sessions take %d KiB", sessions, growth)
	}
	if descriptors > 0 {
		return fmt.Errorf("%d descriptors stay open", descriptors)
	}
	return nil
}

// Prints how much the runtime grows by sessions that only wait.
func measureIdle(f *fixture, sessions int) {
	for _, p := range protocols {
		growth, descriptors := f.idleCost(p, sessions)
		fmt.Printf("%-9s %d idle sessions: %d KiB each; afterwards %+d descriptors\n", p.name, sessions,
			growth/sessions, descriptors)
	}
}
