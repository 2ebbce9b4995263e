#!/usr/bin/env python3
"""A second implementation of the service's arithmetic, for tests: exact where the service rounds.

It holds a whole run as lists of the accepted batches and computes everything in decimals of 60 digits, with none of
the service's code or order of arithmetic. Run without arguments it rewrites the golden vectors beside it
(`weighing.json`, `runs.json`); the README there describes their format. Standard library only.
"""

import copy
import gzip
import json
import math
import os
import random
import struct
import sys
from decimal import Decimal, getcontext

getcontext().prec = 60
ZERO, ONE = Decimal(0), Decimal(1)

DEFAULTS = {
    "weighting": {"function": "clip", "threshold": 0.0, "sharpness": 2.0, "floor": 0.05},
    "warmUp": 32, "maxTurns": 64, "maxLoss": 100.0, "halfLife": None, "lag": 0, "fold": "winsorized",
    "propagation": {"strength": 0.0, "decay": 0.5}, "normalization": "none", "shadow": False,
}


def complete(configuration):
    """The configuration with the defaults filled in, as decimals where it is arithmetic."""
    whole = copy.deepcopy(DEFAULTS)
    for name, value in configuration.items():
        if isinstance(value, dict) and name in whole:
            whole[name].update(value)
        else:
            whole[name] = value
    weighting = configuration.get("weighting", {})
    if "threshold" not in weighting and weighting.get("function", "clip") != "clip":
        whole["weighting"]["threshold"] = 1.0
    return whole


class Triple:
    """Moments of one slot: n and M2 are aged, seen never is."""

    def __init__(self, n=ZERO, mean=ZERO, m2=ZERO, seen=0):
        self.n, self.mean, self.m2, self.seen = n, mean, m2, seen

    @staticmethod
    def of(values):
        n = Decimal(len(values))
        mean = sum(values, ZERO) / n
        return Triple(n, mean, sum(((x - mean) ** 2 for x in values), ZERO), len(values))

    def age(self, factor):
        self.n *= factor
        self.m2 *= factor

    def add(self, other):
        n = self.n + other.n
        d = other.mean - self.mean
        self.m2 += other.m2 + d * d * self.n * other.n / n
        self.mean += d * other.n / n
        self.n = n
        self.seen += other.seen

    def sd(self):
        return (self.m2 / (self.n - 1)).sqrt() if self.n > 1 else None


class Tally:
    """Weights before normalization, over observations; never aged."""

    def __init__(self):
        self.observations = self.usable = self.unusable = 0
        self.sum = self.squares = ZERO

    def add(self, weight):
        """weight is None for an unusable loss"""
        self.observations += 1
        if weight is None:
            self.unusable += 1
        else:
            self.usable += 1
            self.sum += weight
            self.squares += weight * weight

    def mean(self):
        return self.sum / self.usable if self.usable else None

    def effective(self):
        return self.sum ** 2 / self.squares if self.squares else ZERO

    def ratio(self):
        return self.effective() / self.usable if self.usable else None


class Fold:
    """Everything folded so far."""

    def __init__(self):
        self.triples = {}
        self.tallies = {}
        self.sources = {}
        self.all = Tally()
        self.token_weights = ZERO
        self.tokens = 0

    def run_mean(self):
        return self.token_weights / self.tokens if self.tokens else ONE

    def add_step(self, batches, half_life):
        """Folds the accepted batches of one step."""
        values = {}
        for batch in batches:
            for o in batch["folded"]:
                if o["x"] is not None:
                    values.setdefault(o["slot"], []).append(o["x"])
                    self.token_weights += o["weight"] * o["tokens"]
                    self.tokens += o["tokens"]
                self.tallies.setdefault(o["slot"], Tally()).add(o["weight"])
                self.sources.setdefault(o["source"], Tally()).add(o["weight"])
                self.all.add(o["weight"])
        for slot, xs in values.items():
            triple = self.triples.setdefault(slot, Triple())
            if half_life is not None:
                triple.age(Decimal(2) ** (-Decimal(len(xs)) / half_life))
            triple.add(Triple.of(xs))


