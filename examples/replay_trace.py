#!/usr/bin/env python3
"""Posts a recorded trace of real per-turn losses to a running service, step by step, as a trainer would,
and shows what the weights say. Python's standard library only.

    python3 examples/replay_trace.py [--address http://127.0.0.1:8080] [--run NAME] [--configuration JSON] [--pace SECONDS] [TRACE]
"""
import argparse
import gzip
import http.client
import itertools
import json
import math
import pathlib
import sys
import time
import urllib.parse


def steps(path):
    """The trace as (step, dialogues): rows of one step and dialogue become one list of losses by turn."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        rows = map(json.loads, lines)
        for step, of_step in itertools.groupby(rows, key=lambda row: row["step"]):
            dialogues = {}
            for row in of_step:
                dialogues.setdefault(row["dialogue"], []).append(row)
            yield step, list(dialogues.items())


def body(step, dialogues):
    """The body of one POST; a turn that the trace skips is null: it has no supervision."""
    sent = []
    for identity, rows in dialogues:
        losses = [None] * (max(row["turn"] for row in rows) + 1)
        for row in rows:
            losses[row["turn"]] = row["loss"]
        sent.append({"id": identity, "source": rows[0]["source"], "losses": losses})
    return {"step": step, "rank": 0, "microBatch": 0, "dialogues": sent}


class Service:
    """One kept connection to the service."""

    def __init__(self, address):
        parts = urllib.parse.urlsplit(address)
        connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.connection = connect(parts.netloc, timeout=30)
        self.address = address

    def call(self, method, path, content=None, key=None):
        headers = {"Accept": "application/json, application/problem+json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key  # a second run of this script counts nothing twice
        try:
            self.connection.request(method, path, None if content is None else json.dumps(content), headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except OSError as error:
            sys.exit(f"\nNo service at {self.address} ({error}). Start it first: README.md has the command.")
        if answer.status >= 400:
            sys.exit(f"\n{method} {path} was answered {answer.status}: {text.decode(errors='replace')}")
        return json.loads(text)


def auroc(scores, labels):
    """Probability that a corrupted turn scores above a clean one, ties counting half (Mann-Whitney)."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    rank_sum, positives, i = 0.0, sum(labels), 0
    while i < len(order):
        j = i
        while j < len(order) and scores[order[j]] == scores[order[i]]:
            j += 1
        rank_sum += (i + j + 1) / 2 * sum(labels[k] for k in order[i:j])
        i = j
    negatives = len(scores) - positives
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives) if positives * negatives else math.nan


def progress(done, total, mean_weight):
    filled = 40 * done // total
    bar = "#" * filled + "." * (40 - filled)
    end = "\n" if done == total else ""
    print(f"\r[{bar}] step {done}/{total}  mean weight {mean_weight:.3f}", end=end, file=sys.stderr, flush=True)


def show(statistics, weights, corrupted):
    print(f"\n{'turn':>4} {'observations':>12} {'mean':>8} {'sd':>8} {'mean weight':>12}")
    for turn in statistics["turns"]:
        mean, sd, weight = (
            "-" if turn[name] is None else f"{turn[name]:.3f}" for name in ("mean", "standardDeviation", "meanWeight")
        )
        print(f"{turn['turn']:>4} {turn['seen']:>12} {mean:>8} {sd:>8} {weight:>12}")
    for name, wanted in (("clean", 0), ("corrupted", 1)):
        chosen = [weight for weight, label in zip(weights, corrupted) if label == wanted]
        if chosen:
            print(f"mean weight of {len(chosen):>6} {name + ' turns:':<16} {sum(chosen) / len(chosen):.4f}")
    print(f"AUROC of (1 - weight):              {auroc([1 - weight for weight in weights], corrupted):.4f}")


def main():
    options = argparse.ArgumentParser(description="Replay a recorded trace of per-turn losses.")
    options.add_argument("trace", nargs="?", type=pathlib.Path,
                         default=pathlib.Path(__file__).with_name("trace-11.jsonl.gz"))
    options.add_argument("--address", default="http://127.0.0.1:8080")
    options.add_argument("--run", default="trace-11")
    options.add_argument("--configuration", type=json.loads, default={}, help="as in PUT /v1/runs/{run}")
    options.add_argument("--pace", type=float, default=0.0, help="seconds from step to step, to watch it: 0.25, say")
    given = options.parse_args()

    service = Service(given.address)
    run = f"/v1/runs/{urllib.parse.quote(given.run, safe='')}"
    service.call("PUT", run, given.configuration)
    all_steps = list(steps(given.trace))
    weights, corrupted = [], []
    for done, (step, dialogues) in enumerate(all_steps, 1):
        answer = service.call("POST", run + "/observations", body(step, dialogues), key=f"{given.run}/{step}/0/0")
        for (_, rows), of_dialogue in zip(dialogues, answer["weights"]):
            for row in rows:
                weights.append(of_dialogue[row["turn"]])
                corrupted.append(row.get("corrupted", 0))
        progress(done, len(all_steps), answer["summary"]["meanWeight"] or 0.0)
        time.sleep(given.pace)
    show(service.call("GET", run + "/statistics"), weights, corrupted)


if __name__ == "__main__":
    main()
