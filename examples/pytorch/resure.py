"""ReSURE weights for a training loop: the client. Copy this file and turns.py; Python 3.8 or newer, nothing to install.

    run = Run("http://127.0.0.1:8080", "sft-42", {"warmUp": 64}, attempt="job-7731")  # the same attempt on all ranks
    run.rewind(first_step)                   # at every start: forgets that step and later ones, fences off older attempts
    weights = run.weigh(step, [{"id": "d-17", "losses": [2.31, None, 3.02]}])         # dialogues as in the contract
    run.close(finish=True)

`weigh` returns within its deadline, whatever the service does: its weights, or else (in mode "local": at once) those by
the newest statistics known, or else 1. One thread delivers every batch in order, once, when it can; `counts` tells.
"""
import collections, hashlib, http.client, json, logging, random, re, threading, urllib.parse, uuid

from turns import fits, weigh_locally

LOG = logging.getLogger("resure")


class Request:
    """What waits for the sender. Of a batch, `applied` are the weights that the trainer went on with, where its own."""
    answer = error = applied = None

    def __init__(self, method, path, body=None, key=None):
        self.method, self.path, self.key, self.body = method, path, key, body
        self.data = self.bare = None if body is None else json.dumps(body).encode()


class Run:
    """One run of the service, as one rank of one attempt. Opening it raises ValueError if the service refuses the run."""

    def __init__(self, address, name, configuration=None, mode="remote", rank=0, attempt=None, token=None, deadline=1.0,
                 bound=1000):
        url = urllib.parse.urlsplit(address)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(url.netloc, timeout=max(5.0, deadline))
        self._path = f"{url.path.rstrip('/')}/v1/runs/{name}"
        self._headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        self.name, self.mode, self.deadline, self.bound = name, mode, deadline, bound
        self._who = {"rank": rank, **({"attempt": attempt} if attempt else {})}
        self.counts = collections.Counter()  # delivered, recordedOtherwise, refused, dropped, fallback/KIND/REASON
        self.stopped = None  # why nothing is posted any more
        self.mean_weight = 1.0  # of the run, when it last weighed: divide the weighted loss by items times this
        self.configuration, self._turns, self._run_mean = {}, None, 1.0  # as the service last told
        self._queue, self._changed = collections.deque(), threading.Condition()  # the first is being sent
        self._away = self._closed = False
        threading.Thread(target=self._send, name="resure", daemon=True).start()
        error = self._ask(Request("PUT", "", configuration or {})).error
        if error:
            self.close(0)
            raise ValueError(error)

    def rewind(self, next_step):
        """Forgets the batches of that step and later, here and there. False: the service is away, it will be done."""
        with self._changed:
            self._drop([request for request in self._queue if request.method != "PUT"])
            self._turns, self._run_mean = None, 1.0
        attempt = {name: value for name, value in self._who.items() if name == "attempt"}
        return self._ask(Request("POST", "/rewind", {"nextStep": next_step, **attempt})).answer is not None

    def weigh(self, step, dialogues, micro_batch=0):
        """A weight for each loss, in their shape: 0 for an unusable loss (leave it out by selection), None for None."""
        key = f"{self.name}/{self._who.get('attempt', '-')}/{step}/{self._who['rank']}/{micro_batch}"
        key = key if re.fullmatch("[!-~]{1,255}", key) else hashlib.sha256(key.encode()).hexdigest()
        stepped = {} if step is None else {"step": step}
        request = Request("POST", "/observations", {**stepped, **self._who, "microBatch": micro_batch, "dialogues": dialogues},
                          uuid.uuid4().hex if step is None else key)
        with self._changed:
            reason = self.stopped or ("unavailable" if self._away else None)
            waits = self.mode == "remote" and not reason
            if waits:
                self._enqueue(request)
                self._changed.wait_for(lambda: request.answer or request.error, self.deadline)
                if request.answer:
                    return self._apply(request.answer["weights"], request.answer["summary"]["runMeanWeight"])
                reason = self.stopped or ("refused" if request.error else "unavailable" if self._away else "timeout")
                self._away = True  # until the service answers, the next calls do not wait for it again
            kind = "one" if self._turns is None else "local"
            if self.mode == "remote" or kind == "one":
                self.counts[f"fallback/{kind}/{reason or 'unavailable'}"] += 1
            request.applied = weigh_locally(self.configuration, self._turns, self._run_mean, dialogues)
            request.body["dialogues"] = [{**d, "weights": row} for d, row in zip(dialogues, request.applied)]
            request.data = json.dumps(request.body).encode()
            if not waits:
                request.bare = None  # it never leaves without its weights
                self._enqueue(request)
            return self._apply(request.applied, self._run_mean if kind == "local" else 1.0)

    def close(self, timeout=30.0, finish=False):
        """Delivers what waits, for at most `timeout` seconds, and drops the rest; `finish` ends the run there, too."""
        with self._changed:
            if finish:
                self._enqueue(Request("POST", "/finish"))
            self._changed.wait_for(lambda: not self._queue, timeout)
            self._stop("closed")
            self._closed = True

    # What follows is called with the lock held; _send and _exchange are the sender's and are called without.

    def _apply(self, weights, run_mean):
        plain = self.configuration.get("normalization") == "none" and not self.configuration["shadow"]
        self.mean_weight = run_mean if plain else 1.0
        return weights

    def _enqueue(self, request):
        if not self.stopped:
            if len(self._queue) >= self.bound:
                self._drop([waiting for waiting in self._queue if waiting.key and waiting is not self._queue[0]][:1])
            self._queue.append(request)
            self._changed.notify_all()

    def _ask(self, request):
        with self._changed:
            self._enqueue(request)
            self._enqueue(statistics := Request("GET", "/statistics"))
            self._changed.wait_for(lambda: statistics.answer or request.error, self._connection.timeout)
        return request

    def _drop(self, requests):
        for request in requests:
            self._queue.remove(request)
            request.error = request.error or "dropped"
            self.counts["dropped"] += request.key is not None
        self._changed.notify_all()

    def _stop(self, reason):
        self.stopped = self.stopped or reason
        self._drop(list(self._queue))

    def _send(self):
        failures = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    return self._connection.close()
                request, data = self._queue[0], self._queue[0].data
            answer, error, pause = self._exchange(request, data)
            with self._changed:
                failures = 0 if answer or error else failures + 1
                self._away = failures > 0
                if failures:
                    jitter = random.uniform(0, min(5.0, 0.1 * 2 ** min(failures, 9)))
                    self._changed.wait_for(lambda: self._closed, max(pause, jitter))
                elif self._queue and self._queue[0] is request:  # else it was dropped meanwhile
                    self._queue.popleft()
                    self._settle(request, data is request.bare, answer, error)
                    self._changed.notify_all()

    def _exchange(self, request, data):
        """One attempt: (the answer, the refusal, the least number of seconds before the next attempt)."""
        pause = 0.0
        try:
            headers = {**self._headers, **({"Idempotency-Key": request.key} if request.key else {})}
            self._connection.request(request.method, self._path + request.path, data, headers)
            response = self._connection.getresponse()
            text = response.read().decode()
            if response.status in (200, 201):
                answer = json.loads(text)
                if isinstance(answer, dict) and (not request.key or fits(answer["weights"], request.body["dialogues"])):
                    return answer, None, pause
            if 400 <= response.status < 500 and response.status != 429:
                return None, f"{response.status} {text[:500]}", pause
            pause = float(response.getheader("Retry-After") or 0)
            LOG.info("the service answered %d to %s %s", response.status, request.method, request.path)
        except (OSError, http.client.HTTPException, ValueError, TypeError, LookupError) as failure:
            LOG.info("no answer to %s %s: %r", request.method, request.path, failure)
        self._connection.close()
        return None, None, pause

    def _settle(self, request, bare, answer, error):
        late = request.applied is not None and request.bare is not None  # it may have been recorded without its weights
        otherwise = late and (bare and answer and answer["weights"] != request.applied or "key-reused" in (error or ""))
        if request.key:
            self.counts["delivered" if answer or otherwise else "refused"] += 1
            self.counts["recordedOtherwise"] += bool(otherwise)
        if answer:
            request.answer = answer
            self.configuration = answer.get("configuration", self.configuration)
            self._turns = answer.get("statistics", answer).get("turns", self._turns)
            self._run_mean = answer.get("summary", answer.get("reference", {})).get("runMeanWeight", self._run_mean)
            if request.key and not self._queue:
                self._queue.append(Request("GET", "/statistics"))
        elif not otherwise:
            request.error = error
            LOG.warning("refused: %s %s: %s", request.method, request.path, error)
            if request.method == "PUT" or "stale-attempt" in error:
                self._stop("stopped")