class Weigher:
    """One run's configuration applied to triples."""

    def __init__(self, configuration):
        c = complete(configuration)
        w = c["weighting"]
        self.function = w["function"]
        self.threshold, self.sharpness, self.floor = (Decimal(w[k]) for k in ("threshold", "sharpness", "floor"))
        self.warm_up, self.max_turns = c["warmUp"], c["maxTurns"]
        self.max_loss = Decimal(c["maxLoss"])
        self.strength, self.decay = Decimal(c["propagation"]["strength"]), Decimal(c["propagation"]["decay"])

    def slot(self, turn):
        return min(turn, self.max_turns - 1)

    def usable(self, loss):
        return math.isfinite(loss) and abs(Decimal(loss)) <= self.max_loss

    def warming_up(self, triple):
        if triple is None or triple.seen < self.warm_up or triple.n <= 1:
            return True
        return triple.sd() <= Decimal("1e-6") * max(ONE, abs(triple.mean))

    def value(self, x, triple):
        """The weight before propagation."""
        mean, sd = triple.mean, triple.sd()
        z = (x - mean) / sd
        if z <= self.threshold:
            return ONE
        e = z - self.threshold
        se = self.sharpness * e
        if self.function == "exponential":
            f = (-se).exp()
        elif self.function == "gaussian":
            f = (-(se * se) / 2).exp()
        elif self.function == "cauchy":
            f = 1 / (1 + se * se)
        elif self.function == "sigmoid":
            f = 2 / (1 + se.exp())
        elif self.function == "clip":
            c = mean + self.threshold * sd
            f = c / x if c > 0 else ZERO
        elif self.function == "hard":
            f = ZERO
        elif self.function == "uniform":
            f = ONE
        else:
            raise ValueError(self.function)
        return max(self.floor, f)

    def condition(self, x, triple):
        sd = triple.sd()
        return (1 + abs(triple.mean) / sd) * (1 + self.sharpness * abs(x - triple.mean) / sd)

    def weigh(self, first_turn, losses, triples):
        """Per loss (weight, condition, in warm-up): weight is None for null, 'unusable' for those."""
        answer = []
        before = []  # (turn, weight before propagation, condition) of the earlier turns
        for i, loss in enumerate(losses):
            turn = first_turn + i
            if loss is None:
                answer.append((None, ONE, False))
                continue
            if not self.usable(loss):
                answer.append(("unusable", ONE, False))
                continue
            x, triple = Decimal(loss), triples.get(self.slot(turn))
            warming_up = self.warming_up(triple)
            v = ONE if warming_up else self.value(x, triple)
            condition = ONE if warming_up else self.condition(x, triple)
            weight, total = v, condition
            if self.strength > 0:
                product = ONE
                for s, u, k in before:
                    power = self.decay ** (turn - s) if self.decay else ZERO
                    product *= u ** power if power else ONE
                    total += self.strength * power * k
                weight = max(self.floor, v * product ** self.strength)
            before.append((turn, v, condition))
            if weight < 1:
                assert weight < 1 - Decimal("1e-10"), "too close to 1 to count as down-weighted in doubles"
            answer.append((weight, total, warming_up))
        return answer


class Refused(Exception):
    def __init__(self, status):
        super().__init__(status)
        self.status = status


