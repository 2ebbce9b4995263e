"""What is run: scenarios, arms, and the experiments of each stage. Everything that was decided beforehand is here."""

import dataclasses

from corruption import CHOICE_KINDS, CONFIRMATION_KINDS, SECOND_KINDS

EPOCHS = 4
PRETRAINING_EPOCHS = 12

CHOICE_DOMAINS = ("events", "hotels", "movies", "restaurants", "media", "travel")
CONFIRMATION_DOMAINS = ("flights", "buses", "rentalcars", "homes", "weather", "banks", "ridesharing")

SECOND_DOMAINS = ("events", "flights", "weather", "services", "music", "alarm")
SIZES = (80, 160, 320)  # and p40's 640

# The training domains of a split are never those of its base model. Held-out dialogues are of the training domains.
_choice = {
    "split": "choice",
    "domains": CHOICE_DOMAINS,
    "rare": "restaurants",
    "rareDialogues": 30,
    "heldout": 200,
    "dialogues": 640,
    "kinds": CHOICE_KINDS,
}
_confirmation = _choice | {
    "split": "confirmation",
    "domains": CONFIRMATION_DOMAINS,
    "rare": "rentalcars",
    "dialogues": 480,
    "kinds": CONFIRMATION_KINDS,
}
_second = _confirmation | {"split": "second", "domains": SECOND_DOMAINS, "rare": "weather", "kinds": SECOND_KINDS}


def _one_source(share):
    return (("all", 1.0, share),)


SCENARIOS = {
    scenario["name"]: scenario
    for scenario in (
        _choice | {"name": "clean", "sources": _one_source(0.0)},
        _choice | {"name": "p20", "sources": _one_source(0.2)},
        _choice | {"name": "p40", "sources": _one_source(0.4)},
        _choice
        | {
            "name": "mixed",
            "sources": (("forum", 0.25, 0.0), ("helpdesk", 0.25, 0.0), ("wizard", 0.25, 0.0), ("scraped", 0.25, 0.8)),
            "ofDialogue": 0.9,
        },
        *(
            _choice
            | {
                "name": f"p40-{size}",
                "dialogues": size,
                "rareDialogues": size * 30 // 640,
                "sources": _one_source(0.4),
            }
            for size in SIZES
        ),
        _choice | {"name": "p40-early", "sources": _one_source(0.4), "epochs": 1},
        _confirmation | {"name": "confirmation", "sources": _one_source(0.3)},
        _confirmation | {"name": "confirmation-clean", "sources": _one_source(0.0)},
        _second | {"name": "second", "sources": _one_source(0.3)},
        _second | {"name": "second-clean", "sources": _one_source(0.0)},
    )
}


def service(**weighting):
    """An arm weighed by the service: fields of `weighting`, and any of the run's own under `run`."""
    run = weighting.pop("run", {})
    return {"weights": "service", "configuration": ({"weighting": weighting} if weighting else {}) | run}


DEFAULT = {"function": "exponential", "threshold": 1.0, "sharpness": 2.0}
# The shadow of the uniform arm: a weight that falls with z everywhere, so that its export ranks observations by z.
Z_SHADOW = {"weighting": {"function": "exponential", "threshold": -6.0, "sharpness": 0.3, "floor": 0.001}}

ARMS = {
    "uniform": {"weights": "uniform", "configuration": Z_SHADOW},
    "oracle": {"weights": "oracle"},
    "exp-1-2": service(**DEFAULT),
    "exp-0.5-2": service(function="exponential", threshold=0.5, sharpness=2.0),
    "exp-0.75-6": service(function="exponential", threshold=0.75, sharpness=6.0),
    "exp-1.25-6": service(function="exponential", threshold=1.25, sharpness=6.0),
    "exp-1.5-4": service(function="exponential", threshold=1.5, sharpness=4.0),
    "gaussian-1-3": service(function="gaussian", threshold=1.0, sharpness=3.0),
    "hard-1": service(function="hard", threshold=1.0),
    "hard-1.5": service(function="hard", threshold=1.5),
    "clip-0": service(function="clip", threshold=0.0),
    "clip-0.5": service(function="clip", threshold=0.5),
}


def variant(base, **changes):
    """An arm like another, its configuration changed."""
    return base | {"configuration": base["configuration"] | changes}


