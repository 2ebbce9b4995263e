"""The packaged service in a child process, for the tests that need it."""

import http.client
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


class Packaged:
    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="resure-evidence-")
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.port, self.management = (one.getsockname()[1] for one in sockets)
        for one in sockets:
            one.close()
        self.log = pathlib.Path(self.directory, "log")
        arguments = [
            f"--server.port={self.port}",
            f"--management.server.port={self.management}",
            f"--resure.state.directory={self.directory}/state",
        ]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [JAVA, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", JAR, *arguments],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if not name.startswith("RESURE_")},
            )
        deadline, pause = time.monotonic() + 90, threading.Event()
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-4000:]
                self.__exit__()
                raise AssertionError("the service did not start:\n" + said)
            pause.wait(0.05)
        return f"http://127.0.0.1:{self.port}"

    def ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.management, timeout=10)
        try:
            connection.request("GET", "/actuator/health/readiness")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