class Run:
    """One run, from creation on. Every accepted change takes the next sequence; creation takes 1."""

    def __init__(self, configuration):
        self.configuration = complete(configuration)
        self.weigher = Weigher(configuration)
        self.lag = self.configuration["lag"]
        half_life = self.configuration["halfLife"]
        self.half_life = None if half_life is None else Decimal(half_life)
        self.sequence = 1
        self.attempt = None
        self.attempts = set()
        self.rewound = {}
        self.finished = False
        self.condition = ONE
        self.accepted = []
        self.restart()

    def restart(self):
        self.fold = Fold()
        self.references = {}
        self.pending = []
        self.newest = None
        self.stepped = None
        self.late_batches = 0

    # -- which statistics a batch is weighed against

    def fold_before(self, step):
        closed = sorted({b["step"] for b in self.pending if b["step"] < step})
        for number in closed:
            self.fold.add_step([b for b in self.pending if b["step"] == number], self.half_life)
        self.pending = [b for b in self.pending if b["step"] >= step]

    def reference_for(self, step):
        """(reference, late); a newer step closes and freezes."""
        if self.newest is None or step > self.newest:
            first = step - self.lag if self.newest is None else max(step - self.lag, self.newest + 1)
            for opened in range(first, step + 1):
                self.fold_before(opened - self.lag)
                self.references[opened] = copy.deepcopy(self.fold)
            self.newest = step
            self.references = {s: r for s, r in self.references.items() if s >= step - self.lag}
        late = step not in self.references
        return self.references[self.newest if late else step], late

    def pend(self, batch, reference, late):
        """Adds an accepted batch, capped by the reference; its weights are given."""
        raw = self.configuration["fold"] == "raw"
        folded = []
        for o in batch["observations"]:
            x = o["x"]
            triple = reference.triples.get(o["slot"])
            if x is not None and not raw and not self.weigher.warming_up(triple):
                x = min(x, triple.mean + 3 * triple.sd())
            folded.append({**o, "x": x})
        self.pending.append({**batch, "folded": folded})
        self.late_batches += late

    # -- requests

    def post(self, body):
        step = body.get("step")
        attempt = body.get("attempt")
        if attempt is not None and self.attempt not in (None, attempt):
            raise Refused(409)
        if self.finished and (step is None or step > self.newest):
            raise Refused(409)
        if self.stepped is not None and self.stepped != (step is not None):
            raise Refused(422)
        if attempt is not None and self.attempt is None:
            self.attempt = attempt
            self.attempts.add(attempt)
        self.stepped = step is not None
        number = step if self.stepped else len(self.accepted)
        reference, late = self.reference_for(number)

        observations, rows, applied = [], [], []
        tally, weighted, tokens_sum, warming_up, down = Tally(), ZERO, 0, False, 0
        conditions = ONE
        for dialogue in body["dialogues"]:
            losses, first = dialogue["losses"], dialogue.get("firstTurn", 0)
            tokens = dialogue.get("tokens") or [None] * len(losses)
            row = []
            for i, (weight, condition, warm) in enumerate(self.weigher.weigh(first, losses, reference.triples)):
                row.append(weight)
                if weight is None:
                    continue
                usable = weight != "unusable"
                conditions = max(conditions, condition)
                count = tokens[i] or 1
                observations.append({
                    "slot": self.weigher.slot(first + i), "x": Decimal(losses[i]) if usable else None,
                    "weight": weight if usable else None, "tokens": count, "source": dialogue.get("source")})
                tally.add(weight if usable else None)
                if usable:
                    weighted += weight * count
                    tokens_sum += count
                    warming_up |= warm
                    down += weight < 1
            rows.append(row)
            applied.append(dialogue.get("weights"))

        self.sequence += 1
        batch = {"step": number, "rank": body.get("rank", 0), "microBatch": body.get("microBatch", 0),
                 "sequence": self.sequence, "observations": observations}
        self.accepted.append(batch)
        self.pend(batch, reference, late)
        self.condition = max(self.condition, conditions)

        divisor = ONE
        if self.configuration["normalization"] == "batchMean" and tokens_sum:
            divisor = weighted / tokens_sum
        elif self.configuration["normalization"] == "runMean":
            divisor = reference.run_mean()
        shadow = self.configuration["shadow"]

        def answered(weight):
            if weight is None:
                return None
            if weight == "unusable":
                return 0.0
            return 1.0 if shadow else float(weight / divisor)

        return {
            "sequence": self.sequence, "step": step,
            "weights": [given if given is not None else [answered(w) for w in row]
                        for row, given in zip(rows, applied)],
            "summary": {"observations": tally.observations, "meanWeight": number_or_null(tally.mean()),
                        "effectiveSampleSize": float(tally.effective()),
                        "runMeanWeight": float(reference.run_mean()), "downWeighted": down,
                        "unusable": tally.unusable, "warmingUp": warming_up, "late": late},
        }, conditions

    def rewind(self, body):
        attempt, next_step = body.get("attempt"), body["nextStep"]
        if attempt is not None and attempt in self.attempts and attempt != self.attempt:
            raise Refused(409)
        if self.stepped is False:
            raise Refused(422)
        if attempt is not None and attempt == self.attempt and self.rewound.get(attempt) == next_step:
            return self.run()
        self.sequence += 1
        if attempt is not None:
            self.attempt = attempt
            self.attempts.add(attempt)
            self.rewound[attempt] = next_step
        self.finished = False
        self.accepted = [b for b in self.accepted if b["step"] < next_step]
        self.restart()
        for batch in self.accepted:
            self.stepped = True
            self.pend(batch, *self.reference_for(batch["step"]))
        return self.run()

    def finish(self):
        if not self.finished:
            self.finished = True
            self.sequence += 1
        return self.run()

    # -- answers

    def run(self):
        return {"state": "finished" if self.finished else "active", "attempt": self.attempt,
                "step": self.newest if self.stepped else None, "sequence": self.sequence,
                "lateBatches": self.late_batches}

    def statistics(self):
        reference = self.references[self.newest] if self.newest is not None else Fold()
        fold = copy.deepcopy(self.fold)
        for number in sorted({b["step"] for b in self.pending}):
            fold.add_step([b for b in self.pending if b["step"] == number], self.half_life)
        turns = []
        for slot, tally in sorted(fold.tallies.items()):
            t = fold.triples.get(slot, Triple())
            turns.append({
                "turn": slot, "count": float(t.n), "seen": t.seen, "mean": float(t.mean) if t.seen else None,
                "standardDeviation": number_or_null(t.sd()), "m2": float(t.m2), "meanWeight": number_or_null(tally.mean()),
                "effectiveSampleRatio": number_or_null(tally.ratio()), "unusable": tally.unusable})
        step = self.newest if self.stepped else None
        return {
            "step": step, "sequence": self.sequence, "observations": fold.all.observations,
            "lateBatches": self.late_batches, "meanWeight": number_or_null(fold.all.mean()),
            "effectiveSampleRatio": number_or_null(fold.all.ratio()), "turns": turns,
            "sources": [{"source": s, "observations": t.observations, "meanWeight": number_or_null(t.mean()),
                         "effectiveSampleRatio": number_or_null(t.ratio())}
                        for s, t in sorted(fold.sources.items(), key=lambda item: (item[0] is None, item[0] or ""))],
            "reference": {
                "step": step, "runMeanWeight": float(reference.run_mean()),
                "turns": [{"turn": s, "count": float(t.n), "seen": t.seen, "mean": float(t.mean), "m2": float(t.m2)}
                          for s, t in sorted(reference.triples.items())]},
        }


