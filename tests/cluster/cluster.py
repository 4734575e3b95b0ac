"""A cluster of one node: etcd, the control plane and a kubelet, as processes of the node, and kubectl."""

import base64
import json
import os
import subprocess
import urllib.request

import node

TOKEN = "test-admin"
SERVER = "https://127.0.0.1:6443"
CLUSTER_DNS = "10.96.0.10"


class Cluster:
    def __init__(self, control_plane, kubelet, spdy_kubectl, metrics_server, kubelet_kind=node.Kubelet):
        """Paths: the folder of the control plane's programs and kubectl, and three programs."""
        self.folder = os.path.join(node.STATE, "cluster")
        os.makedirs(self.folder, exist_ok=True)
        self.kubectls = {"websocket": os.path.join(control_plane, "kubectl"), "spdy": spdy_kubectl}
        self.kubeconfig = self.write_kubeconfig()
        self.make_service_account_key()
        self.daemons = self.control_plane(control_plane)
        self.metrics_server = self.metrics_daemon(metrics_server)
        self.kubelet = kubelet_kind(
            kubelet, "--kubeconfig", self.kubeconfig,
            maxPods=150, registerNode=True, clusterDNS=[CLUSTER_DNS], clusterDomain="cluster.local",
            localStorageCapacityIsolation=True, containerLogMonitorInterval="3s",
            nodeStatusUpdateFrequency="5s", evictionPressureTransitionPeriod="1s",
            imageMinimumGCAge="1s", shutdownGracePeriod="0s")

    def file(self, name):
        return os.path.join(self.folder, name)

    def write_kubeconfig(self):
        path = self.file("kubeconfig")
        with open(path, "w") as file:
            json.dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "test",
                "clusters": [{"name": "test", "cluster": {
                    "server": SERVER, "insecure-skip-tls-verify": True}}],
                "users": [{"name": "admin", "user": {"token": TOKEN}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            }, file)
        with open(self.file("tokens"), "w") as file:
            file.write(f"{TOKEN},admin,admin,system:masters\n")
        return path

    def make_service_account_key(self):
        node.run("openssl", "genrsa", "-out", self.file("account.key"), "2048")
        node.run("openssl", "rsa", "-in", self.file("account.key"), "-pubout",
                 "-out", self.file("account.pub"))
        # The API server shows its certificate to pods and to extension servers.
        self.certificate("ca", "IP:127.0.0.1,IP:" + node.NODE_ADDRESS)

    def certificate(self, name, addresses):
        """Makes a certificate signed by itself; returns its file and its key's."""
        certificate, key = self.file(name + ".crt"), self.file(name + ".key")
        node.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-days", "30", "-subj", "/CN=test " + name, "-keyout", key,
                 "-out", certificate, "-addext", "subjectAltName=" + addresses)
        return certificate, key

    def control_plane(self, folder):
        """(daemon, how to ask whether it is up), in the order of their start."""
        def answers(url):
            return lambda: node.opener.open(url, timeout=5).status == 200

        etcd = "http://127.0.0.1:2379"
        return [
            (node.Daemon("etcd", "etcd", "--data-dir", self.file("etcd"), "--logger", "zap",
                         "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
                         "--listen-peer-urls", "http://127.0.0.1:2380"),
             answers(etcd + "/health")),
            (node.Daemon("kube-apiserver", os.path.join(folder, "kube-apiserver"),
                         "--etcd-servers", etcd, "--bind-address", "0.0.0.0", "--secure-port", "6443",
                         "--advertise-address", node.NODE_ADDRESS,
                         "--tls-cert-file", self.file("ca.crt"),
                         "--tls-private-key-file", self.file("ca.key"),
                         "--token-auth-file", self.file("tokens"), "--authorization-mode", "AlwaysAllow",
                         "--service-account-issuer", "https://kubernetes.default.svc",
                         "--service-account-key-file", self.file("account.pub"),
                         "--service-account-signing-key-file", self.file("account.key"),
                         "--service-cluster-ip-range", "10.96.0.0/16", "--allow-privileged",
                         "--kubelet-preferred-address-types", "Hostname",
                         "--enable-aggregator-routing", "--requestheader-client-ca-file",
                         self.file("ca.crt"), "--proxy-client-cert-file", self.file("ca.crt"),
                         "--proxy-client-key-file", self.file("ca.key"),
                         "--requestheader-username-headers", "X-Remote-User",
                         "--requestheader-group-headers", "X-Remote-Group",
                         "--requestheader-extra-headers-prefix", "X-Remote-Extra-"),
             lambda: self.get("/readyz") == "ok"),
            (node.Daemon("kube-controller-manager", os.path.join(folder, "kube-controller-manager"),
                         "--kubeconfig", self.kubeconfig, "--leader-elect=false",
                         "--service-account-private-key-file", self.file("account.key"),
                         "--root-ca-file", self.file("ca.crt")),
             answers("https://127.0.0.1:10257/healthz")),
            (node.Daemon("kube-scheduler", os.path.join(folder, "kube-scheduler"),
                         "--kubeconfig", self.kubeconfig, "--leader-elect=false"),
             answers("https://127.0.0.1:10259/healthz")),
        ]

    def metrics_daemon(self, binary):
        return node.Daemon("metrics-server", binary, "--kubeconfig", self.kubeconfig,
                           "--authentication-kubeconfig", self.kubeconfig,
                           "--authorization-kubeconfig", self.kubeconfig,
                           "--secure-port", "4443", "--cert-dir", self.file("metrics"),
                           "--kubelet-insecure-tls", "--metric-resolution", "10s",
                           "--kubelet-request-timeout", "5s",
                           "--kubelet-preferred-address-types", "Hostname")

    def start(self):
        for daemon, answers in self.daemons:
            daemon.start(answers)
        self.kubelet.start()
        node.wait_for("the node is Ready", 60, lambda: node.is_ready(self.node()))

    def stop(self):
        """Stops what still runs; RuntimeError about what had ended by itself."""
        ended = []
        for part in (self.kubelet, self.metrics_server, *(daemon for daemon, _ in reversed(self.daemons))):
            try:
                part.stop()
            except RuntimeError as error:
                ended.append(str(error))
        if ended:
            raise RuntimeError("; ".join(ended))

    def get(self, path):
        """The answer of the API server: JSON where it is some, else text."""
        request = urllib.request.Request(SERVER + path, headers={"Authorization": "Bearer " + TOKEN})
        with node.opener.open(request, timeout=20) as reply:
            text = reply.read().decode()
        return json.loads(text) if text[:1] in "{[" else text

    def node(self):
        return self.get(f"/api/v1/nodes/{node.NODE_NAME}")

    def command(self, *arguments, client="websocket"):
        return [self.kubectls[client], "--kubeconfig", self.kubeconfig, *arguments]

    def kubectl(self, *arguments, client="websocket", stdin=b"", code=0, output="stdout", timeout=150):
        """One of its outputs; AssertionError with both outputs when it ends in any other way than with code."""
        if isinstance(stdin, (dict, list)):
            stdin = json.dumps(stdin).encode()
        done = subprocess.run(self.command(*arguments, client=client), input=stdin,
                              capture_output=True, timeout=timeout, env=self.environment())
        assert done.returncode == code, (
            f"kubectl {' '.join(arguments)} ({client}): exit code {done.returncode}: "
            f"{done.stderr.decode(errors='replace')[-2000:]}{done.stdout.decode(errors='replace')[-500:]}")
        return getattr(done, output).decode(errors="replace")

    def environment(self):
        # What kubectl remembers of the server stays in here.
        return {**os.environ, "HOME": self.folder}

    def namespace(self, name):
        """A new namespace in which pods may be made."""
        space = Namespace(self, name.replace("_", "-"))
        self.kubectl("create", "namespace", space.name)
        node.wait_for("the namespace has what pods need", 60, lambda: (
            self.get(f"{space.path}/serviceaccounts/default")
            and self.get(f"{space.path}/configmaps/kube-root-ca.crt")))
        return space

    def apply(self, *objects):
        self.kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": list(objects)})