def add_variants(name):
    """The controls and variants of one weighting: what else changes when only one thing does."""
    arm = ARMS[name]
    weighting = arm["configuration"]["weighting"]
    ARMS.update(
        {
            f"{name}/shuffled": arm | {"weights": "shuffled"},
            f"{name}/rate": arm | {"weights": "rate"},
            f"{name}/pooled": variant(arm, maxTurns=1),
            f"{name}/propagated": variant(arm, propagation={"strength": 0.5, "decay": 0.5}),
            f"{name}/propagated-1": variant(arm, propagation={"strength": 1.0, "decay": 0.8}),
            f"{name}/halfLife": variant(arm, halfLife=250.0),
            f"{name}/raw": variant(arm, fold="raw"),
            f"{name}/runMean": variant(arm, normalization="runMean"),
            f"{name}/excess": arm | {"posts": "excess"},
            f"{name}/floor-0.01": variant(arm, weighting=weighting | {"floor": 0.01}),
            f"{name}/floor-0.2": variant(arm, weighting=weighting | {"floor": 0.2}),
        }
    )
    if weighting["function"] == "exponential":
        ARMS[f"{name}/length"] = {
            "weights": "length",
            "threshold": weighting["threshold"],
            "sharpness": weighting["sharpness"],
        }


def prefilter(share):
    """Drops that share of each turn index by base-model loss."""
    return {"weights": "prefilter", "share": share}


for _name in ("exp-1-2", "exp-1.5-4", "clip-0", "clip-0.5"):
    add_variants(_name)
for _share in (0.04, 0.08, 0.1, 0.4):
    ARMS[f"prefilter-{_share}"] = prefilter(_share)

DEFAULT_ARM = "exp-1-2"  # what the service shipped when PROTOCOL.md was written
CANDIDATES = ("exp-1-2", "exp-0.5-2", "exp-1.5-4", "hard-1.5", "clip-0.5", "clip-0")
CHOSEN = "clip-0"  # by choice.choose on the seeds of the choice
CHOICE_SEEDS = range(1, 6)


def _tasks(scenario, arms, seeds):
    return [(scenario, arm, seed) for seed in seeds for arm in dict.fromkeys(arms)]


@dataclasses.dataclass(frozen=True)
class Confirmation:
    """What a protocol compares: a candidate with uniform, its own weights shuffled, a pre-filter at the same budget,
    and the rival that it would replace as the default."""

    document: str
    scenario: str
    seeds: range
    candidate: str
    prefilter: str
    rival: str

    @property
    def controls(self):
        return ("uniform", self.prefilter, f"{self.candidate}/shuffled")

    def tasks(self, also):
        clean = ("uniform", self.candidate, self.rival, also)
        arms = ("oracle", *clean, *self.controls)
        return _tasks(self.scenario, arms, self.seeds) + _tasks(f"{self.scenario}-clean", clean, self.seeds)


FIRST = Confirmation("PROTOCOL.md", "confirmation", range(101, 113), CHOSEN, "prefilter-0.08", DEFAULT_ARM)
SECOND = Confirmation("PROTOCOL-2.md", "second", range(201, 213), "clip-0.5", "prefilter-0.04", CHOSEN)


def _variants(name, which):
    return tuple(f"{name}/{one}" for one in which.split())


OTHERS = ("exp-0.75-6", "exp-1.25-6", "gaussian-1-3")
VARIANTS = (
    _variants(DEFAULT_ARM, "shuffled rate pooled propagated halfLife raw runMean floor-0.2 length excess")
    + _variants("clip-0", "shuffled rate pooled excess")
    + _variants("clip-0.5", "shuffled rate pooled propagated halfLife raw")
    + ("prefilter-0.08", "prefilter-0.1", "prefilter-0.4")
)


def stages(short):
    """{stage: [(scenario, arm, seed)]} in the order in which they are run. The short form has fewer arms and seeds, and
    so wider intervals: it shows that everything runs, and the large effects."""
    if short:
        controls = ("oracle", FIRST.candidate, *FIRST.controls)
        return {
            "choice": _tasks("p40", ("uniform", "oracle", DEFAULT_ARM, CHOSEN), range(1, 3))
            + _tasks("clean", ("uniform", DEFAULT_ARM, CHOSEN), range(1, 3)),
            "confirmation": _tasks(FIRST.scenario, controls, range(101, 104)),
            "sizes": [(f"p40-{size}", arm, 1) for size in SIZES for arm in ("uniform", CHOSEN)],
            "mixed": _tasks("mixed", ("uniform", CHOSEN), range(1, 2)),
        }
    few = ("uniform", "oracle", CHOSEN)
    return {
        "choice": _tasks("p40", ("uniform", "oracle", *CANDIDATES, *OTHERS, *VARIANTS), CHOICE_SEEDS)
        + _tasks("clean", ("uniform", *CANDIDATES, *OTHERS[:2]), CHOICE_SEEDS),
        "confirmation": FIRST.tasks(also="clip-0.5"),
        "second confirmation": SECOND.tasks(also=DEFAULT_ARM),
        "sizes": [task for size in SIZES for task in _tasks(f"p40-{size}", few, CHOICE_SEEDS)],
        "mixed": _tasks("p20", (*few, DEFAULT_ARM), CHOICE_SEEDS)
        + _tasks("mixed", (*few, DEFAULT_ARM), CHOICE_SEEDS)
        + _tasks("p40-early", ("uniform", CHOSEN, DEFAULT_ARM), CHOICE_SEEDS),
    }