def number_or_null(x):
    return None if x is None else float(x)


def tolerance(condition):
    """1e-12 times the condition, rounded up to three digits"""
    value = float(Decimal("1e-12") * condition)
    return float("%.2e" % (value * 1.005))


# ---------------------------------------------------------------------------------------------- weighing.json

FUNCTIONS = ["exponential", "gaussian", "cauchy", "sigmoid", "clip", "hard", "uniform"]


def weighing_vector(name, configuration, turns, dialogues):
    """turns: {turn: (count, seen, mean, m2)}; dialogues: losses, or (firstTurn, losses)"""
    weigher = Weigher(configuration)
    triples = {t: Triple(Decimal(n), Decimal(mean), Decimal(m2), seen) for t, (n, seen, mean, m2) in turns.items()}
    rows = [d if isinstance(d, tuple) else (0, d) for d in dialogues]
    answers = [weigher.weigh(first, losses, triples) for first, losses in rows]
    return {
        "name": name, "configuration": {k: v for k, v in complete(configuration).items()
                                        if k in ("weighting", "warmUp", "maxTurns", "maxLoss", "propagation")},
        "turns": [{"turn": t, "count": n, "seen": seen, "mean": mean, "m2": m2}
                  for t, (n, seen, mean, m2) in turns.items()],
        "dialogues": [{"firstTurn": first, "losses": losses} for first, losses in rows],
        "weights": [[None if w is None else 0.0 if w == "unusable" else float(w) for w, _, _ in a] for a in answers],
        "tolerances": [[tolerance(k) for _, k, _ in a] for a in answers],
        "warmingUp": any(warm for a in answers for _, _, warm in a),
    }


