package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/moby/spdystream/spdy"
	"k8s.io/client-go/tools/remotecommand"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	attackers = 8
	// Attacks after which what the daemon keeps, its threads and buffers, is there.
	warmUp  = 1000
	attacks = 10000
	// What an allocator does with freed pages: a leak of 1 KiB for each attack were more.
	residentToleranceKiB = 8 << 10
	// Connections to the engine that are kept for the next call.
	descriptorTolerance = 16
)

// One client that means no good, with random numbers of its own.
type attacker struct {
	f       *fixture
	random  *rand.Rand
	stalled []net.Conn
}

func (a *attacker) garbage(most int) []byte {
	bytes := make([]byte, a.random.Intn(most))
	a.random.Read(bytes)
	return bytes
}

// Connects to where a URL leads and sends a request to its path.
func (a *attacker) request(u *url.URL, fields string) (net.Conn, error) {
	connection, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	_ = connection.SetDeadline(time.Now().Add(time.Minute))
	_, err = fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: any\r\n%s\r\n", u.Path, fields)
	return connection, err
}

const (
	upgradeSpdy      = "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n"
	upgradeWebSocket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n"
)

// The status of the answer.
func answer(connection net.Conn) string {
	head := make([]byte, 12)
	_, _ = io.ReadFull(connection, head)
	return string(head)
}

// A session whose streams the client has not opened yet.
func (a *attacker) session(fields string) (net.Conn, error) {
	u, err := a.f.execURL(&cri.ExecRequest{ContainerId: a.f.container, Cmd: []string{"cat"},
		Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, err
	}
	connection, err := a.request(u, fields)
	if err == nil {
		if got := answer(connection); got != "HTTP/1.1 101" {
			err = fmt.Errorf("%q for a good request", got)
		}
	}
	return connection, err
}

func stream(id spdy.StreamId, kind string) *spdy.SynStreamFrame {
	return &spdy.SynStreamFrame{StreamId: id, Headers: http.Header{"Streamtype": {kind}}}
}

func frames(all ...spdy.Frame) []byte {
	var written bytes.Buffer
	framer, _ := spdy.NewFramer(&written, &written)
	for _, frame := range all {
		_ = framer.WriteFrame(frame)
	}
	return written.Bytes()
}

func (a *attacker) attack(number int) error {
	var connection net.Conn
	var err error
	defer func() {
		if connection != nil {
			connection.Close()
		}
	}()
	send := func(bytes []byte) { _, _ = connection.Write(bytes) }
	nowhere := *a.f.server
	switch number % 10 {
	case 0: // a wrong token
		nowhere.Path = fmt.Sprintf("/exec/%032x", a.random.Uint64())
		if connection, err = a.request(&nowhere, upgradeSpdy); err == nil {
			if got := answer(connection); got != "HTTP/1.1 404" {
				err = fmt.Errorf("%q for a wrong token", got)
			}
		}
	case 1: // a used token
		err = a.reuse()
	case 2: // no request
		if connection, err = net.Dial("tcp", nowhere.Host); err == nil {
			send(a.garbage(2000))
		}
	case 3: // half a request, and then nothing any more
		if connection, err = net.Dial("tcp", nowhere.Host); err == nil {
			send([]byte("POST /exec/" + strings.Repeat("a", a.random.Intn(100))))
			if number%100 == 3 {
				a.stalled = append(a.stalled, connection)
				connection = nil
			}
		}
	case 4: // no SPDY
		if connection, err = a.session(upgradeSpdy); err == nil {
			send(a.garbage(5000))
		}
	case 5: // headers that grow when they are unpacked
		if connection, err = a.session(upgradeSpdy); err == nil {
			send(frames(stream(1, strings.Repeat("a", 8<<20))))
			_, err = io.Copy(io.Discard, connection)
			if err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
				err = fmt.Errorf("a bomb of a header: %w", err)
			} else {
				err = nil
			}
		}
	case 6: // byte by byte, then in the middle of a frame nothing any more
		if connection, err = a.session(upgradeSpdy); err == nil {
			for _, one := range frames(stream(1, "error"), stream(3, "stdin"))[:30] {
				send([]byte{one})
			}
		}
	case 7: // gone as soon as it runs: dear for the engine, so not often
		if connection, err = a.session(upgradeSpdy); err == nil && number%100 == 7 {
			send(frames(stream(1, "error"), stream(3, "stdin"), stream(5, "stdout"), stream(7, "stderr"),
				&spdy.DataFrame{StreamId: 3, Data: a.garbage(10000)}))
			_ = connection.(*net.TCPConn).SetLinger(0)
		}
	case 8: // no WebSocket
		if connection, err = a.webSocket(number); err == nil {
			send(a.garbage(5000))
		}
	default: // streams without end
		if connection, err = a.session(upgradeSpdy); err == nil {
			var many []spdy.Frame
			for id := spdy.StreamId(1); id < 200; id += 2 {
				many = append(many, stream(id, "x"))
			}
			send(frames(many...))
		}
	}
	return err
}

