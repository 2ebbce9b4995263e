"""ReSURE weights for a training loop: the client. Copy it with turns.py; needs Python 3.8, nothing else.

    run = Run("http://127.0.0.1:8080", "sft-42", {"warmUp": 64}, attempt="job-7731")   # the same attempt on all ranks
    run.rewind(first_step)              # at every start: forgets that step and later ones, fences off older attempts
    weights = run.weigh(step, [{"id": "d-17", "losses": [2.31, None, 3.02]}])          # dialogues as in the contract

`weigh` returns within its deadline, whatever the service does: its weights, or else (in mode "local": at once) those by
the newest statistics known, or else 1. One thread delivers every batch in order, once, when it can; `counts` tells."""
import collections, hashlib, http.client, json, logging, random, re, threading, urllib.parse
from turns import checked, divisor, weigh_locally


class Request:
    """What waits to be sent. A batch that the trainer gave up waiting for has its weights in `data`, not in `bare`."""
    answer = error = applied = bare = None
    def __init__(self, method, path, body=None, key=None):
        self.method, self.path, self.body, self.key = method, path, body, {"Idempotency-Key": key} if key else {}
        self.data = None if body is None else json.dumps(body).encode()


class Run:
    """One run of the service, as one rank of one attempt. Opening it raises ValueError where the service refuses it."""
    def __init__(self, address, name, configuration=None, mode="remote", rank=0, attempt=None, token=None,
                 deadline=1.0, bound=1000):
        url = urllib.parse.urlsplit(address)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self._http = kind(url.netloc, timeout=max(5.0, deadline))
        self._path = f"{url.path.rstrip('/')}/v1/runs/{name}"
        self._headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        self.name, self.mode, self.rank, self.deadline, self.bound = name, mode, rank, deadline, bound
        self._attempt = {"attempt": attempt} if attempt else {}
        self.configuration, self._turns, self._run_mean = {}, None, 1.0  # as the service last told
        self.mean_weight = 1.0  # the run's, at the last `weigh`: divide the weighted loss by items times this
        self.counts, self.applied = collections.Counter(), collections.deque(maxlen=100_000)  # for turns.report
        self.stopped, self._failures = None, 0  # why nothing is posted any more; failed deliveries in a row
        self._queue, self._changed = collections.deque(), threading.Condition()  # the first is being sent
        threading.Thread(target=self._send, name="resure", daemon=True).start()
        self._ask(Request("PUT", "", configuration or {}))

    def rewind(self, next_step):
        """Forgets the batches of that step and later, here and there. False: the service is away, it will be done."""
        with self._changed:
            self._drop([request for request in self._queue if request.method != "PUT"])
            self._turns, self._run_mean = None, 1.0
        return self._ask(Request("POST", "/rewind", {"nextStep": next_step, **self._attempt})).answer is not None

    def weigh(self, step, dialogues, micro_batch=0):
        """A weight for each loss, in their shape: 0 for an unusable loss (leave it out by selection), None for None."""
        key = f"{self.name}/{self._attempt.get('attempt', '-')}/{step}/{self.rank}/{micro_batch}"
        key = key if re.fullmatch("[!-~]{1,255}", key) else hashlib.sha256(key.encode()).hexdigest()
        body = {"step": step, "rank": self.rank, "microBatch": micro_batch, **self._attempt, "dialogues": dialogues}
        request = Request("POST", "/observations?include=statistics", body, key)
        with self._changed:
            waits = self.mode == "remote" and not self._failures and not self.stopped and len(self._queue) < 2
            if waits:
                self._enqueue(request)
                self._changed.wait_for(lambda: request.answer or request.error, self.deadline)
            if request.answer:
                weights, mean = request.answer["weights"], request.answer["summary"]["runMeanWeight"]
            else:
                weights = request.applied = weigh_locally(self.configuration, self._turns, self._run_mean, dialogues)
                kind, mean = ("one", 1.0) if self._turns is None else ("local", self._run_mean)
                if self.mode == "remote" or kind == "one":
                    reason = "unavailable" if not waits or self._failures else "refused" if request.error else "timeout"
                    self.counts[f"fallback/{kind}/{self.stopped or reason}"] += 1
                    self._failures += reason == "timeout"  # the next call does not wait in vain for the same
                request.bare = request.data if waits else None  # None: it never left without its weights
                rows = [{**dialogue, "weights": row} for dialogue, row in zip(dialogues, weights)]
                request.data = json.dumps({**body, "dialogues": rows}).encode()
                if not waits:
                    self._enqueue(request)
            self.mean_weight = divisor(self.configuration, mean)
            self.applied += [weight for row in weights for weight in row if weight]
            return weights

    def close(self, timeout=30.0, finish=False):
        """Delivers what waits, for at most `timeout` seconds, and drops the rest; `finish` ends the run there, too."""
        with self._changed:
            if finish:
                self._enqueue(Request("POST", "/finish"))
            self._changed.wait_for(lambda: not self._queue, timeout)
            self._drop(list(self._queue), "closed")

    def _ask(self, request):
        with self._changed:
            self._enqueue(request)
            self._enqueue(Request("GET", "/statistics"))
            self._changed.wait_for(lambda: self._turns is not None or request.error, self._http.timeout)
        if request.error:
            raise ValueError(request.error)
        return request

    def _enqueue(self, request):
        if len(self._queue) >= self.bound:
            self._drop([waiting for waiting in self._queue if waiting.key and waiting is not self._queue[0]][:1])
        request.error = self.stopped
        self._queue.extend([] if self.stopped else [request])
        self._changed.notify_all()

    def _drop(self, requests, stopped=None):
        self.stopped = self.stopped or stopped
        for request in requests:
            self._queue.remove(request)
            request.error = "dropped"
            self.counts["dropped"] += bool(request.key)
        self._changed.notify_all()

    def _send(self):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self.stopped)
                if self.stopped:
                    return self._http.close()
                request, data, answer, error, pause = self._queue[0], self._queue[0].data, None, None, 0.0
            try:
                self._http.request(request.method, self._path + request.path, data, {**self._headers, **request.key})
                response = self._http.getresponse()
                text = response.read().decode()
                if response.status in (200, 201):
                    answer = checked(json.loads(text), request.path, (request.body or {}).get("dialogues"))
                elif 400 <= response.status < 500 and response.status != 429:
                    error = f"{response.status} {text[:500]}"
                else:
                    pause = min(3600, int(response.getheader("Retry-After") or 0))
            except (OSError, http.client.HTTPException, ValueError):  # cut, late, or garbage: the same is sent again
                self._http.close()
            with self._changed:
                self._failures = 0 if answer or error else self._failures + 1
                if self._failures:
                    jitter = random.uniform(0, min(5.0, 0.1 * 2 ** min(self._failures, 9)))
                    self._changed.wait_for(lambda: self.stopped, max(pause, jitter))
                elif self._queue and self._queue[0] is request:  # else it was dropped meanwhile
                    self._queue.popleft()
                    self._settle(request, data, answer, error)

    def _settle(self, request, data, answer, error):
        changed = answer and request.key and answer["weights"] != request.applied  # those are recorded, if sent bare
        otherwise = request.bare and (changed if data is request.bare else "key-reused" in str(error))
        self.counts["delivered" if answer or otherwise else "refused"] += bool(request.key)
        self.counts["recordedOtherwise"] += bool(otherwise)
        if answer:
            request.answer, self.configuration = answer, answer.get("configuration", self.configuration)
            self._turns = (answer.get("statistics") or answer).get("turns", self._turns)
            self._run_mean = answer.get("summary", answer.get("reference", {})).get("runMeanWeight", self._run_mean)
        elif not otherwise:
            request.error = error
            logging.getLogger("resure").warning("refused: %s %s: %s", request.method, request.path, error)
            if request.method == "PUT" or "stale-attempt" in error:
                self._drop(list(self._queue), "stopped")
        self._changed.notify_all()