class Namespace:
    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name
        self.path = f"/api/v1/namespaces/{name}"

    def command(self, *arguments, client="websocket"):
        return self.cluster.command("-n", self.name, *arguments, client=client)

    def kubectl(self, *arguments, **options):
        return self.cluster.kubectl("-n", self.name, *arguments, **options)

    def apply(self, *objects):
        for item in objects:
            item["metadata"]["namespace"] = self.name
        self.cluster.apply(*objects)

    def exec(self, pod, *command, **options):
        return self.kubectl("exec", pod, "--", *command, **options)

    def pod(self, name):
        return self.cluster.get(f"{self.path}/pods/{name}")

    def pods(self, **labels):
        selector = ",".join(f"{key}%3D{value}" for key, value in labels.items())
        return self.cluster.get(f"{self.path}/pods?labelSelector={selector}")["items"]

    def status(self, pod, container="main", kind="containerStatuses"):
        statuses = self.pod(pod)["status"].get(kind, [])
        return next(status for status in statuses if status["name"] == container)

    def start(self, *pods):
        """Makes pods and waits until they are Ready."""
        self.apply(*pods)
        self.ready(*[item["metadata"]["name"] for item in pods if item["kind"] == "Pod"])

    def ready(self, *names):
        self.wait("condition=Ready", *names)

    def succeeded(self, *names):
        self.wait("jsonpath={.status.phase}=Succeeded", *names)

    def wait(self, condition, *names, kind="pod"):
        self.kubectl("wait", "--timeout=120s", "--for", condition,
                     *[f"{kind}/{name}" for name in names])

    def events(self, pod):
        """Reasons of the events of a pod."""
        found = self.cluster.get(f"{self.path}/events?fieldSelector=involvedObject.name%3D{pod}")
        return [event["reason"] for event in found["items"]]

    def delete(self):
        """Without waiting; the last scenario looks at what is left."""
        self.kubectl("delete", "namespace", self.name, "--wait=false")


def container(name="main", command=None, **fields):
    """A container of the busybox image that runs forever unless it has a command."""
    return {"name": name, "image": node.BUSYBOX, "imagePullPolicy": "IfNotPresent",
            "command": command or node.FOREVER, **fields}


def shell(script, name="main", **fields):
    return container(name, ["sh", "-c", script], **fields)


def pod(name, *containers, labels=None, **spec):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name, **(labels or {})}},
            "spec": {"terminationGracePeriodSeconds": 5, **spec,
                     "containers": list(containers) or [container()]}}


def deployment(name, replicas, *containers, strategy=None, **spec):
    template = pod(name, *containers, **spec)
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "strategy": strategy or {}, "progressDeadlineSeconds": 300,
                     "template": {"metadata": {"labels": {"app": name}}, "spec": template["spec"]}}}


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(name, **data):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "data": {key: base64.b64encode(value).decode() for key, value in data.items()}}
