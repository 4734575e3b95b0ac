// Exec, attach and port-forward of a CRI runtime as kubectl's own library sees them, over SPDY and
// over WebSocket. Needs an environment of tests/support/with-engine.
// usage: client [-bench | -idle N] [NAME...]
// With -bench it compares with the runtime of DSD_TEST_PEER_ENDPOINT and DSD_TEST_PEER_STATE, if set.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/util/exec"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"
)

const mebibyte = 1 << 20

type protocol struct {
	name     string
	executor func(*rest.Config, *url.URL) (remotecommand.Executor, error)
	forward  func(*rest.Config, *url.URL, []string, chan struct{}, chan struct{}) (*portforward.PortForwarder, error)
}

var protocols = []protocol{
	{"spdy",
		func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewSPDYExecutor(config, "POST", u)
		},
		func(config *rest.Config, u *url.URL, ports []string, stop, ready chan struct{}) (*portforward.PortForwarder, error) {
			transport, upgrader, err := spdy.RoundTripperFor(config)
			if err != nil {
				return nil, err
			}
			dialer := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, "POST", u)
			return portforward.NewForStreaming(dialer, ports, stop, ready, io.Discard, os.Stderr)
		}},
	{"websocket",
		func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewWebSocketExecutor(config, "GET", u.String())
		},
		func(config *rest.Config, u *url.URL, ports []string, stop, ready chan struct{}) (*portforward.PortForwarder, error) {
			dialer, err := portforward.NewSPDYOverWebsocketDialerForStreaming(u, config)
			if err != nil {
				return nil, err
			}
			return portforward.NewForStreaming(dialer, ports, stop, ready, io.Discard, os.Stderr)
		}},
}

// Runs a command; streams are asked for where they are given.
func (f *fixture) exec(p protocol, command []string, streams remotecommand.StreamOptions) error {
	return f.execContext(context.Background(), p, command, streams)
}

func (f *fixture) execContext(ctx context.Context, p protocol, command []string, streams remotecommand.StreamOptions) error {
	u, err := f.execURL(&cri.ExecRequest{ContainerId: f.container, Cmd: command, Tty: streams.Tty,
		Stdin: streams.Stdin != nil, Stdout: streams.Stdout != nil, Stderr: streams.Stderr != nil})
	if err != nil {
		return err
	}
	executor, err := p.executor(&f.config, u)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.limit)
	defer cancel()
	return executor.StreamWithContext(ctx, streams)
}

func codeOf(err error) int {
	var exit exec.CodeExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	if err != nil {
		return -1
	}
	return 0
}

func testExit(f *fixture, p protocol) error {
	var out, errs bytes.Buffer
	err := f.exec(p, []string{"sh", "-c", "echo out; echo err >&2; exit 3"},
		remotecommand.StreamOptions{Stdout: &out, Stderr: &errs})
	if codeOf(err) != 3 || out.String() != "out\n" || errs.String() != "err\n" {
		return fmt.Errorf("%v, %q, %q", err, out.String(), errs.String())
	}
	return nil
}

func testMissing(f *fixture, p protocol) error {
	var out, errs bytes.Buffer
	err := f.exec(p, []string{"/no/such"}, remotecommand.StreamOptions{Stdout: &out, Stderr: &errs})
	if err == nil || !strings.Contains(err.Error(), "/no/such") || out.Len() > 0 {
		return fmt.Errorf("%v, %q", err, out.String())
	}
	return nil
}

func testPipe(f *fixture, p protocol) error {
	const size = 200 * mebibyte
	sent, received := sha256.New(), sha256.New()
	input := io.TeeReader(io.LimitReader(rand.New(rand.NewSource(1)), size), sent)
	counter := &counting{Writer: received}
	err := f.exec(p, []string{"cat"}, remotecommand.StreamOptions{Stdin: input, Stdout: counter})
	if err != nil || counter.count != size || !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
		return fmt.Errorf("%v, %d of %d bytes", err, counter.count, size)
	}
	return nil
}

