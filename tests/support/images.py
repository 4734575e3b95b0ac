#!/usr/bin/env python3
"""Makes the images that critest, kubelet and engine tests expect, out of Debian's own programs,
and pushes them to a registry. Nothing is downloaded.

usage: images.py REGISTRY_URL      (http://127.0.0.1:PORT)
       images.py --key             prints a key of the content, for caching
"""

import glob
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.request

SOURCES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "image-sources")
PROGRAMS = ["/bin/busybox", "/usr/bin/pgrep", "/usr/bin/ipcs", "/usr/sbin/nginx"]

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
default-user:x:1000:1000::/home/default-user:/bin/sh
www-data:x:33:33:www-data:/var/www:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh
"""
GROUP = """\
root:x:0:
default-user:x:1000:
www-data:x:33:
nogroup:x:65534:
group-defined-in-image:x:50000:default-user
"""


class Layer:
    """One layer, byte for byte the same for the same content."""

    def __init__(self):
        self.buffer = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=tarfile.GNU_FORMAT)
        self.names = set()

    def _add(self, name, kind, mode, data=b"", link=""):
        parent = os.path.dirname(name)
        if parent and parent not in self.names:
            self._add(parent, tarfile.DIRTYPE, 0o755)
        if name in self.names:
            return
        self.names.add(name)
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.size, info.linkname = kind, mode, len(data), link
        self.tar.addfile(info, io.BytesIO(data))

    def folder(self, name, mode=0o755):
        self._add(name, tarfile.DIRTYPE, mode)

    def file(self, name, data, mode=0o644):
        self._add(name, tarfile.REGTYPE, mode, data if isinstance(data, bytes) else data.encode())

    def symlink(self, name, target):
        self._add(name, tarfile.SYMTYPE, 0o777, link=target)

    def hard_link(self, name, target):
        self._add(name, tarfile.LNKTYPE, 0o755, link=target)

    def program(self, source, name):
        """A program of this machine with the libraries it needs."""
        with open(source, "rb") as file:
            self.file(name, file.read(), 0o755)
        linked = subprocess.run(["ldd", source], capture_output=True, text=True)
        for library in re.findall(r"(/\S+) \(0x", linked.stdout):
            with open(library, "rb") as file:
                self.file(library.lstrip("/"), file.read(), 0o755)

    def blob(self):
        self.tar.close()
        raw = self.buffer.getvalue()
        return hashlib.sha256(raw).hexdigest(), gzip.compress(raw, 6, mtime=0)


def compiled(source, scratch):
    out = os.path.join(scratch, source + ".out")
    subprocess.run(["gcc", "-O2", "-static", "-s", "-o", out, os.path.join(SOURCES, source)], check=True)
    with open(out, "rb") as file:
        return file.read()


def base_layer():
    layer = Layer()
    for name in ("dev", "proc", "sys", "etc", "run", "root", "home/default-user", "var/log", "var/www"):
        layer.folder(name)
    layer.symlink("var/run", "/run")
    layer.folder("tmp", 0o1777)
    layer.file("etc/passwd", PASSWD)
    layer.file("etc/group", GROUP)
    with open("/bin/busybox", "rb") as file:
        layer.file("bin/busybox", file.read(), 0o755)
    # The real programs first: Debian's busybox lacks these two, and a name is added only once.
    layer.program("/usr/bin/pgrep", "bin/pgrep")
    layer.program("/usr/bin/ipcs", "bin/ipcs")
    applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True)
    # Hard links, because tests mask single programs by mounting over them.
    for applet in applets.stdout.split():
        layer.hard_link("bin/" + applet, "bin/busybox")
    return layer.blob()


def nginx_layer(port):
    layer = Layer()
    layer.program("/usr/sbin/nginx", "usr/sbin/nginx")
    with open(os.path.join(SOURCES, "nginx.conf")) as file:
        layer.file("etc/nginx/nginx.conf", file.read().replace("@PORT@", str(port)))
    layer.file("usr/share/nginx/html/index.html", "<h1>Welcome to nginx!</h1>\n")
    layer.folder("var/log/nginx")
    layer.folder("var/lib/nginx")
    return layer.blob()


def marker_layer(text):
    layer = Layer()
    layer.file("image-name", text + "\n")
    return layer.blob()


def httpd_layer():
    layer = Layer()
    layer.file("var/www/index.html", "<h1>It works!</h1>\n")
    layer.file("usr/sbin/start-httpd", "#!/bin/sh\necho 'httpd: serving on port 80'\n"
               "exec httpd -f -vv -p 80 -h /var/www\n", 0o755)
    return layer.blob()


def program_layer(name, data, mode):
    layer = Layer()
    layer.file(name, data, mode)
    return layer.blob()


class Registry:
    def __init__(self, url):
        self.url = url

    def request(self, method, path, data=None, **headers):
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60)

    def push_blob(self, repository, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        place = self.request("POST", f"/v2/{repository}/blobs/uploads/").headers["Location"]
        separator = "&" if "?" in place else "?"
        self.request("PUT", f"{place}{separator}digest={digest}", data,
                     **{"Content-Type": "application/octet-stream"})
        return digest

    def push_manifest(self, repository, reference, manifest):
        data = json.dumps(manifest).encode()
        self.request("PUT", f"/v2/{repository}/manifests/{reference}", data,
                     **{"Content-Type": manifest["mediaType"]})

    def manifest(self, repository, architecture, layers, command, config):
        config = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                  "Cmd": command, **config}
        document = json.dumps({
            "architecture": architecture, "os": "linux", "created": "2024-01-01T00:00:00Z",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + diff for diff, _ in layers]},
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": repository} for _ in layers],
        }).encode()
        return {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
                       "size": len(document), "digest": self.push_blob(repository, document)},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                        "size": len(data), "digest": self.push_blob(repository, data)}
                       for _, data in layers],
        }

    def push(self, name, layers, command, **config):
        repository, tag = name.split(":")
        self.push_manifest(repository, tag,
                           self.manifest(repository, machine(), layers, command, config))

    def push_index(self, name, layers_by_architecture, command):
        repository, tag = name.split(":")
        rows = []
        for architecture, layers in layers_by_architecture.items():
            manifest = self.manifest(repository, architecture, layers, command, {})
            data = json.dumps(manifest).encode()
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
            self.push_manifest(repository, digest, manifest)
            rows.append({"mediaType": manifest["mediaType"], "size": len(data), "digest": digest,
                         "platform": {"architecture": architecture, "os": "linux"}})
        self.push_manifest(repository, tag, {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
            "manifests": rows})


def machine():
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def push_all(url):
    registry = Registry(url)
    base = base_layer()
    shell = ["sh"]
    e2e, staging = "e2e-test-images/", "k8s-staging-cri-tools/"
    with tempfile.TemporaryDirectory() as scratch:
        pause = program_layer("pause", compiled("pause.c", scratch), 0o755)
        effective_uid = program_layer("nnp", compiled("effective-uid.c", scratch), 0o4755)

    registry.push("pause:3.9", [pause], None, Entrypoint=["/pause"], User="65535:65535")
    registry.push(e2e + "busybox:1.29-2", [base], shell)
    registry.push(e2e + "nonewprivs:1.3", [base, effective_uid], None, Entrypoint=["/nnp"])
    nginx = ["nginx", "-g", "daemon off;"]
    registry.push(e2e + "nginx:1.14-2", [base, nginx_layer(80)], nginx, ExposedPorts={"80/tcp": {}})
    registry.push(staging + "hostnet-nginx-amd64:latest", [base, nginx_layer(12003)], nginx)
    registry.push(e2e + "httpd:2.4.39-4", [base, httpd_layer()], ["start-httpd"],
                  ExposedPorts={"80/tcp": {}})

    for name, user in (("test-image-predefined-group", "1000"), ("test-image-user-uid", "1002"),
                       ("test-image-user-username", "www-data"),
                       ("test-image-user-uid-group", "1003:50000"),
                       ("test-image-user-username-group", "www-data:www-data")):
        registry.push(f"{staging}{name}:latest", [base, marker_layer(name)], shell, User=user)
    for name in ("test-image-1:latest", "test-image-2:latest", "test-image-3:latest",
                 "test-image-tag:test", "test-image-tag:all", "test-image-latest:latest",
                 "test-image-digest:latest"):
        registry.push(staging + name, [base, marker_layer(name)], shell)
    # Three names of one image.
    tags = [base, marker_layer("test-image-tags")]
    for tag in ("1", "2", "3"):
        registry.push(f"{staging}test-image-tags:{tag}", tags, shell)
    # Ours, not critest's.
    registry.push_index(staging + "test-image-index:latest",
                        {"s390x": [base, marker_layer("of another machine")],
                         machine(): [base, marker_layer("of this machine")]}, shell)
    registry.push(staging + "test-image-stop-signal:latest", [base, marker_layer("stop-signal")],
                  shell, StopSignal="SIGUSR1")


def key():
    digest = hashlib.sha256()
    for path in [os.path.realpath(__file__), *sorted(glob.glob(SOURCES + "/*")), *PROGRAMS]:
        with open(path, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--key":
        print(key())
    else:
        push_all(sys.argv[1])
