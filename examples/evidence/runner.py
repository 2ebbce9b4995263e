"""Runs experiments that have no result yet, a few side by side in processes; every result is a file of its own."""

import functools
import gzip
import json
import multiprocessing
import pathlib
import statistics
import sys
import time

import torch

import experiment
import plan
from data import encode, load
from intervals import auroc
from model import Model, pretrain, turn_losses
from service import Service


class Workplace:
    """Where data, base models and results are, and the service."""

    def __init__(self, options):
        self.options = options
        self.dialogues, _ = load(options.dialogues)
        self.results = pathlib.Path(options.results)
        self.cache = pathlib.Path(options.cache)

    def base(self, split):
        """The base model of a split: pretrained once, on the domains that the split does not train on."""
        file = self.base_file(split)
        if not file.exists():
            domains = next(s["domains"] for s in plan.SCENARIOS.values() if s["split"] == split)
            encoded = [encode(d.exchanges) for d in self.dialogues if d.domain not in domains]
            model = pretrain(encoded, plan.PRETRAINING_EPOCHS, seed=1)
            self.cache.mkdir(parents=True, exist_ok=True)
            torch.save(model.state_dict(), file.with_suffix(".part"))
            file.with_suffix(".part").replace(file)
        model = Model()
        model.load_state_dict(torch.load(file))
        return model

    def base_file(self, split):
        return self.cache / f"base-{split}-{plan.PRETRAINING_EPOCHS}.pt"

    def file(self, scenario, arm, seed):
        return self.results / scenario / f"{arm.replace('/', '+')}-{seed}.json"

    def read(self, file):
        return json.loads(file.read_text())


def name_of_run(scenario, arm, seed):
    return f"{scenario}.{arm.replace('/', '_')}.{seed}"


@functools.lru_cache(maxsize=1)  # the arms of a seed follow one another
def prepared(place, scenario, seed):
    """What all arms share: base model, data, and its losses: held out, and by (dialogue, turn) in training."""
    base = place.base(plan.SCENARIOS[scenario]["split"])
    data = experiment.Data(place.dialogues, plan.SCENARIOS[scenario], seed)
    training = zip(data.training, turn_losses(base, data.encoded))
    by_name = {(dialogue.id, turn): loss for dialogue, losses in training for turn, loss in enumerate(losses)}
    return base, data, turn_losses(base, data.heldout_encoded), by_name