func testFlood(f *fixture, p protocol) error {
	const size = 2 * mebibyte
	counter := &counting{Writer: io.Discard}
	err := f.exec(p, []string{"sh", "-c", "head -c 2097152 /dev/zero; exit 9"},
		remotecommand.StreamOptions{Stdin: endless{}, Stdout: counter})
	if codeOf(err) != 9 || counter.count != size {
		return fmt.Errorf("%v, %d of %d bytes", err, counter.count, size)
	}
	return nil
}

func testTerminal(f *fixture, p protocol) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sizes := &sizeQueue{sizes: make(chan remotecommand.TerminalSize, 2), done: ctx.Done()}
	output := &watching{}
	input, keyboard := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- f.execContext(ctx, p, []string{"sh", "-c", "while read line; do stty size; done; exit 5"},
			remotecommand.StreamOptions{Stdin: input, Stdout: output, Tty: true, TerminalSizeQueue: sizes})
	}()
	for _, size := range []remotecommand.TerminalSize{{Width: 132, Height: 43}, {Width: 80, Height: 24}} {
		sizes.sizes <- size
		want := fmt.Sprintf("%d %d", size.Height, size.Width)
		for try := 0; !strings.Contains(output.String(), want); try++ {
			if try > 1000 {
				return fmt.Errorf("no %q in %q", want, output.String())
			}
			go keyboard.Write([]byte("\n"))
			time.Sleep(50 * time.Millisecond)
		}
	}
	go keyboard.Write([]byte{4})
	select {
	case err := <-ended:
		if codeOf(err) != 5 {
			return err
		}
	case <-time.After(time.Minute):
		return errors.New("the session does not end")
	}
	return nil
}

func testAttach(f *fixture, p protocol) error {
	container, err := f.runContainer(&cri.ContainerConfig{
		Metadata: &cri.ContainerMetadata{Name: "shell-" + p.name},
		Command:  []string{"sh"}, Stdin: true, StdinOnce: true})
	if err != nil {
		return err
	}
	u, err := f.attachURL(&cri.AttachRequest{ContainerId: container, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return err
	}
	executor, err := p.executor(&f.config, u)
	if err != nil {
		return err
	}
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), f.limit)
	defer cancel()
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{
		Stdin: strings.NewReader("echo hello; echo oh >&2\n"), Stdout: &out, Stderr: &errs})
	if err != nil || out.String() != "hello\n" || errs.String() != "oh\n" {
		return fmt.Errorf("%v, %q, %q", err, out.String(), errs.String())
	}
	return f.waitForExit(container)
}

// Forwards to a server in the pod and calls use with the local address.
func (f *fixture) withForward(p protocol, pod string, serve func(*net.TCPConn), use func(address string) error) error {
	port, err := f.listenIn(pod, serve)
	if err != nil {
		return err
	}
	u, err := f.forwardURL(pod)
	if err != nil {
		return err
	}
	stop, ready, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forwarder, err := p.forward(&f.config, u, []string{fmt.Sprintf("0:%d", port)}, stop, ready)
	if err != nil {
		return err
	}
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		return fmt.Errorf("forward: %w", err)
	}
	ports, err := forwarder.GetPorts()
	if err == nil {
		err = use(fmt.Sprintf("127.0.0.1:%d", ports[0].Local))
	}
	close(stop)
	if lost := <-ended; lost != nil && err == nil {
		err = fmt.Errorf("forward: %w", lost)
	}
	return err
}

func echo(connection *net.TCPConn) {
	defer connection.Close()
	_, _ = io.Copy(connection, connection)
}

func testForward(f *fixture, p protocol) error {
	for _, pod := range []string{f.pod, f.hostPod} {
		if err := f.withForward(p, pod, echo, hundredConnections); err != nil {
			return err
		}
	}
	return nil
}

func hundredConnections(address string) error {
	const connections, size = 100, 10 * mebibyte
	failures := make(chan error, connections)
	for i := range connections {
		go func() { failures <- echoed(address, int64(i), size) }()
	}
	var failure error
	for range connections {
		failure = errors.Join(failure, <-failures)
	}
	return failure
}

