"""Candidates found by replays: the losses that uniform runs recorded, weighed again under a grid of configurations.

A replay says how well weights tell corrupted from clean turns, not how training under them would have gone; so it only
chooses what is trained. For each bound on what clean turns may lose, the candidates are those that take most from the
corrupted ones."""

import statistics

import plan
from experiment import Data
from runner import name_of_run
from service import Service

SEEDS = (1, 2, 3)
SCENARIO = "p40"
GRIDS = {
    "functions": {
        "weighting.floor": [0.05],
        "weighting.function": ["exponential", "gaussian", "cauchy", "sigmoid"],
        "weighting.threshold": {"from": -0.5, "to": 2.0, "points": 11},
        "weighting.sharpness": [0.5, 1, 1.5, 2, 3, 4, 6],
    },
    "without sharpness": {
        "weighting.floor": [0.05],
        "weighting.function": ["clip", "hard"],
        "weighting.threshold": {"from": -0.5, "to": 2.0, "points": 11},
    },
    "rest": {
        "weighting.floor": [0.05],
        "weighting.function": ["exponential"],
        "weighting.sharpness": [2],
        "weighting.threshold": [0.5, 1.0],
        "fold": ["winsorized", "raw"],
        "halfLife": [None, 250, 500, 1000, 2000],
        "maxTurns": [1, 64],
        "propagation.strength": [0, 0.5, 1],
        "propagation.decay": [0.5, 0.9],
    },
}
MEASURES = ("auroc", "averagePrecision", "goodMeanWeight", "badMeanWeight", "effectiveSampleRatio", "steadiness")


def screen(place, seeds):
    """{name of the grid: rows}, a row being the configuration and its measures, means over the seeds."""
    service = Service(place.options.service)
    found = {name: {} for name in GRIDS}
    for seed in seeds:
        labels = Data(place.dialogues, plan.SCENARIOS[SCENARIO], seed).labels
        bad = [{"dialogue": identity, "turn": turn} for identity, turn in sorted(labels)]
        for name, grid in GRIDS.items():
            for result in service.replay(
                name_of_run(SCENARIO, "uniform", seed), {"grid": grid, "labels": {"bad": bad}}
            ):
                found[name].setdefault(result["index"], []).append(result)
    return {name: [row(results) for results in by_index.values()] for name, by_index in found.items()}


def row(results):
    configuration = results[0]["configuration"]
    means = {measure: statistics.fmean(result[measure] for result in results) for measure in MEASURES}
    return {"configuration": configuration, **means, "gap": means["goodMeanWeight"] - means["badMeanWeight"]}


def best(rows, bound, count=1):
    """Of those that leave clean turns a mean weight of at least `bound`, the ones with the widest gap to corrupted."""
    return sorted((one for one in rows if one["goodMeanWeight"] >= bound), key=lambda one: -one["gap"])[:count]
