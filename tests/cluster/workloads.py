"""What people run on a cluster. These scenarios do not disturb each other."""

import json
import os
import subprocess
import time

import node
from cluster import CLUSTER_DNS, config_map, container, pod, secret, shell
from streams import Terminal


def probes(cluster):
    """Exec, HTTP and TCP probes pass, hold readiness back, and restart what fails or hangs."""
    space = cluster.namespace("probes")
    often = {"periodSeconds": 1, "failureThreshold": 2}
    patiently = {"periodSeconds": 1, "timeoutSeconds": 30}

    def restarted_by(probe):
        return container(image=node.NGINX, command=["nginx", "-g", "daemon off;"],
                         livenessProbe={**probe, **often})

    http = {"httpGet": {"path": "/", "port": 80}}
    space.apply(
        pod("healthy", container(
            image=node.NGINX, command=["nginx", "-g", "daemon off;"],
            startupProbe={"exec": {"command": ["cat", "/etc/nginx/nginx.conf"]}, **patiently},
            livenessProbe={**http, **patiently},
            readinessProbe={"tcpSocket": {"port": 80}, **patiently})),
        pod("waiting", container(readinessProbe={
            "exec": {"command": ["test", "-f", "/tmp/on"]}, **patiently, "failureThreshold": 1})),
        pod("http-fails", restarted_by({"httpGet": {"path": "/missing", "port": 80}})),
        pod("tcp-fails", restarted_by({"tcpSocket": {"port": 81}})),
        pod("exec-fails", restarted_by({"exec": {"command": ["false"]}})),
        pod("exec-hangs", restarted_by({"exec": {"command": ["sleep", "1000"]}, "timeoutSeconds": 1})))
    space.ready("healthy")
    space.wait("jsonpath={.status.phase}=Running", "waiting")
    assert not node.is_ready(space.pod("waiting")), "Ready before its probe passes"
    space.exec("waiting", "touch", "/tmp/on")
    space.ready("waiting")
    space.exec("waiting", "rm", "/tmp/on")
    space.wait("condition=Ready=false", "waiting")
    for name in ("http-fails", "tcp-fails", "exec-fails", "exec-hangs"):
        node.wait_for(f"{name} is restarted", 120, lambda: space.status(name)["restartCount"] >= 1)
        assert {"Unhealthy", "Killing"} <= set(space.events(name)), (name, space.events(name))
    assert space.status("healthy")["restartCount"] == 0
    space.delete()


def init_and_sidecars(cluster):
    """Init containers run in order, a sidecar starts among them, serves, and ends after the rest."""
    space = cluster.namespace("init-and-sidecars")
    mount = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
    team = pod("team", shell(
        'test "$(cat /shared/steps)" = "1 side 2" && wget -q -O - http://127.0.0.1:8080/steps', **mount),
        volumes=[{"name": "shared", "emptyDir": {}}], restartPolicy="Never")
    team["spec"]["initContainers"] = [
        shell("echo -n '1 ' >>/shared/steps", name="first", **mount),
        shell("echo -n 'side ' >>/shared/steps; trap 'exit 0' TERM; httpd -f -p 8080 -h /shared & wait",
              name="side", restartPolicy="Always",
              startupProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 1}, **mount),
        shell("echo -n 2 >>/shared/steps", name="second", **mount)]
    space.apply(team)
    space.succeeded("team")
    assert space.kubectl("logs", "team", "-c", "main") == "1 side 2"
    main = space.status("team")["state"]["terminated"]
    side = space.status("team", "side", "initContainerStatuses")["state"]["terminated"]
    assert side["exitCode"] == 0 and side["finishedAt"] >= main["finishedAt"], (main, side)
    space.delete()


