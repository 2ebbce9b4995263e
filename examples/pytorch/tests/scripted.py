"""A service that misbehaves on purpose: a real HTTP server on a real socket, which answers batches by a script."""
import importlib.util
import json
import pathlib
import sys
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))


def skip(what, why):
    """Skips a module of tests, and says so where nobody can overlook it."""
    print(f"SKIPPED: {what}: {why}", file=sys.stderr)
    raise unittest.SkipTest(why)


def needs_torch(what):
    if importlib.util.find_spec("torch") is None:
        skip(what, f"{sys.executable} has no torch")


CONFIGURATION = {
    "weighting": {"function": "exponential", "threshold": 1.0, "sharpness": 2.0, "floor": 0.05}, "warmUp": 32,
    "maxTurns": 64, "maxLoss": 100.0, "halfLife": None, "lag": 0, "fold": "winsorized",
    "propagation": {"strength": 0.0, "decay": 0.5}, "normalization": "none", "shadow": False, "labels": {}}
TURNS = [{"turn": 0, "count": 1000, "seen": 1000, "mean": 2.0, "m2": 999.0 * 0.25, "standardDeviation": 0.5}]
STATISTICS = {"turns": TURNS, "reference": {"runMeanWeight": 0.8}}


def scores(body, weight=0.5):
    """What a service would answer: here one weight for all."""
    weights = [[None if loss is None else weight for loss in dialogue["losses"]] for dialogue in body["dialogues"]]
    return {"sequence": 2, "step": body.get("step"), "weights": weights, "summary": {"runMeanWeight": 0.8},
            "statistics": {"sequence": 2, "turns": TURNS}}


def problem(status, kind, **headers):
    """A script's line: that problem."""
    body = json.dumps({"type": f"urn:resure:problem:{kind}", "title": kind, "status": status, "detail": "as scripted"})
    return lambda handler, batch: handler.answer(status, body, "application/problem+json", **headers)


def fine(handler, batch):
    """A script's line: weights."""
    handler.answer(200, json.dumps(scores(batch)))


class ScriptedService:
    """Answers what the script's lines say, one a batch, then weights of 0.5; notes every request in order."""

    def __init__(self, *script, opening=None, configuration=None, port=0):
        self.script, self.requests, self.opening = list(script), [], opening
        self.changed = threading.Condition()
        self.released = threading.Event()  # what a line that holds its answer waits for
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def answer(self, status, text, kind="application/json", **headers):
                content = text.encode()
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": len(content), **headers}.items():
                    self.send_header(name.replace("_", "-"), str(value))
                self.end_headers()
                self.wfile.write(content)

            def handle_any(self):
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(text) if text else None
                with service.changed:
                    service.requests.append((self.command, self.path.partition("/v1/runs/")[2], self.headers, body))
                    batch = self.command == "POST" and "/observations" in self.path
                    line = service.script.pop(0) if batch and service.script else fine
                    service.changed.notify_all()
                try:
                    if batch:
                        line(self, body)
                    elif service.opening and self.command == "PUT":
                        service.opening(self, body)
                    elif self.command == "GET":
                        self.answer(200, json.dumps(STATISTICS))
                    else:
                        self.answer(200, json.dumps({"configuration": {**CONFIGURATION, **(configuration or {})}}))
                except OSError:
                    pass  # the client had gone

            do_GET = do_PUT = do_POST = handle_any

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", port), Handler)
        self.server.service = self
        self.port = self.server.server_port
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def batches(self):
        return [(headers, body) for method, path, headers, body in self.requests if "/observations" in path]

    def wait_for(self, condition, timeout=20):
        with self.changed:
            assert self.changed.wait_for(condition, timeout), self.requests

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


def held(handler, batch):
    """A script's line: no first byte until the service is released; then weights."""
    service_of(handler).released.wait(30)
    fine(handler, batch)


def held_body(handler, batch):
    """A script's line: the head and half of the body, the rest when the service is released."""
    content = json.dumps(scores(batch)).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[:len(content) // 2])
    handler.wfile.flush()
    service_of(handler).released.wait(30)
    handler.wfile.write(content[len(content) // 2:])


def cut(handler, batch):
    """A script's line: half of the body, then the connection ends."""
    content = json.dumps(scores(batch)).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[:len(content) // 2])
    handler.close_connection = True


def text(content, kind="application/json", status=200, **headers):
    """A script's line: that text."""
    return lambda handler, batch: handler.answer(status, content, kind, **headers)


def service_of(handler):
    return handler.server.service