func (a *attacker) reuse() error {
	u, err := a.f.execURL(&cri.ExecRequest{ContainerId: a.f.container, Cmd: []string{"cat"}, Stdout: true})
	if err != nil {
		return err
	}
	// Refused, since it asks for no upgrade: the token is gone all the same.
	for _, want := range []string{"HTTP/1.1 400", "HTTP/1.1 404"} {
		connection, err := a.request(u, "")
		if err != nil {
			return err
		}
		got := answer(connection)
		connection.Close()
		if got != want {
			return fmt.Errorf("%q, not %q", got, want)
		}
	}
	return nil
}

// A WebSocket session runs from the start, which is dear for the engine: seldom a real one.
func (a *attacker) webSocket(number int) (net.Conn, error) {
	if number%100 == 8 {
		return a.session(upgradeWebSocket)
	}
	nowhere := *a.f.server
	nowhere.Path = "/exec/0123"
	return a.request(&nowhere, upgradeWebSocket)
}

// Attacks from all sides; the stalled connections stay until the end.
func (f *fixture) attackBy(number int) error {
	failures := make(chan error, attackers)
	for side := range attackers {
		go func() {
			a := &attacker{f: f, random: rand.New(rand.NewSource(int64(number + side)))}
			var failure error
			for i := side; i < number && failure == nil; i += attackers {
				if err := a.attack(i); err != nil {
					failure = fmt.Errorf("attack %d: %w", i, err)
				}
			}
			for _, connection := range a.stalled {
				connection.Close()
			}
			failures <- failure
		}()
	}
	var all error
	for range attackers {
		all = errors.Join(all, <-failures)
	}
	return all
}

// A session that talks all the time: hears each word back.
type conversation struct {
	input  io.WriteCloser
	output io.Reader
	ended  chan error
	words  int
	err    error
	stop   chan struct{}
	done   sync.WaitGroup
}

func (f *fixture) converse(p protocol) *conversation {
	input, keyboard := io.Pipe()
	screen, output := io.Pipe()
	c := &conversation{input: keyboard, output: screen, ended: make(chan error, 1), stop: make(chan struct{})}
	go func() {
		c.ended <- f.execContext(context.Background(), p, []string{"cat"},
			remotecommand.StreamOptions{Stdin: input, Stdout: output})
		output.Close()
	}()
	c.done.Add(1)
	go func() {
		defer c.done.Done()
		for c.err == nil {
			select {
			case <-c.stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
			word := fmt.Sprintf("word %d\n", c.words)
			heard := make([]byte, len(word))
			_, _ = c.input.Write([]byte(word))
			if _, c.err = io.ReadFull(c.output, heard); c.err == nil && string(heard) != word {
				c.err = fmt.Errorf("%q for %q", heard, word)
			}
			c.words++
		}
	}()
	return c
}

func (c *conversation) end() error {
	close(c.stop)
	c.done.Wait()
	c.input.Close()
	return errors.Join(c.err, <-c.ended)
}

func testHostile(f *fixture, p protocol) error {
	lasting := *f
	lasting.limit = time.Hour
	other := lasting.converse(p)
	err := f.attackBy(warmUp)
	resident, descriptors := f.process.residentKiB(), f.process.descriptors()
	err = errors.Join(err, f.attackBy(attacks))
	left := 0
	eventually(func() bool { left = f.process.descriptors() - descriptors; return left <= 0 })
	growth := f.process.residentKiB() - resident
	if otherErr := other.end(); otherErr != nil {
		err = errors.Join(err, fmt.Errorf("the session beside them: %w", otherErr))
	}
	fmt.Printf("     %d attacks: %+d descriptors, %+d KiB; beside them %d words\n", attacks, left, growth, other.words)
	if left > descriptorTolerance || growth > residentToleranceKiB {
		err = errors.Join(err, errors.New("it does not go back to where it was"))
	}
	return err
}
