package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/tools/remotecommand"
)

const (
	benchRounds  = 3
	latencyCalls = 20
)

// What is measured: something that moves bytes, or something that is waited for.
type measurement struct {
	name string
	size int // 0: the time is asked for
	run  func(*fixture, protocol) (time.Duration, error)
	raw  func(*fixture) (time.Duration, error) // the same straight from Docker
}

func timed(run func() error) (time.Duration, error) {
	start := time.Now()
	err := run()
	return time.Since(start), err
}

func zeros(size int) []string {
	return []string{"dd", "if=/dev/zero", "bs=64k", fmt.Sprintf("count=%d", size>>16)}
}

const outSize, inSize, forwardSize = 512 * mebibyte, 256 * mebibyte, 256 * mebibyte

var measurements = []measurement{
	{"exec stdout", outSize, benchStdout, func(f *fixture) (time.Duration, error) {
		return timed(func() error { return f.rawExec(zeros(outSize), io.Discard) })
	}},
	{"exec stdin", inSize, benchStdin, nil},
	{"port-forward", forwardSize, benchForward, nil},
	{"exec, 1st byte", 0, benchExecLatency, func(f *fixture) (time.Duration, error) {
		return median(latencyCalls, func() (time.Duration, error) {
			output := &timeOfFirst{start: time.Now()}
			err := f.rawExec([]string{"echo"}, output)
			return output.time, err
		})
	}},
	{"forward, 1st byte", 0, benchForwardLatency, nil},
}

func benchStdout(f *fixture, p protocol) (time.Duration, error) {
	return timed(func() error {
		return f.exec(p, zeros(outSize), remotecommand.StreamOptions{Stdout: io.Discard})
	})
}

func benchStdin(f *fixture, p protocol) (time.Duration, error) {
	return timed(func() error {
		var out bytes.Buffer
		err := f.exec(p, []string{"wc", "-c"},
			remotecommand.StreamOptions{Stdin: io.LimitReader(endless{}, inSize), Stdout: &out})
		if arrived := strings.TrimSpace(out.String()); err == nil && arrived != fmt.Sprint(inSize) {
			err = fmt.Errorf("%s of %d bytes arrive", arrived, inSize)
		}
		return err
	})
}

func benchForward(f *fixture, p protocol) (taken time.Duration, err error) {
	serve := func(connection *net.TCPConn) {
		defer connection.Close()
		_, _ = io.Copy(connection, io.LimitReader(endless{}, forwardSize))
	}
	err = f.withForward(p, f.pod, serve, func(address string) error {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		defer connection.Close()
		var count int64
		taken, err = timed(func() error {
			count, err = io.Copy(io.Discard, connection)
			return err
		})
		if err == nil && count != forwardSize {
			err = fmt.Errorf("%d of %d bytes", count, forwardSize)
		}
		return err
	})
	return taken, err
}

// Remembers when the first byte came.
type timeOfFirst struct {
	start time.Time
	time  time.Duration
}

func (t *timeOfFirst) Write(bytes []byte) (int, error) {
	if t.time == 0 {
		t.time = time.Since(t.start)
	}
	return len(bytes), nil
}

// From the call of the CRI to the first byte of the process.
func benchExecLatency(f *fixture, p protocol) (time.Duration, error) {
	return median(latencyCalls, func() (time.Duration, error) {
		output := &timeOfFirst{start: time.Now()}
		err := f.exec(p, []string{"echo"}, remotecommand.StreamOptions{Stdout: output})
		return output.time, err
	})
}

// From a connection on a forward that stands to the first byte of the application.
func benchForwardLatency(f *fixture, p protocol) (taken time.Duration, err error) {
	err = f.withForward(p, f.pod, echo, func(address string) error {
		taken, err = median(latencyCalls, func() (time.Duration, error) {
			return timed(func() error {
				connection, err := net.Dial("tcp", address)
				if err != nil {
					return err
				}
				defer connection.Close()
				one := []byte{1}
				if _, err = connection.Write(one); err == nil {
					_, err = io.ReadFull(connection, one)
				}
				return err
			})
		})
		return err
	})
	return taken, err
}