func echoed(address string, seed, size int64) error {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	sent, received := sha256.New(), sha256.New()
	go func() {
		_, _ = io.Copy(io.MultiWriter(connection, sent), io.LimitReader(rand.New(rand.NewSource(seed)), size))
		_ = connection.(*net.TCPConn).CloseWrite()
	}()
	count, err := io.Copy(received, connection)
	if err != nil || count != size || !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
		return fmt.Errorf("connection %d: %v, %d of %d bytes", seed, err, count, size)
	}
	return nil
}

// The answer comes long after the client has said all.
func testHalfClose(f *fixture, p protocol) error {
	late := func(connection *net.TCPConn) {
		defer connection.Close()
		asked, _ := io.ReadAll(connection)
		time.Sleep(3 * time.Second)
		_, _ = connection.Write(append([]byte("late "), asked...))
	}
	return f.withForward(p, f.pod, late, func(address string) error {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		defer connection.Close()
		_, _ = connection.Write([]byte("answer"))
		_ = connection.(*net.TCPConn).CloseWrite()
		got, err := io.ReadAll(connection)
		if string(got) != "late answer" {
			return fmt.Errorf("%v, %q", err, got)
		}
		return nil
	})
}

func main() {
	benchmark := flag.Bool("bench", false, "measure instead of test")
	idleSessions := flag.Int("idle", 0, "measure what this many idle sessions cost")
	flag.Parse()
	// The library tells of each ping that a closed connection could not send.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	f, err := newFixture(os.Getenv("DSD_TEST_RUNTIME"), os.Getenv("DSD_TEST_CRI_ENDPOINT"), os.Getenv("DSD_TEST_STATE"))
	if err == nil {
		switch {
		case *benchmark:
			err = bench(f, flag.Args())
		case *idleSessions > 0:
			measureIdle(f, *idleSessions)
		default:
			err = runTests(f, flag.Args())
		}
	}
	if f != nil {
		f.close()
	}
	if err != nil {
		fmt.Println("FAIL:", err)
		os.Exit(1)
	}
}

func runTests(f *fixture, names []string) error {
	tests := []struct {
		name string
		run  func(*fixture, protocol) error
	}{
		{"exit", testExit}, {"missing", testMissing}, {"pipe", testPipe}, {"flood", testFlood},
		{"terminal", testTerminal}, {"attach", testAttach}, {"forward", testForward},
		{"half-close", testHalfClose}, {"idle", testIdle}, {"hostile", testHostile}, {"tls", testTLS},
	}
	var failed []string
	for _, p := range protocols {
		for _, test := range tests {
			if len(names) > 0 && !slices.Contains(names, test.name) {
				continue
			}
			// Its clients speak both protocols by themselves.
			if test.name == "hostile" && p.name != protocols[0].name {
				continue
			}
			start := time.Now()
			if err := test.run(f, p); err != nil {
				failed = append(failed, p.name+" "+test.name)
				fmt.Printf("FAIL %s %s: %v\n", p.name, test.name, err)
			} else {
				fmt.Printf("ok   %s %s (%.1f s)\n", p.name, test.name, time.Since(start).Seconds())
			}
		}
	}
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, ", "))
	}
	return nil
}

type counting struct {
	io.Writer
	count int64
}

func (c *counting) Write(bytes []byte) (int, error) {
	c.count += int64(len(bytes))
	return c.Writer.Write(bytes)
}

type endless struct{}

func (endless) Read(bytes []byte) (int, error) { return len(bytes), nil }

type sizeQueue struct {
	sizes chan remotecommand.TerminalSize
	done  <-chan struct{}
}

func (q *sizeQueue) Next() *remotecommand.TerminalSize {
	select {
	case size := <-q.sizes:
		return &size
	case <-q.done:
		return nil
	}
}

type watching struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (w *watching) Write(bytes []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.text.Write(bytes)
}

func (w *watching) String() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.text.String()
}