def weighing_vectors():
    rng = random.Random(41)
    vectors = []
    half = (5.0, 40, 2.0, 1.0)  # mean 2, sd 1/2, both exact
    zs = [-6.0, -1.0, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.5, 8.0, 40.0]
    for function in FUNCTIONS:
        for threshold in (-0.5, 0.0, 1.0, 2.5):
            for sharpness, floor in ((0.5, 0.05), (2.0, 0.05), (7.0, 1e-6), (2.0, 1.0)):
                weighting = {"function": function, "threshold": threshold, "sharpness": sharpness, "floor": floor}
                losses = [2.0 + z / 2 for z in zs]
                if function == "hard":
                    losses.append(math.nextafter(2.0 + threshold / 2, 9.0))
                vectors.append(weighing_vector(
                    "%s, threshold %g, sharpness %g, floor %g" % (function, threshold, sharpness, floor),
                    {"weighting": weighting}, {t: half for t in range(len(losses))}, [losses]))
        weighting = {"function": function, "threshold": 0.8, "sharpness": 1.7, "floor": 0.03}
        turns, losses = {}, []
        for t in range(40):
            n, mean, sd = rng.uniform(2, 5000), rng.uniform(-1, 6), rng.uniform(0.05, 2)
            turns[t] = (n, int(n) + 40, mean, sd * sd * (n - 1))
            losses.append(mean + sd * rng.gauss(1, 2))
        vectors.append(weighing_vector(function + ", random triples", {"weighting": weighting}, turns, [losses]))
        vectors.append(weighing_vector(
            function + ", mean 1e9 and sd 1e-3", {"weighting": weighting, "maxLoss": 1e12},
            {0: (1001.0, 1001, 1e9, 1e-3)}, [[1e9 + d] for d in (-0.004, 0.0, 0.0005, 0.002, 0.01)]
            if function != "hard" else [[1e9 - 0.004], [1e9 + 0.01]]))
        vectors.append(weighing_vector(
            function + ", negative losses", {"weighting": weighting},
            {0: (301.0, 301, -2.5, 75.0), 1: (301.0, 301, -0.2, 75.0)},
            [[x, y] for x, y in ((-4.0, -4.0), (-2.5, -0.2), (-1.5, 1.0), (0.0, 3.0), (2.0, 90.0))]))
    steep = {"weighting": {"function": "exponential", "threshold": 0.0, "sharpness": 1.0, "floor": 0.01}, "warmUp": 32}
    edges = {
        "one observation short of warm-up": (31.0, 31, 2.0, 7.5), "just through warm-up": (32.0, 32, 2.0, 7.75),
        "n of one": (1.0, 900, 2.0, 0.25), "n below one": (0.5, 900, 2.0, 0.25), "n of zero": (0.0, 900, 2.0, 0.25),
        "n of one and a half": (1.5, 900, 2.0, 0.125), "sd of zero": (100.0, 100, 2.0, 0.0),
        "sd just small enough": (101.0, 101, 2.0, 100 * (1.99e-6) ** 2), "sd just large enough": (101.0, 101, 2.0, 100 * (2.01e-6) ** 2),
        "sd small, mean near zero": (101.0, 101, 1e-9, 100 * (0.99e-6) ** 2), "sd enough, mean near zero": (101.0, 101, 1e-9, 100 * (1.01e-6) ** 2),
        "sd small, mean negative": (101.0, 101, -50.0, 100 * (49e-6) ** 2), "sd enough, mean negative": (101.0, 101, -50.0, 100 * (51e-6) ** 2),
    }
    for name, triple in edges.items():
        vectors.append(weighing_vector("warm-up: " + name, steep, {0: triple}, [[triple[2]], [triple[2] + 5e-6], [9.0], [-60.0]]))
    vectors.append(weighing_vector("warm-up: a turn never seen", steep, {0: half}, [[3.0, 9.0, 9.0], [1.0, 1.0]]))
    vectors.append(weighing_vector("warm-up of two", {**steep, "warmUp": 2}, {0: (2.0, 2, 2.0, 0.5), 1: (1.0, 1, 2.0, 0.0)},
                                   [[3.0, 3.0]]))
    nan, inf = math.nan, math.inf
    vectors.append(weighing_vector("unusable losses", steep, {t: half for t in range(4)}, [
        [nan, inf, -inf, 2.4], [None, 100.0, math.nextafter(100.0, inf), 9e5], [-100.0, math.nextafter(-100.0, -inf), -1e300, None],
        [], [None], [nan], [5e-324, -5e-324, -0.0, 1.7976931348623157e308]]))
    vectors.append(weighing_vector("unusable losses, maxLoss 5", {**steep, "maxLoss": 5.0}, {t: half for t in range(4)},
                                   [[4.999, 5.0, 5.001, -5.0], [-5.001, 4.0, nan, 3.0]]))
    for max_turns in (1, 3):
        vectors.append(weighing_vector("turns pooled from %d on" % max_turns, {**steep, "maxTurns": max_turns},
                                       {t: (5.0, 40, 2.0 + t, 1.0) for t in range(max_turns)},
                                       [[4.0] * 6, (1, [4.0] * 3), (7, [4.0]), (9007199254740991, [4.0])]))
    for function in FUNCTIONS:
        for strength, decay in ((1.0, 0.5), (0.5, 1.0), (2.0, 0.0), (3.0, 0.9)):
            configuration = {"weighting": {"function": function, "threshold": 0.5, "sharpness": 0.9, "floor": 0.02},
                             "propagation": {"strength": strength, "decay": decay}, "maxTurns": 6}
            turns = {t: (5.0, 40, 2.0, 1.0 + 0.1 * t) for t in range(6) if t != 2}
            dialogues = [[3.1, 2.0, 2.0, 2.0, 2.6, 2.0, 2.0, 3.0], [2.9, None, nan, 2.4, 2.0, None, 2.8, 2.0], (2, [9.0, 2.9, 2.0, 2.0]),
                         (11, [3.0, 2.0, 2.9]), [2.0, 2.7, 9.0, 2.7, 2.7], [30.0, 2.0, 2.0], [None, inf, 2.9, 2.9, 2.0]]
            vectors.append(weighing_vector("%s, propagation %g, decay %g" % (function, strength, decay), configuration, turns, dialogues))
    return vectors


# ---------------------------------------------------------------------------------------------- runs.json

class Scenario:
    """A run as HTTP requests with what they are answered."""

    def __init__(self, name, create, seed=0):
        self.name, self.create, self.requests = name, create, []
        self.model = Run(create)
        self.rng = random.Random("%s/%d" % (name, seed))

    def post(self, dialogues, **fields):
        self.add("observations", {**fields, "dialogues": dialogues})

    def rewind(self, next_step, **fields):
        self.add("rewind", {"nextStep": next_step, **fields})

    def finish(self):
        self.add("finish", None)

    def add(self, path, body):
        request = {"path": path, "body": body, "status": 200}
        try:
            if path == "observations":
                answer, condition = self.model.post(body)
                request.update(answer)
                request["tolerance"] = tolerance(condition)
            else:
                request["run"] = self.model.rewind(body) if path == "rewind" else self.model.finish()
        except Refused as refused:
            request["status"] = refused.status
        self.requests.append(request)
        return self

    def dialogues(self, count, turns=(2, 5), mean=2.5, sd=0.6, bad=0.1, source=None, decimals=5, shape=None):
        """Random losses, a `bad` share of the dialogues far above the others."""
        rng, made = self.rng, []
        for i in range(count):
            lift = 3.0 if rng.random() < bad else 0.0
            losses = [round(mean - 0.15 * t + lift * sd + rng.gauss(0, sd), decimals) for t in range(rng.randint(*turns))]
            dialogue = {"id": "d-%d" % rng.randrange(1000), "losses": losses}
            if source:
                dialogue["source"] = rng.choice(source)
                if dialogue["source"] is None:
                    del dialogue["source"]
            if shape:
                shape(rng, dialogue)
            made.append(dialogue)
        return made

    def done(self):
        return {"name": self.name, "create": self.create, "requests": self.requests,
                "statistics": self.model.statistics(), "tolerance": tolerance(self.model.condition)}