def one(place, scenario, arm, seed):
    """Trains, evaluates and measures; writes the result."""
    began = time.time()
    base, data, base_heldout, base_training = prepared(place, scenario, seed)
    service = Service(place.options.service)
    run = name_of_run(scenario, arm, seed)
    epochs = plan.SCENARIOS[scenario].get("epochs", plan.EPOCHS)
    model, norms, trace = experiment.train(base, data, plan.ARMS[arm], service, run, epochs, seed)
    late = norms[len(norms) // 2 :]
    result = {
        "scenario": scenario,
        "arm": arm,
        "seed": seed,
        "epochs": epochs,
        "steps": len(norms),
        "corruptedShare": len(data.labels) / len(base_training),
        "scores": experiment.evaluate(model, data, base_heldout, seed),
        "gradientNorm": {"mean": statistics.fmean(late), "sd": statistics.stdev(late)},
        "weights": weights_of(trace, data, base_training),
        "detection": detection(trace, data, base_training),
        "turns": [
            {key: row[key] for key in ("turn", "count", "mean", "standardDeviation")}
            for row in service.call("GET", f"/v1/runs/{run}/statistics")["turns"]
        ],
        "seconds": round(time.time() - began, 1),
    }
    service.close()
    keep(place.file(scenario, arm, seed), result)


def keep(file, result):
    """Writes a result whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.with_suffix(".part").write_text(json.dumps(result))
    file.with_suffix(".part").replace(file)


def weights_of(trace, data, base_training):
    """Mean weights: of all, of clean and corrupted turns, of each kind and source, and of the clean turns that are
    hardest for the base model (the fifth of each turn index with the highest loss)."""
    of_turn = {}
    for (identity, turn), loss in base_training.items():
        if (identity, turn) not in data.labels:
            of_turn.setdefault(turn, []).append((loss, identity))
    hard = {
        (identity, turn)
        for turn, rows in of_turn.items()
        for _, identity in sorted(rows, reverse=True)[: len(rows) // 5]
    }
    groups = {}
    for _, identity, turn, _, weight in trace:
        kind = data.labels.get((identity, turn), "clean")
        names = ["all", kind, f"source {data.source[identity]}"]
        names += ["corrupted"] if kind != "clean" else []
        names += ["hard clean"] if (identity, turn) in hard else []
        for name in names:
            groups.setdefault(name, []).append(weight)
    return {name: statistics.fmean(weights) for name, weights in groups.items()}


def detection(trace, data, base_training):
    """AUROC of telling each kind of corruption (and all) from clean turns, by small weights, high losses, high losses
    of the base model, and high losses in excess of those."""
    kinds = [data.labels.get(row[1:3], "clean") for row in trace]
    scores = {
        "weight": [-row[4] for row in trace],
        "loss": [row[3] for row in trace],
        "base": [base_training[row[1:3]] for row in trace],
        "excess": [row[3] - base_training[row[1:3]] for row in trace],
    }
    result = {}
    for kind in sorted(set(kinds) - {"clean"}) + ["all"]:
        chosen = [i for i, k in enumerate(kinds) if k == "clean" or kind in (k, "all")]
        labels = [kinds[i] != "clean" for i in chosen]
        if any(labels):
            result[kind] = {name: auroc([values[i] for i in chosen], labels) for name, values in scores.items()}
    return result


def write_trace(place, path, scenario="mixed", seed=1):
    """Writes what a uniform run recorded, a JSON object a line, with sources and labels; returns how many."""
    labels = experiment.Data(place.dialogues, plan.SCENARIOS[scenario], seed).labels
    exported = Service(place.options.service).export(name_of_run(scenario, "uniform", seed))
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        for row in exported:
            kind = labels.get((row["dialogue"], row["turn"]))
            line = {key: row[key] for key in ("step", "dialogue", "source", "turn")}
            line |= {"loss": round(row["loss"], 5), "corrupted": int(kind is not None), "corruption": kind}
            file.write(json.dumps(line).encode() + b"\n")
    return len(exported)


_place = None


def _start(options):
    global _place
    torch.set_num_threads(1)
    _place = Workplace(options)


def _work(task):
    one(_place, *task)
    return task


def _pretrain(split):
    _place.base(split)


def run_all(place, tasks, label, in_service=False):
    """Runs what has no result yet or, with `in_service`, what the service does not know. A progress bar on stderr."""
    service = Service(place.options.service)
    waiting = [
        task
        for task in dict.fromkeys(tasks)
        if not place.file(*task).exists() or in_service and not service.knows(name_of_run(*task))
    ]
    if not waiting:
        return
    began = time.time()
    with multiprocessing.get_context("spawn").Pool(
        min(place.options.workers, len(waiting)), _start, (place.options,)
    ) as pool:
        splits = sorted({plan.SCENARIOS[task[0]]["split"] for task in waiting})
        if not all(place.base_file(split).exists() for split in splits):
            print(f"base models: {', '.join(splits)}", file=sys.stderr)
            pool.map(_pretrain, splits, chunksize=1)
            began = time.time()
        for done, task in enumerate(pool.imap(_work, waiting), 1):
            left = (time.time() - began) / done * (len(waiting) - done)
            bar = "#" * (30 * done // len(waiting))
            print(
                f"\r{label} [{bar:<30}] {done}/{len(waiting)}  {left / 60:.0f} min left  {name_of_run(*task):<48}",
                end="",
                file=sys.stderr,
            )
    print(file=sys.stderr)
