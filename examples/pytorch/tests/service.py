"""The packaged service in a child process, which can be killed and started again on the same state and ports."""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

JAR, JAVA = os.environ.get("RESURE_JAR"), os.environ.get("RESURE_JAVA", "java")
MISSING = None if JAR and pathlib.Path(JAR).is_file() else "no service to test against: RESURE_JAR names no file"


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def get(port, path):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


class Service:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="resure-pytorch-")
        self.port, self.management = free_ports(2)
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [JAVA, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", JAR, f"--server.port={self.port}",
                 f"--management.server.port={self.management}", f"--resure.state.directory={self.directory}/state"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if not name.startswith("RESURE_")})
        deadline, pause = time.monotonic() + 90, threading.Event()
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the service did not start:\n" + self.log())
            pause.wait(0.05)

    def ready(self):
        try:
            return get(self.management, "/actuator/health/readiness")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def get(self, path):
        status, text = get(self.port, "/v1/runs/" + path)
        if status != 200:
            raise AssertionError(f"{status} {text}")
        return text

    def run(self, run):
        return json.loads(self.get(run))

    def batches(self, run):
        """What is recorded: by (step, rank, micro-batch) the set of sequences and the rows in order."""
        batches = {}
        for line in self.get(run + "/observations").splitlines():
            row = json.loads(line)
            sequences, rows = batches.setdefault((row["step"], row["rank"], row["microBatch"]), (set(), []))
            sequences.add(row["sequence"])
            rows.append((row["dialogue"], row["turn"], row["loss"], row["weight"]))
        return batches

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]

    def close(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