def holes(rng, dialogue):
    """Some losses are null, NaN, infinite or beyond maxLoss."""
    for i in range(len(dialogue["losses"])):
        if rng.random() < 0.25:
            dialogue["losses"][i] = rng.choice([None, None, math.nan, math.inf, -math.inf, 9e5, -101.0])


def tokens(rng, dialogue):
    if rng.random() < 0.8:
        dialogue["tokens"] = [0 if x is None or rng.random() < 0.1 else rng.randrange(1, 90) for x in dialogue["losses"]]


def applied(rng, dialogue):
    if rng.random() < 0.6:
        dialogue["weights"] = [None if x is None else round(rng.uniform(0, 1.4), 3) for x in dialogue["losses"]]


def later(rng, dialogue):
    if rng.random() < 0.6:
        dialogue["firstTurn"] = rng.randrange(0, 9)


def scenarios(recorded):
    made = []

    def scenario(name, **create):
        s = Scenario(name, create)
        made.append(s)
        return s

    def steps(s, count, ranks=1, micro=1, first=0, size=4, shuffled=False, **kind):
        for step in range(first, first + count):
            slots = [(r, m) for r in range(ranks) for m in range(micro)]
            if shuffled:
                s.rng.shuffle(slots)
            for r, m in slots:
                fields = {"step": step}
                if ranks > 1:
                    fields["rank"] = r
                if micro > 1:
                    fields["microBatch"] = m
                s.post(s.dialogues(size, **kind), **fields)

    def weighting(function="exponential", threshold=0.5, sharpness=1.3, floor=0.05):
        return {"function": function, "threshold": threshold, "sharpness": sharpness, "floor": floor}

    steps(scenario("every default"), 12, size=6)
    for function in FUNCTIONS:
        steps(scenario("function " + function, weighting=weighting(function), warmUp=6), 8)
    steps(scenario("clip with negative losses", weighting=weighting("clip"), warmUp=6), 8, mean=-1.5)
    steps(scenario("threshold below zero", weighting=weighting("cauchy", -1.0, 0.7, 0.2), warmUp=4), 6)
    steps(scenario("threshold only", weighting={"threshold": 0.25}, warmUp=4), 6)
    for fold in ("winsorized", "raw"):
        s = scenario("a burst of bad dialogues, %s fold" % fold, fold=fold, warmUp=8, weighting=weighting())
        steps(s, 4, bad=0.0)
        steps(s, 3, first=4, bad=1.0, sd=4.0)
        steps(s, 4, first=7, bad=0.0)
        s = scenario("losses around maxLoss, %s fold" % fold, fold=fold, maxLoss=20.0, warmUp=8, weighting=weighting())
        steps(s, 4)
        s.post([{"id": "a", "losses": [20.0, 20.000001, -20.0, 19.999]}, {"id": "b", "losses": [1e300, -20.1, 2.0]}], step=4)
        steps(s, 4, first=5)
    steps(scenario("half-life", halfLife=12.0, warmUp=6, weighting=weighting()), 14)
    steps(scenario("half-life with a raw fold and two ranks", halfLife=7.5, fold="raw", warmUp=6, weighting=weighting()), 8, ranks=2, size=3)
    for strength, decay in ((1.0, 0.5), (0.5, 1.0), (2.0, 0.0)):
        steps(scenario("propagation %g with decay %g" % (strength, decay), propagation={"strength": strength, "decay": decay},
                       warmUp=6, weighting=weighting("gaussian")), 7, shape=holes)
    for normalization in ("batchMean", "runMean"):
        s = scenario("normalization " + normalization, normalization=normalization, warmUp=6, weighting=weighting())
        steps(s, 8, ranks=2, size=3, bad=0.3)
        s.post([{"id": "none", "losses": [None, math.nan]}], step=8)
        s = scenario("normalization %s by tokens" % normalization, normalization=normalization, warmUp=6, weighting=weighting())
        steps(s, 8, bad=0.3, shape=lambda rng, d: (holes(rng, d), tokens(rng, d)))
        s = scenario("normalization %s, raw fold, half-life, propagation, lag 1" % normalization, normalization=normalization,
                     fold="raw", halfLife=20.0, lag=1, propagation={"strength": 0.7, "decay": 0.6}, warmUp=6, weighting=weighting("sigmoid"))
        steps(s, 8, ranks=2, size=3, bad=0.3, shape=tokens)
    s = scenario("shadow", shadow=True, normalization="runMean", warmUp=6, weighting=weighting())
    steps(s, 8, shape=holes, bad=0.3)
    s = scenario("weights that the trainer applied", normalization="runMean", warmUp=6, weighting=weighting())
    steps(s, 8, shape=lambda rng, d: (holes(rng, d), applied(rng, d)), bad=0.3)
    s = scenario("sources", warmUp=6, weighting=weighting())
    steps(s, 8, source=["sharegpt", "soda", "Größe \U0001f642", None], bad=0.3)
    s = scenario("unusable losses everywhere", warmUp=6, weighting=weighting())
    steps(s, 8, shape=holes)
    s.post([{"id": "x", "losses": [math.nan, math.inf]}, {"id": "x", "losses": []}], step=8)
    s.post([], step=9)
    s.post([{"id": "x", "firstTurn": 9, "losses": [math.nan]}], step=9, rank=1)
    s = scenario("turns pooled", maxTurns=3, warmUp=6, weighting=weighting(), propagation={"strength": 1.0, "decay": 0.5})
    steps(s, 8, turns=(1, 7), size=3, shape=later)
    s = scenario("all turns in one", maxTurns=1, warmUp=2, weighting=weighting())
    steps(s, 6, turns=(1, 7), size=3, shape=later)
    s = scenario("firstTurn and propagation", warmUp=3, weighting=weighting(), propagation={"strength": 1.0, "decay": 0.8})
    steps(s, 8, size=5, shape=later)

    for lag in range(4):
        s = scenario("lag %d, ranks and micro-batches out of order" % lag, lag=lag, warmUp=6, weighting=weighting())
        steps(s, 7, ranks=2, micro=2, size=2, shuffled=True, shape=holes)
        s = scenario("lag %d, ranks that run ahead" % lag, lag=lag, warmUp=4, weighting=weighting(), normalization="runMean")
        posts = [(max(0, step + s.rng.randint(-2, 2)), rank) for step in range(12) for rank in range(2)]
        for step, rank in dict.fromkeys(posts):
            s.post(s.dialogues(3), step=step, rank=rank)
    s = scenario("late batches fold in the order of their steps", warmUp=4, weighting=weighting(), halfLife=9.0, lag=1)
    for step in (0, 1, 2, 3, 4, 1, 0, 2, 0, 5, 3, 9, 4, 9, 8, 7, 12):
        s.post(s.dialogues(3), step=step)
    s = scenario("steps with gaps, lag 2", warmUp=4, weighting=weighting(), lag=2)
    for step in (5, 4, 3, 2, 6, 20, 18, 19, 17, 21, 1000000000000, 999999999999, 999999999990, 9007199254740991):
        s.post(s.dialogues(3), step=step)
    steps(scenario("one dialogue of one turn a step", warmUp=2, weighting=weighting()), 12, size=1, turns=(1, 1))
    for lag in (0, 2):
        s = scenario("a run without steps, lag %d" % lag, lag=lag, warmUp=6, weighting=weighting(), halfLife=30.0, normalization="runMean")
        for _ in range(9):
            s.post(s.dialogues(3, shape=holes))
        s.post(s.dialogues(2), step=4)
        s.rewind(0)
        s.post(s.dialogues(2), rank=3, microBatch=1)
    s = scenario("a rewind forgets steps that are then sent again", warmUp=4, weighting=weighting(), lag=1)
    steps(s, 8, ranks=2, size=3)
    s.rewind(5)
    steps(s, 4, first=5, ranks=2, size=3)
    s = scenario("a rewind with late batches behind it", warmUp=4, weighting=weighting(), halfLife=15.0, normalization="runMean",
                 propagation={"strength": 0.5, "decay": 0.5})
    for step in (0, 1, 2, 3, 1, 4, 5, 3, 2, 6, 7):
        s.post(s.dialogues(3, bad=0.3), step=step)
    s.rewind(4)
    for step in (4, 2, 5, 6):
        s.post(s.dialogues(3, bad=0.3), step=step)
    s = scenario("a rewind to the start", warmUp=4, weighting=weighting())
    steps(s, 4)
    s.rewind(0)
    s.post(s.dialogues(3))
    s.post(s.dialogues(3))
    s.post(s.dialogues(3), step=1)
    s = scenario("attempts fence", warmUp=4, weighting=weighting())
    for step in range(4):
        s.post(s.dialogues(3), step=step, attempt="job-1")
    s.post(s.dialogues(3), step=4)
    s.post(s.dialogues(3), step=4, attempt="job-2")
    s.rewind(3, attempt="job-2")
    s.post(s.dialogues(3), step=3, attempt="job-1")
    s.post(s.dialogues(3), step=3, attempt="job-2")
    s.rewind(3, attempt="job-2")
    s.post(s.dialogues(3), step=4, attempt="job-2")
    s.rewind(3, attempt="job-1")
    s.rewind(4, attempt="job-2")
    s.rewind(2)
    s.post(s.dialogues(3), step=2, attempt="job-2")
    s = scenario("finish, and a rewind that reopens", warmUp=4, weighting=weighting(), lag=1)
    steps(s, 4)
    s.finish()
    s.finish()
    s.post(s.dialogues(3), step=3, rank=1)
    s.post(s.dialogues(3), step=1, rank=1)
    s.post(s.dialogues(3), step=4)
    s.post(s.dialogues(3))
    s.rewind(3)
    steps(s, 3, first=3)
    s = scenario("everything at once", weighting=weighting("sigmoid", 0.3, 1.6, 0.02), warmUp=5, maxTurns=4, maxLoss=30.0, halfLife=25.0, lag=2,
                 propagation={"strength": 0.8, "decay": 0.7}, normalization="runMean")
    for step in range(8):
        for rank, micro in s.rng.sample([(0, 0), (0, 1), (1, 0), (1, 1)], 4):
            s.post(s.dialogues(3, turns=(1, 6), source=["a", "b", None], bad=0.3,
                               shape=lambda rng, d: (holes(rng, d), later(rng, d), tokens(rng, d), applied(rng, d))),
                   step=max(0, step - (4 if s.rng.random() < 0.1 else 0)), rank=rank, microBatch=micro)
    s.rewind(6, attempt="job-2")
    steps(s, 2, first=6, ranks=2, bad=0.3)
    steps(scenario("float32 losses", warmUp=6, weighting=weighting()), 6, size=6, shape=single)
    s = scenario("losses far from zero", warmUp=6, weighting=weighting(), maxLoss=1e6)
    steps(s, 6, mean=1000.0, sd=0.01)
    s = scenario("a constant loss stays in warm-up", warmUp=4, weighting=weighting())
    steps(s, 5, shape=lambda rng, d: d.update(losses=[2.31] * 3))
    steps(s, 3, first=5)
    made.append(trace(recorded))
    return [s.done() for s in made]


