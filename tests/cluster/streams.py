"""exec, attach, port-forward and cp by kubectl: today's, which speaks WebSocket, and an old one, which
speaks only SPDY."""

import contextlib
import fcntl
import hashlib
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
import urllib.request

import node
from cluster import container, pod, shell

MEBIBYTE = 1 << 20
CLIENTS = ["websocket", "spdy"]


def exec_codes(cluster):
    """kubectl exec reports exit codes, and stderr apart from stdout."""
    space = cluster.namespace("exec-codes")
    space.start(pod("sleeper"))
    for client in CLIENTS:
        before = websocket_requests(cluster)
        done = subprocess.run(
            space.command("exec", "sleeper", "--", "sh", "-c", "echo out; echo err >&2; exit 3",
                          client=client), capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, env=cluster.environment())
        assert done.returncode == 3, f"{client}: {done}"
        assert done.stdout == "out\n", f"{client}: {done}"
        assert done.stderr.splitlines() == ["err", "command terminated with exit code 3"], f"{client}: {done}"
        # kubectl falls back to SPDY by itself; the kubelet knows what came.
        came = websocket_requests(cluster) - before
        assert came == (1 if client == "websocket" else 0), f"{client}: {came} WebSocket requests"
    space.delete()
    return "kubectl exec over WebSocket works"


def websocket_requests(cluster):
    """How many exec requests over WebSocket the kubelet has had."""
    found = re.search(r'kubelet_websocket_streaming_requests_total\{subresource="exec"\} (\S+)',
                      cluster.kubelet.get("/metrics"))
    return float(found.group(1)) if found else 0


def exec_pipe(cluster):
    """200 MiB go through kubectl exec's stdin and stdout unchanged."""
    space = cluster.namespace("exec-pipe")
    space.start(pod("sleeper"))
    block = os.urandom(MEBIBYTE)
    speeds = []
    for client in CLIENTS:
        start = time.monotonic()
        sent, received = pipe(cluster, space.command("exec", "-i", "sleeper", "--", "cat", client=client),
                              [block] * 200)
        assert received == sent, f"{client}: {received} came back of {sent}"
        speeds.append(f"{client} {200 / (time.monotonic() - start):.0f} MiB/s")
    space.delete()
    return ", ".join(speeds)


def pipe(cluster, command, blocks):
    """(size, hash) of what went into a command and of what came out of it."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env=cluster.environment()) as process:
        deadline = threading.Timer(240, process.kill)
        deadline.start()
        sent, received = hashlib.sha256(), hashlib.sha256()
        sizes = [0, 0]

        def feed():
            try:
                with process.stdin:
                    for block in blocks:
                        sent.update(block)
                        process.stdin.write(block)
                        sizes[0] += len(block)
            except BrokenPipeError:
                pass  # the sizes tell

        feeder = threading.Thread(target=feed)
        feeder.start()
        while block := process.stdout.read(1 << 16):
            received.update(block)
            sizes[1] += len(block)
        feeder.join()
        deadline.cancel()
    assert process.returncode == 0, f"exit code {process.returncode} after {sizes}"
    return (sizes[0], sent.hexdigest()), (sizes[1], received.hexdigest())


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, cluster, command, rows, columns):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        preexec_fn=take_terminal, env=cluster.environment())
        os.close(slave)
        self.seen = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, text, seconds=60):
        """Reads until this appears, and forgets what came before."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.master], [], [], left)[0], \
                f"no {text!r} in {self.seen!r}"
            self.seen += os.read(self.master, 4096).decode(errors="replace")
        self.seen = self.seen.partition(text)[2]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        os.close(self.master)


def tty_resize(cluster):
    """A terminal session has its client's size, sees it change, and passes on keys and the exit code."""
    space = cluster.namespace("tty-resize")
    space.start(pod("sleeper"))
    script = ("trap 'stty size' WINCH; trap 'exit 7' INT; echo begin; stty size; tty;"
              " while true; do sleep 0.1; done")
    for client in CLIENTS:
        terminal = Terminal(cluster, space.command("exec", "-it", "sleeper", "--", "sh", "-c", script,
                                                   client=client), 31, 101)
        try:
            terminal.expect("begin")
            terminal.expect("31 101")
            for rows, columns in ((40, 132), (24, 80)):
                terminal.resize(rows, columns)
                terminal.expect(f"{rows} {columns}")
            terminal.type("\x03")
            assert terminal.process.wait(60) == 7, client
        finally:
            terminal.close()
    space.delete()


def attach(cluster):
    """kubectl attach feeds a stdinOnce container until the client's input ends, or shows output."""
    space = cluster.namespace("attach")
    data = os.urandom(MEBIBYTE)
    digest = hashlib.sha256(data).hexdigest()
    space.start(*[pod(f"once-{client}", container(command=["sha256sum"], stdin=True, stdinOnce=True),
                      restartPolicy="Never") for client in CLIENTS],
                pod("talker", shell("trap 'exit 0' TERM; while true; do echo tick; sleep 0.1; done")))
    for client in CLIENTS:
        name = f"once-{client}"
        output = space.kubectl("attach", "-i", name, client=client, stdin=data)
        assert digest in output, f"{client}: {output}"
        space.succeeded(name)
        assert digest in space.kubectl("logs", name)

        with subprocess.Popen(space.command("attach", "talker", client=client), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                              env=cluster.environment()) as process:
            deadline = threading.Timer(60, process.kill)
            deadline.start()
            lines = [process.stdout.readline() for _ in range(3)]
            process.terminate()
            deadline.cancel()
        assert lines == [b"tick\n"] * 3, f"{client}: {lines}"
    space.delete()


