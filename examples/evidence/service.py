"""The calls of the service that the evidence needs. Unlike a trainer's client it never falls back: a run whose weights
did not come from the service is no evidence."""

import http.client
import json
import time
import urllib.parse


class Service:
    def __init__(self, address):
        parts = urllib.parse.urlsplit(address)
        self.connection = http.client.HTTPConnection(parts.netloc, timeout=120)

    def close(self):
        self.connection.close()

    def call(self, method, path, content=None, key=None):
        headers = {"Content-Type": "application/json"} if content is not None else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        body = None if content is None else json.dumps(content)
        for last in (False, True):
            try:
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                text = answer.read()
                break
            except (http.client.HTTPException, ConnectionError):
                self.connection.close()  # an idle connection may have been closed; a keyed batch is counted once
                if last:
                    raise
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text) if text else None

    def begin(self, run, configuration):
        """A new run; one of that name, left by an experiment that was cut off, is deleted."""
        try:
            self.call("DELETE", f"/v1/runs/{run}")
        except RuntimeError as error:
            if " 404 " not in str(error):
                raise
        return self.call("PUT", f"/v1/runs/{run}", configuration)["configuration"]

    def weigh(self, run, step, dialogues):
        return self.call(
            "POST", f"/v1/runs/{run}/observations", {"step": step, "dialogues": dialogues}, f"{run}/{step}"
        )

    def export(self, run):
        """All observations of a run, in the order in which they were recorded."""
        self.connection.request("GET", f"/v1/runs/{run}/observations", headers={"Accept": "application/x-ndjson"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"export of {run}: {answer.status} {text.decode(errors='replace')}")
        return [json.loads(line) for line in text.splitlines()]

    def knows(self, run):
        """Whether a run of that name has observations."""
        try:
            return self.call("GET", f"/v1/runs/{run}")["step"] is not None
        except RuntimeError as error:
            if " 404 " in str(error):
                return False
            raise

    def replay(self, run, request):
        """Asks for a replay and waits for its results, best first."""
        replay = self.call("POST", f"/v1/runs/{run}/replays", request)["replay"]
        while True:
            answer = self.call("GET", f"/v1/runs/{run}/replays/{replay}")
            if answer["state"] == "failed":
                raise RuntimeError(str(answer))
            if answer["state"] == "done":
                return answer["results"]
            time.sleep(0.2)