def single(rng, dialogue):
    """Losses as a 32-bit float holds them."""
    dialogue["losses"] = [struct.unpack("f", struct.pack("f", x))[0] for x in dialogue["losses"]]


def trace(recorded):
    """The first steps of a recorded fine-tuning, under the defaults; two ranks."""
    s = Scenario("recorded losses", {})
    for step, rank, dialogues in recorded:
        s.post(dialogues, step=step, rank=rank)
    return s


def recorded_steps(path, steps=40):
    """(step, rank, dialogues) of a trace: one JSON object an observation, in order."""
    grouped = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if row["step"] < steps:
                dialogue = grouped.setdefault(row["step"], {}).setdefault(
                    row["dialogue"], {"id": row["dialogue"], "source": row["source"], "losses": []})
                dialogue["losses"] += [None] * (row["turn"] - len(dialogue["losses"])) + [row["loss"]]
    for step, dialogues in sorted(grouped.items()):
        dialogues = list(dialogues.values())
        half = len(dialogues) // 2
        yield step, 0, dialogues[:half]
        yield step, 1, dialogues[half:]


def recorded_before(path):
    """The same, of the scenario that is in the file already."""
    with open(path) as file:
        recorded = next(s for s in json.load(file)["scenarios"] if s["name"] == "recorded losses")
    for request in recorded["requests"]:
        yield request["body"]["step"], request["body"]["rank"], request["body"]["dialogues"]


def write(path, comment, name, values):
    """One value a line: small, and a changed one is a changed line."""
    lines = ",\n".join(json.dumps(v, separators=(",", ":"), ensure_ascii=False) for v in values)
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"comment":%s,\n"%s":[\n%s\n]}\n' % (json.dumps(comment), name, lines))
    print("%s: %d %s, %d bytes" % (os.path.basename(path), len(values), name, os.path.getsize(path)))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    comment = "Written by oracle.py; README.md describes the format."
    runs = os.path.join(here, "runs.json")
    recorded = list(recorded_steps(sys.argv[1]) if len(sys.argv) > 1 else recorded_before(runs))
    write(os.path.join(here, "weighing.json"), comment, "vectors", weighing_vectors())
    write(runs, comment, "scenarios", scenarios(recorded))


if __name__ == "__main__":
    main()