def port_forward(cluster):
    """100 connections at once through kubectl port-forward each move 10 MiB unchanged."""
    space = cluster.namespace("port-forward")
    served = start_web(cluster, space, 11)
    speeds = []
    for client in CLIENTS:
        with forwarded(cluster, space, client) as port:
            speeds.append(f"{client} {fetch_parts(port, served, 100, 10 * MEBIBYTE):.0f} MiB/s")
    space.delete()
    return ", ".join(speeds)


def start_web(cluster, space, mebibytes):
    """A pod that serves random /data of this size at port 80; returns the data."""
    space.start(pod("web", shell(
        f"dd if=/dev/urandom of=/usr/share/nginx/html/data bs=1M count={mebibytes};"
        " exec nginx -g 'daemon off;'",
        image=node.NGINX, readinessProbe={"tcpSocket": {"port": 80}, "periodSeconds": 1})))
    space.kubectl("cp", "web:/usr/share/nginx/html/data", cluster.file("served"))
    with open(cluster.file("served"), "rb") as file:
        return file.read()


@contextlib.contextmanager
def forwarded(cluster, space, client):
    """The local port that leads to port 80 of the pod web, while kubectl port-forward runs."""
    with subprocess.Popen(space.command("port-forward", "pod/web", ":80", client=client),
                          stdout=subprocess.PIPE, text=True, env=cluster.environment()) as process:
        try:
            line = process.stdout.readline()
            yield int(re.match(r"Forwarding from 127\.0\.0\.1:(\d+) -> 80", line).group(1))
        finally:
            process.terminate()


def fetch_parts(port, served, connections, size):
    """Fetches another part of the same file over each of so many connections; returns MiB/s."""
    wrong = []
    start = time.monotonic()

    def one(number):
        part = memoryview(served)[number:number + size]
        try:
            reply = node.opener.open(urllib.request.Request(f"http://127.0.0.1:{port}/data", headers={
                "Range": f"bytes={number}-{number + size - 1}"}), timeout=240)
            at = 0
            while got := reply.read(1 << 16):
                if part[at:at + len(got)] != got:
                    raise OSError(f"other bytes after {at}")
                at += len(got)
            if at != size:
                raise OSError(f"ended after {at} bytes")
        except OSError as error:
            wrong.append(f"connection {number}: {error}")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, f"{len(wrong)} of {connections}: {wrong[:3]}"
    return connections * size / MEBIBYTE / (time.monotonic() - start)


def copy(cluster):
    """kubectl cp copies files and folders both ways."""
    space = cluster.namespace("copy")
    space.start(pod("sleeper"))
    tree = {"a": os.urandom(5 * MEBIBYTE), "empty": b"", "deep/er/b": b"b\n", "deep/c": os.urandom(1000)}
    for client in CLIENTS:
        local = cluster.file(f"copy-{client}")
        for name, data in tree.items():
            os.makedirs(os.path.dirname(os.path.join(local, name)), exist_ok=True)
            with open(os.path.join(local, name), "wb") as file:
                file.write(data)
        space.kubectl("cp", f"{local}/a", f"sleeper:/tmp/file-{client}", client=client)
        space.kubectl("cp", f"sleeper:/tmp/file-{client}", f"{local}.file", client=client)
        with open(f"{local}.file", "rb") as file:
            assert file.read() == tree["a"], client
        space.kubectl("cp", local, f"sleeper:/tmp/tree-{client}", client=client)
        space.kubectl("cp", f"sleeper:/tmp/tree-{client}", f"{local}.back", client=client)
        back = {}
        for folder, _, names in os.walk(f"{local}.back"):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    back[os.path.relpath(path, f"{local}.back")] = file.read()
        assert back == tree, f"{client}: {sorted(back)}"
    space.delete()


def over_tls(cluster):
    """With stream_tls_cert, exec, port-forward and cp work once the node trusts it, and not before."""
    space = cluster.namespace("over-tls")
    served = start_web(cluster, space, 3)
    certificate, key = cluster.certificate("stream", "IP:127.0.0.1")
    node.runtime("stop")
    node.runtime("start", "--stream-tls-cert", certificate, "--stream-tls-key", key)
    try:
        for client in CLIENTS:
            refused = space.exec("web", "true", client=client, code=1, output="stderr")
            assert "x509: certificate signed by unknown authority" in refused, refused
        with open("/etc/ssl/certs/ca-certificates.crt", "a") as trusted, open(certificate) as file:
            trusted.write(file.read())
        # It reads them once.
        cluster.kubelet.stop()
        cluster.kubelet.start()
        assert node.wait_for("the kubelet knows its pods", 60, lambda: space.exec("web", "echo", "ok"))
        for client in CLIENTS:
            space.exec("web", "sh", "-c", "exit 3", client=client, code=3)
            sent, received = pipe(cluster, space.command("exec", "-i", "web", "--", "cat", client=client),
                                  [os.urandom(MEBIBYTE)] * 5)
            assert received == sent, f"{client}: {received} came back of {sent}"
            with forwarded(cluster, space, client) as port:
                fetch_parts(port, served, 5, 2 * MEBIBYTE)
            space.kubectl("cp", "web:/usr/share/nginx/html/data", cluster.file("served"), client=client)
    finally:
        node.runtime("stop")
        node.runtime("start")
    space.delete()


ALL = [exec_codes, exec_pipe, tty_resize, attach, port_forward, copy, over_tls]