func median(rounds int, run func() (time.Duration, error)) (time.Duration, error) {
	var times []time.Duration
	for range rounds {
		taken, err := run()
		if err != nil {
			return 0, err
		}
		times = append(times, taken)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// The figures of one contender for one measurement.
type figures struct {
	times    []time.Duration
	computed time.Duration // by the runtime's own process
	client   time.Duration // computed by this process
	failure  error
}

func (f *figures) median() float64 {
	slices.Sort(f.times)
	return f.times[len(f.times)/2].Seconds()
}

func (f *figures) text(m measurement) string {
	switch {
	case f.failure != nil:
		return "fails"
	case m.size == 0:
		return fmt.Sprintf("%.2f ms", f.median()*1000)
	}
	text := fmt.Sprintf("%.0f MiB/s", float64(m.size)/mebibyte/f.median())
	if f.computed > 0 {
		each := 1000 / float64(len(f.times)) / (float64(m.size) / mebibyte)
		text += fmt.Sprintf(" (CPU %.2f, client %.2f ms/MiB)", f.computed.Seconds()*each, f.client.Seconds()*each)
	}
	return text
}

// How much better than another: more than 1 is better, whatever is measured.
func (f *figures) against(other *figures) string {
	if f.failure != nil || other == nil || other.failure != nil || len(other.times) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", other.median()/f.median())
}

// Measures all contenders in turn, so that what else goes on on this machine meets all of them.
func measure(m measurement, p protocol, contenders []*fixture) {
	all := make([]figures, len(contenders))
	raw := figures{failure: errors.New("not measured")}
	for range benchRounds {
		for i, f := range contenders {
			if all[i].failure != nil {
				continue
			}
			before, clientBefore := f.process.computed(), computedHere()
			taken, err := m.run(f, p)
			all[i].computed += f.process.computed() - before
			all[i].client += computedHere() - clientBefore
			all[i].times = append(all[i].times, taken)
			all[i].failure = err
		}
		if m.raw != nil && contenders[0].name == "dockershimd" {
			taken, err := m.raw(contenders[0])
			raw.times, raw.failure = append(raw.times, taken), err
		}
	}
	row := []string{p.name, m.name, all[0].text(m), "-", "-", "-", "-"}
	if len(all) > 1 {
		row[3], row[4] = all[1].text(m), all[0].against(&all[1])
	}
	if raw.failure == nil {
		row[5], row[6] = raw.text(m), all[0].against(&raw)
	}
	printRow(row)
	for i, f := range contenders {
		if all[i].failure != nil {
			fmt.Printf("  %s: %v\n", f.name, all[i].failure)
		}
	}
}

func printRow(row []string) {
	fmt.Printf("%-9s  %-17s  %-44s  %-44s  %5s  %-12s  %5s\n",
		row[0], row[1], row[2], row[3], row[4], row[5], row[6])
}

// Prints a runtime's figures beside those of its peer and of Docker itself. Ratios over 1: better.
// Names choose what is measured.
func bench(f *fixture, names []string) error {
	wanted := func(name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	contenders := []*fixture{f}
	peer := "no peer"
	if endpoint := os.Getenv("DSD_TEST_PEER_ENDPOINT"); endpoint != "" {
		peer = "containerd"
		other, err := newFixture(peer, endpoint, os.Getenv("DSD_TEST_PEER_STATE"))
		if other != nil {
			defer other.close()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", peer, err)
		}
		contenders = append(contenders, other)
	}
	printRow([]string{"protocol", "", f.name, peer, "ratio", "raw Docker", "ratio"})
	for _, p := range protocols {
		for _, m := range measurements {
			if wanted(m.name) {
				measure(m, p, contenders)
			}
		}
	}
	for _, p := range protocols {
		for _, m := range endings {
			if !wanted(m.name) {
				continue
			}
			for _, contender := range contenders {
				fmt.Printf("%-9s  %-17s  %-11s %s\n", p.name, m.name, contender.name, verdict(contender, p, m.run))
			}
		}
	}
	return nil
}

// What other runtimes cut off, or hang at.
var endings = []struct {
	name string
	run  func(*fixture, protocol) error
}{{"stdin flood", testFlood}, {"half-closed", testHalfClose}}

func verdict(f *fixture, p protocol, run func(*fixture, protocol) error) string {
	ended := make(chan error, 1)
	go func() { ended <- run(f, p) }()
	select {
	case err := <-ended:
		if err != nil {
			return "wrong: " + err.Error()
		}
		return "ends right"
	case <-time.After(40 * time.Second):
		return "hangs"
	}
}
