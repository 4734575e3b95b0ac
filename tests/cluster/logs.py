"""kubectl logs."""

import glob
import os
import subprocess
import threading

import node
from cluster import pod, shell

LINES = 60000
BATCH = 1000


def logs_follow(cluster):
    """kubectl logs -f shows every line once while kubelet rotates and compresses the log under it."""
    space = cluster.namespace("logs-follow")
    # Some 10 MiB in 15 seconds, faster than the kubelet looks. The writer waits while more than two
    # batches are unread: a kubelet that is a whole rotation behind passes over what is between.
    seen = os.path.join(node.STATE, "seen-lines")
    os.mkdir(seen)
    space.start(pod("writer", shell(
        f"awk 'BEGIN {{ for (i = 1; i <= {LINES}; i++) {{ printf \"%06d %0160d\\n\", i, 0;"
        f" if (i % {BATCH} == 0) system(\"sleep 0.25; until test -e /seen/\" (i - {BATCH})"
        " \"; do sleep 0.05; done\") } }'; echo end; trap 'exit 0' TERM; sleep 1000000 & wait",
        volumeMounts=[{"name": "seen", "mountPath": "/seen"}]),
        volumes=[{"name": "seen", "hostPath": {"path": seen}}]))

    def note(number):
        with open(os.path.join(seen, str(number)), "w"):
            pass

    note(0)
    # Through the API server, and from the kubelet's own endpoint.
    command = space.command("logs", "-f", "writer")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=cluster.environment()) as follow:
        deadline = threading.Timer(150, follow.terminate)
        deadline.start()
        numbers = []
        for line in follow.stdout:
            if line == "end\n":
                break
            assert len(line) == 168, line
            numbers.append(int(line[:6]))
            if numbers[-1] % BATCH == 0:
                note(numbers[-1])
        deadline.cancel()
        follow.terminate()
    missing = sorted(set(range(1, LINES + 1)) - set(numbers))
    assert not missing, f"{len(missing)} lines are missing, from {missing[0]}"
    assert numbers == list(range(1, LINES + 1)), "lines are doubled or out of order"
    uid = space.pod("writer")["metadata"]["uid"]
    folder = f"/var/log/pods/{space.name}_writer_{uid}/main"
    node.wait_for("rotated logs are compressed", 60, lambda: glob.glob(f"{folder}/0.log.*.gz"))
    rotated = glob.glob(f"{folder}/0.log.*")
    space.delete()
    return f"{len(rotated)} rotated files kept"


def logs_options(cluster):
    """kubectl logs knows time stamps, tails, the container before a restart, and several containers."""
    space = cluster.namespace("logs-options")
    space.start(pod("talker", shell("for i in 1 2 3 4 5; do echo line $i; done; trap 'exit 0' TERM;"
                                    " sleep 1000000 & wait"),
                    shell("echo others; trap 'exit 0' TERM; sleep 1000000 & wait", name="other")),
                pod("dies", shell("if [ -f /keep/x ]; then trap 'exit 0' TERM; sleep 1000000 & wait; fi;"
                                  " echo last words >&2; touch /keep/x; exit 1",
                                  volumeMounts=[{"name": "keep", "mountPath": "/keep"}]),
                    volumes=[{"name": "keep", "emptyDir": {}}]))

    def logs(*options):
        return space.kubectl("logs", *options)

    assert logs("talker", "-c", "main") == "".join(f"line {i}\n" for i in range(1, 6))
    assert logs("talker", "-c", "main", "--tail", "2") == "line 4\nline 5\n"
    assert logs("talker", "-c", "main", "--limit-bytes", "6") == "line 1"
    assert logs("talker", "-c", "other") == "others\n"
    assert "[pod/talker/main] line 1" in logs("talker", "--all-containers", "--prefix")
    stamp, text = logs("talker", "-c", "main", "--timestamps", "--tail", "1").split(" ", 1)
    assert text == "line 5\n" and stamp.startswith("20") and "T" in stamp, stamp
    assert logs("talker", "-c", "main", "--since-time", stamp).endswith("line 5\n")
    node.wait_for("the container is restarted", 60, lambda: space.status("dies")["restartCount"] == 1)
    space.ready("dies")
    assert logs("dies", "--previous") == "last words\n"
    space.delete()


ALL = [logs_follow, logs_options]