def jobs(cluster):
    """Jobs complete, and fail by exit code, by their policy for one, and by their deadline."""
    space = cluster.namespace("jobs")

    def job(name, script, **spec):
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {
            "backoffLimit": 0, **spec, "template": {"spec": pod(
                name, shell(script), restartPolicy="Never", terminationGracePeriodSeconds=1)["spec"]}}}

    space.apply(
        job("completes", "echo done", completions=3, parallelism=2),
        job("fails", "exit 3"),
        job("by-policy", "exit 42", backoffLimit=5, podFailurePolicy={"rules": [{
            "action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]}),
        job("too-slow", "sleep 1000", activeDeadlineSeconds=3))
    space.wait("condition=Complete", "completes", kind="job")
    space.wait("condition=Failed", "fails", "by-policy", "too-slow", kind="job")

    def ends(name):
        return [item["status"]["containerStatuses"][0]["state"]["terminated"]
                for item in space.pods(**{"job-name": name})]

    def reason(name):
        status = cluster.get(f"/apis/batch/v1/namespaces/jobs/jobs/{name}")["status"]
        return next(condition["reason"] for condition in status["conditions"]
                    if condition["type"] == "Failed")

    assert [(end["exitCode"], end["reason"]) for end in ends("completes")] == [(0, "Completed")] * 3
    assert [(end["exitCode"], end["reason"]) for end in ends("fails")] == [(3, "Error")]
    assert [end["exitCode"] for end in ends("by-policy")] == [42]
    assert reason("fails") == "BackoffLimitExceeded", reason("fails")
    assert reason("by-policy") == "PodFailurePolicy", reason("by-policy")
    assert reason("too-slow") == "DeadlineExceeded", reason("too-slow")
    space.delete()


def volumes(cluster):
    """Config maps, secrets, the downward API, a token and empty folders are there; updates arrive."""
    space = cluster.namespace("volumes")

    def mount(name, path, **fields):
        return {"name": name, "mountPath": path, **fields}

    space.start(
        config_map("settings", color="blue", shape="round"), secret("keys", key=b"\0secret\n"),
        pod("reader", container(
            env=[{"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}}],
            volumeMounts=[mount("settings", "/settings"), mount("keys", "/keys", readOnly=True),
                          mount("settings", "/one", subPath="shape"), mount("about", "/about"),
                          mount("memory", "/memory"), mount("disk", "/disk")]),
            container("other", volumeMounts=[mount("disk", "/disk")]),
            securityContext={"fsGroup": 1234},
            volumes=[{"name": "settings", "configMap": {"name": "settings"}},
                     {"name": "keys", "secret": {"secretName": "keys", "defaultMode": 0o400}},
                     {"name": "about", "downwardAPI": {"items": [
                         {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
                     {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
                     {"name": "disk", "emptyDir": {}}]))

    def read(script, container="main"):
        return space.kubectl("exec", "reader", "-c", container, "--", "sh", "-c", script)

    assert read("cat /settings/color /one; echo $COLOR") == "blueroundblue\n"
    assert read("od -An -tx1 /keys/key; stat -L -c '%a %g' /keys/key").split() == [
        "00", *(b"secret\n".hex(" ").split()), "440", "1234"]
    assert "Read-only" in read("touch /keys/x 2>&1 || true")
    assert read("cat /about/labels") == 'app="reader"'
    assert read("cut -d. -f2 /var/run/secrets/kubernetes.io/serviceaccount/token | wc -c").strip() != "0"
    assert read("grep ' /memory ' /proc/mounts").split()[2] == "tmpfs"
    assert "No space" in read("dd if=/dev/zero of=/memory/x bs=1M count=2 2>&1 || true")
    read("echo shared >/disk/x")
    assert read("stat -c %g /disk/x; cat /disk/x", "other") == "1234\nshared\n"
    space.kubectl("patch", "configmap", "settings", "-p", '{"data": {"color": "green"}}')
    node.wait_for("the update arrives", 120, lambda: read("cat /settings/color") == "green")
    space.delete()


def mount_propagation(cluster):
    """What a Bidirectional pod mounts, as CSI plugins do, is seen by the node and HostToContainer pods."""
    space = cluster.namespace("mount-propagation")
    path = os.path.join(node.STATE, "shared-with-pods")
    os.mkdir(path)

    def with_folder(name, mode, **fields):
        return pod(name, container(volumeMounts=[
            {"name": "folder", "mountPath": "/folder", "mountPropagation": mode}], **fields),
            volumes=[{"name": "folder", "hostPath": {"path": path, "type": "Directory"}}])

    space.start(with_folder("sees", "HostToContainer"), with_folder("does-not", "None"))
    plugin = with_folder("plugin", "Bidirectional", securityContext={"privileged": True})
    plugin["spec"]["containers"][0]["command"] = [
        "sh", "-c", "mkdir /folder/volume && mount -t tmpfs tmpfs /folder/volume &&"
        # A probe may be in there just then.
        " echo mounted >/folder/volume/file && trap 'until umount /folder/volume; do sleep 0.1; done;"
        " exit 0' TERM && { sleep 1000000 & wait; }"]
    plugin["spec"]["terminationGracePeriodSeconds"] = 60
    plugin["spec"]["containers"][0]["readinessProbe"] = {
        "exec": {"command": ["cat", "/folder/volume/file"]}, "periodSeconds": 1}
    space.start(plugin)
    with open(os.path.join(path, "volume/file")) as file:
        assert file.read() == "mounted\n"
    assert space.exec("sees", "cat", "/folder/volume/file") == "mounted\n"
    assert space.exec("does-not", "ls", "/folder/volume") == ""
    space.kubectl("delete", "pod", "plugin")
    assert not os.path.ismount(os.path.join(path, "volume")), "still mounted on the node"
    assert space.exec("sees", "ls", "/folder/volume") == ""
    space.delete()


def host_network_and_ports(cluster):
    """Host ports answer on the node's address; pods share the node's network and processes if asked."""
    space = cluster.namespace("host-network-and-ports")
    web = container(image=node.NGINX, command=["nginx", "-g", "daemon off;"],
                    ports=[{"containerPort": 80, "hostPort": 8081}],
                    readinessProbe={"tcpSocket": {"port": 80}, "periodSeconds": 1})
    space.start(
        pod("web", web),
        pod("on-host", shell("mkdir /www; echo on-host >/www/index.html; exec httpd -f -p 8082 -h /www",
                             readinessProbe={"tcpSocket": {"port": 8082}, "periodSeconds": 1}),
            hostNetwork=True, hostPID=True, dnsPolicy="ClusterFirstWithHostNet",
            terminationGracePeriodSeconds=1))

    def page(port):
        return node.opener.open(f"http://{node.NODE_ADDRESS}:{port}/", timeout=5).read()

    assert b"nginx" in node.wait_for("the host port answers", 20, lambda: page(8081))
    assert page(8082) == b"on-host\n"
    status = space.pod("on-host")["status"]
    assert status["podIP"] == status["hostIP"] == node.NODE_ADDRESS, status
    assert space.exec("on-host", "hostname").strip() == node.NODE_NAME
    assert "kubelet" in space.exec("on-host", "pgrep", "-l", "kubelet")
    assert CLUSTER_DNS in space.exec("on-host", "cat", "/etc/resolv.conf")
    space.kubectl("delete", "pod", "web")

    def closed():
        try:
            page(8081)
        except OSError:
            return True

    node.wait_for("the host port is closed", 20, closed)
    space.delete()


def dns_policies(cluster):
    """Each DNS policy, host aliases and a pod's host name end in its files."""
    space = cluster.namespace("dns-policies")
    space.start(
        pod("cluster-first", dnsConfig={"options": [{"name": "timeout", "value": "3"}]}),
        pod("default", dnsPolicy="Default"),
        pod("none", dnsPolicy="None", dnsConfig={"nameservers": ["192.0.2.1"], "searches": ["a.example"],
                                                 "options": [{"name": "rotate"}]},
            hostAliases=[{"ip": "192.0.2.7", "hostnames": ["alias.example"]}],
            hostname="named", subdomain="group"))

    def resolv_conf(name):
        """Keyword and values, the latter without an order."""
        lines = space.exec(name, "cat", "/etc/resolv.conf").splitlines()
        return {line.split()[0]: set(line.split()[1:]) for line in lines}

    assert resolv_conf("cluster-first") == {
        "nameserver": {CLUSTER_DNS}, "options": {"ndots:5", "timeout:3"},
        "search": {"dns-policies.svc.cluster.local", "svc.cluster.local", "cluster.local"}}, \
        resolv_conf("cluster-first")
    with open("/etc/resolv.conf") as file:
        assert space.exec("default", "cat", "/etc/resolv.conf") == file.read()
    assert resolv_conf("none") == {
        "nameserver": {"192.0.2.1"}, "search": {"a.example"}, "options": {"rotate"}}
    hosts = space.exec("none", "cat", "/etc/hosts")
    assert "192.0.2.7\talias.example" in hosts, hosts
    assert space.exec("none", "hostname").strip() == "named"
    assert "named.group.dns-policies.svc.cluster.local\tnamed" in hosts, hosts
    space.delete()


def hooks(cluster):
    """postStart and preStop run in the container, the latter before the signal, in the grace period."""
    space = cluster.namespace("hooks")
    space.start(pod("hooked", shell("trap 'echo signal; exit 0' TERM; echo main; while true; do sleep 0.1; done",
                                    lifecycle={
                                        "postStart": {"exec": {"command": [
                                            "sh", "-c", "echo post-start >/proc/1/fd/1"]}},
                                        "preStop": {"exec": {"command": [
                                            "sh", "-c", "echo pre-stop >/proc/1/fd/1; sleep 1"]}}}),
                    terminationGracePeriodSeconds=20))
    with subprocess.Popen(space.command("logs", "-f", "hooked"), stdout=subprocess.PIPE, text=True,
                          env=cluster.environment()) as follow:
        lines = [follow.stdout.readline().strip() for _ in range(2)]
        space.kubectl("delete", "pod", "hooked")
        lines += follow.stdout.read().split()
    assert sorted(lines[:2]) == ["main", "post-start"] and lines[2:] == ["pre-stop", "signal"], lines
    space.apply(pod("stubborn", shell("trap 'echo ignored' TERM; while true; do sleep 0.1; done"),
                    terminationGracePeriodSeconds=2),
                pod("bad-hook", container(lifecycle={"postStart": {"exec": {"command": ["false"]}}})))
    space.ready("stubborn")
    start = time.monotonic()
    space.kubectl("delete", "pod", "stubborn")
    assert time.monotonic() - start > 2, "killed within its grace period"
    node.wait_for("the failed hook is reported", 60,
                  lambda: "FailedPostStartHook" in space.events("bad-hook"))
    space.delete()


def resize(cluster):
    """CPU and memory of a running pod change in place; a container that asks for it is restarted."""
    space = cluster.namespace("resize")

    def resources(cpu, memory):
        return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}

    space.start(pod("sized", container(resources=resources("100m", "64Mi")),
                    container("restarts", resources=resources("100m", "64Mi"), resizePolicy=[
                        {"resourceName": "memory", "restartPolicy": "RestartContainer"}])))
    space.kubectl("patch", "pod", "sized", "--subresource", "resize", "-p", json.dumps({"spec": {
        "containers": [{"name": name, "resources": resources("200m", "96Mi")}
                       for name in ("main", "restarts")]}}))

    def limits(name):
        return space.status("sized", name)["resources"]["limits"]

    for name in ("main", "restarts"):
        node.wait_for(f"{name} is resized", 120,
                      lambda: limits(name) == {"cpu": "200m", "memory": "96Mi"})
        shown = space.kubectl("exec", "sized", "-c", name, "--", "sh", "-c",
                              "cd /sys/fs/cgroup; cat memory.max memory/memory.limit_in_bytes 2>/dev/null;"
                              " cat cpu.max cpu/cpu.cfs_quota_us 2>/dev/null; true")
        assert shown.split()[:2] == [str(96 << 20), "20000"], (name, shown)
    assert space.status("sized", "main")["restartCount"] == 0
    assert space.status("sized", "restarts")["restartCount"] == 1
    space.delete()


def debug(cluster):
    """kubectl debug joins a container's processes with an ephemeral container, and enters the node."""
    space = cluster.namespace("debug")
    space.start(pod("target", shell("trap 'exit 0' TERM; echo needle >/tmp/file; sleep 123456 & wait")))
    terminal = Terminal(cluster, space.command(
        "debug", "-it", "target", "--image", node.BUSYBOX, "--target", "main", "-c", "looks",
        "--profile", "sysadmin", "--", "sh"), 24, 80)
    try:
        # The prompt may come before the client is attached.
        terminal.type("\n")
        terminal.expect("#", 120)
        terminal.type("pgrep -f 'sleep 12345[6]' >/dev/null && echo se''en; cat /proc/1/root/tmp/file\n")
        terminal.expect("seen\r\nneedle")
        terminal.type("exit 5\n")
        terminal.process.wait(60)
    finally:
        terminal.close()
    ended = node.wait_for("the ephemeral container ended", 60, lambda: space.status(
        "target", "looks", "ephemeralContainerStatuses")["state"].get("terminated"))
    assert ended["exitCode"] == 5, ended
    assert space.status("target")["restartCount"] == 0

    terminal = Terminal(cluster, space.command("debug", "-it", f"node/{node.NODE_NAME}", "--image",
                                               node.BUSYBOX, "--", "sh"), 24, 80)
    try:
        terminal.type("\n")
        terminal.expect("#", 120)
        terminal.type("chroot /host hostname; test -d /host/etc && echo se''en\n")
        terminal.expect(node.NODE_NAME)
        terminal.expect("seen")
        terminal.type("exit\n")
        terminal.process.wait(60)
    finally:
        terminal.close()
    space.delete()


def images(cluster):
    """A missing image and a forbidden pull are named as such; pulls happen as the policy says."""
    space = cluster.namespace("images")
    missing = "registry.k8s.io/e2e-test-images/missing:1"
    space.apply(pod("missing", container(image=missing)),
                pod("never", container(image=missing, imagePullPolicy="Never")),
                pod("invalid", container(image="one:two:three")),
                pod("always", container(imagePullPolicy="Always")))
    space.ready("always")

    def waits(name, *reasons):
        return lambda: space.status(name)["state"]["waiting"]["reason"] in reasons

    node.wait_for("the missing image is named", 60, waits("missing", "ErrImagePull", "ImagePullBackOff"))
    node.wait_for("the forbidden pull is named", 60, waits("never", "ErrImageNeverPull"))
    node.wait_for("the invalid name is named", 60, waits("invalid", "InvalidImageName"))
    assert "Pulled" in space.events("always"), space.events("always")
    space.delete()


def top(cluster):
    """kubectl top shows pods and the node, by a metrics server that reads this kubelet."""
    space = cluster.namespace("top")
    address = {"addresses": [node.NODE_ADDRESS]}
    cluster.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics", "namespace": space.name},
         "spec": {"ports": [{"name": "https", "port": 443, "targetPort": 4443}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
         "metadata": {"name": "metrics", "namespace": space.name,
                      "labels": {"kubernetes.io/service-name": "metrics"}},
         "endpoints": [address], "ports": [{"name": "https", "port": 4443}]},
        {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
         "metadata": {"name": "v1beta1.metrics.k8s.io"},
         "spec": {"service": {"name": "metrics", "namespace": space.name}, "group": "metrics.k8s.io",
                  "version": "v1beta1", "insecureSkipTLSVerify": True, "groupPriorityMinimum": 100,
                  "versionPriority": 100}})
    space.start(pod("busy", shell("while true; do :; done", resources={"limits": {"cpu": "100m"}})))
    cluster.metrics_server.start(lambda: node.opener.open("https://127.0.0.1:4443/livez").status == 200)
    pods = node.wait_for("kubectl top shows the pod", 120,
                         lambda: space.kubectl("top", "pod", "--no-headers"))
    name, cpu, memory = pods.split()
    assert name == "busy" and cpu.endswith("m") and memory.endswith("Mi"), pods
    assert 20 <= int(cpu[:-1]) <= 200, pods
    assert node.NODE_NAME in space.kubectl("top", "node")
    # An API group without its server would keep namespaces from going away.
    space.kubectl("delete", "apiservice", "v1beta1.metrics.k8s.io")
    cluster.metrics_server.stop()

    def used():
        summary = cluster.get(f"/api/v1/nodes/{node.NODE_NAME}/proxy/stats/summary")
        stats = next(item for item in summary["pods"] if item["podRef"]["name"] == "busy")
        return (stats["memory"]["workingSetBytes"], stats["ephemeral-storage"]["usedBytes"],
                stats["containers"][0]["rootfs"]["usedBytes"])

    # Kubelet looks at a pod's cgroup at intervals of its own.
    node.wait_for("the summary has the pod's use of memory and disk", 60, lambda: min(used()) > 0)
    space.delete()
    return f"{cpu} of a 100m limit, {memory}"


def local_storage_eviction(cluster):
    """Pods that write more than their limit of local storage are evicted: layer and volume."""
    space = cluster.namespace("local-storage-eviction")
    # A pod whose containers end with 0 counts as succeeded, whoever ended it.
    write = "dd if=/dev/zero of={} bs=1M count=20 2>/dev/null; trap 'exit 1' TERM; sleep 1000000 & wait"
    space.apply(
        pod("layer", shell(write.format("/tmp/x"), resources={"limits": {"ephemeral-storage": "8Mi"}})),
        pod("volume", shell(write.format("/volume/x"), volumeMounts=[
            {"name": "volume", "mountPath": "/volume"}]),
            volumes=[{"name": "volume", "emptyDir": {"sizeLimit": "8Mi"}}]),
        pod("modest", container(resources={"limits": {"ephemeral-storage": "8Mi"}})))
    evicted(space, "layer", "volume")
    assert node.is_ready(space.pod("modest"))
    space.delete()


def evicted(space, *names):
    for name in names:
        node.wait_for(f"{name} is evicted", 150,
                      lambda: space.pod(name)["status"].get("reason") == "Evicted")


ALL = [local_storage_eviction, top, probes, debug, volumes, init_and_sidecars, jobs, mount_propagation,
       host_network_and_ports, dns_policies, hooks, resize, images]
