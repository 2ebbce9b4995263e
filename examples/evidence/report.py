"""The table of all results, in Markdown."""

import collections
import statistics
import textwrap

import plan
from choice import against_rival, choose, confirm, decisions
from intervals import spearman
from screening import best

LOSS = lambda result: result["scores"]["loss"]
RARE = lambda result: result["scores"]["domains"][plan.SCENARIOS[result["scenario"]]["rare"]]
SPREAD = lambda result: result["gradientNorm"]["sd"] / result["gradientNorm"]["mean"]
SCORES = {
    "hard": lambda result: result["scores"]["hard"],
    "easy": lambda result: result["scores"]["easy"],
    "rare": RARE,
    "recall@1": lambda result: result["scores"]["recall"],
    "gradient": SPREAD,
}


def table(results, screened, short):
    parts = [
        head(results, short),
        precondition(results),
        screening_part(screened),
        choice_part(results),
        confirmation_part(results, plan.FIRST),
        confirmation_part(results, plan.SECOND),
        scenario_part(results, "p20", "20 % corrupted."),
        scenario_part(results, "mixed", "Four sources, one of them bad (80 % of its responses corrupted)."),
        sources_part(results),
        scenario_part(results, "p40-early", "One epoch in place of four: the beginning of a training."),
        sizes_part(results),
        detection_part(results),
        pooled_part(results),
    ]
    lines = "\n\n".join(part for part in parts if part).split("\n")
    wrap = lambda line: textwrap.fill(line, 118, break_on_hyphens=False)
    return "\n".join(line if line.startswith(("|", "#")) else wrap(line) for line in lines) + "\n"


def rows(header, body):
    return "\n".join(
        ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
        + ["| " + " | ".join(row) + " |" for row in body]
    )


LEGEND = (
    "Losses are in nats per token of held-out clean responses, of the last checkpoint. Differences are paired by "
    "seed, arm minus uniform (negative is better): mean and 95 % interval of the mean (Student's t). n: seeds. "
    "hard, easy: the fifth of held-out turns that the base model found hardest, and the rest. rare: a domain with "
    "30 dialogues in the training set. recall@1: the true response chosen among 10. gradient: sd of the gradient "
    "norm over the second half of the steps, as a part of its mean. weights: mean over clean / hard but clean / "
    "corrupted turns of the training set."
)


def head(results, short):
    runs = [result for seeds in results.of.values() for result in seeds.values()]
    steps, minutes = (sum(run[name] for run in runs) for name in ("steps", "seconds"))
    return (
        f"# Results{' (short form: fewer arms and seeds)' if short else ''}\n\n{len(runs)} training runs, {steps:,} "
        f"optimizer steps, {minutes / 60:.0f} minutes of one core. {LEGEND}"
    )


def difference(found, digits=4):
    if found is None:
        return "-"
    if found["n"] < 2:
        return f"{found['mean']:+.{digits}f}"
    return f"{found['mean']:+.{digits}f} [{found['low']:+.{digits}f}, {found['high']:+.{digits}f}]"


def precondition(results):
    body = []
    for scenario in plan.SCENARIOS:
        found = results.compare(scenario, "oracle")
        if found and found["n"] > 1:
            seeds = results.seeds(scenario, "uniform", "oracle")
            uniform = statistics.fmean(results.values(scenario, "uniform", seeds, LOSS))
            ratio = -found["mean"] / found["sd"]
            body.append(
                (
                    scenario,
                    str(found["n"]),
                    f"{uniform:.4f}",
                    difference(found),
                    f"{found['sd']:.4f}",
                    f"{ratio:.1f}",
                    "yes" if ratio > 3 else "NO",
                )
            )
    return (
        (
            "## Precondition: does noise hurt here?\n\nThe oracle knows the corruption and gives it weight 0.\n\n"
            + rows(
                ("scenario", "seeds", "uniform's loss", "oracle minus uniform", "sd", "gain / sd", "more than 3"), body
            )
        )
        if body
        else ""
    )


def screening_part(screened):
    if not screened:
        return ""
    every = [row for name in ("functions", "without sharpness") for row in screened.get(name, [])]
    body = []
    for bound in (0.99, 0.98, 0.95):
        for row in best(every, bound, 2):
            weighting = row["configuration"]["weighting"]
            sharpness = "" if weighting["function"] in ("hard", "clip") else f", {weighting['sharpness']:g}"
            body.append(
                (
                    f"{bound}",
                    f"{weighting['function']} ({weighting['threshold']:g}{sharpness})",
                    f"{row['goodMeanWeight']:.3f}",
                    f"{row['badMeanWeight']:.3f}",
                    f"{row['auroc']:.3f}",
                )
            )
    return (
        "## Screening by replays of uniform's losses\n\nThe widest gap between the weights of clean and of "
        f"corrupted turns, for a bound on what clean ones lose; {len(every)} configurations of function, threshold "
        "and sharpness.\n\n" + rows(("clean weight at least", "weighting", "clean", "corrupted", "AUROC"), body)
    )


def scenario_part(results, scenario, what):
    found = {arm: results.compare(scenario, arm) for arm in results.arms(scenario)}
    found = dict(sorted(((arm, one) for arm, one in found.items() if one), key=lambda item: item[1]["mean"]))
    if len(found) < 2:
        return ""
    body = []
    for arm, one in found.items():
        of = [result["weights"] for result in results.of[scenario, arm].values()]
        weights = (
            f"{statistics.fmean(each[name] for each in of):.2f}" if all(name in each for each in of) else "-"
            for name in ("clean", "hard clean", "corrupted")
        )
        others = (f"{results.compare(scenario, arm, score=score)['mean']:+.3f}" for score in SCORES.values())
        loss = "0" if arm == "uniform" else difference(one)
        body.append((arm, str(one["n"]), loss, *others, "/".join(weights)))
    seeds = results.seeds(scenario, "uniform")
    uniform = {
        name: results.values(scenario, "uniform", seeds, score) for name, score in {"loss": LOSS, **SCORES}.items()
    }
    return (
        f"## {scenario}\n\n{what} Uniform: "
        + ", ".join(f"{name} {statistics.fmean(values):.3f}" for name, values in uniform.items())
        + ".\n\n"
        + rows(("arm", "n", "loss minus uniform's", *SCORES, "weights"), body)
    )


def choice_part(results):
    parts = [scenario_part(results, "p40", "40 % corrupted."), scenario_part(results, "clean", "Nothing corrupted.")]
    chosen = choose(results)
    if chosen:
        parts.append(
            "## The choice\n\nMean of the differences on `p40` and `clean`, smallest first:\n\n"
            + rows(("candidate", "mean"), [(arm, f"{mean:+.4f}") for arm, mean in chosen.items()])
        )
        first = next(iter(chosen))
        if first != plan.CHOSEN:
            parts.append(
                f"The rule gives {first} on these seeds; the protocol was written for {plan.CHOSEN}, "
                "which is confirmed or not below."
            )
    return "\n\n".join(part for part in parts if part)


def confirmation_part(results, protocol):
    part = scenario_part(
        results, protocol.scenario, "30 % corrupted by another mix, other domains, another base model."
    )
    compared = confirm(results, protocol)
    if not part or not compared:
        return part
    body = [
        (
            f"{protocol.candidate} minus {other}",
            str(one["n"]),
            difference(one),
            f"{one['p']:.5f}",
            f"{one['adjusted']:.5f}",
        )
        for other, one in compared.items()
    ]
    header = ("difference", "seeds", "mean", "p", "after Holm")
    part += f"\n\nThe candidate, by `{protocol.document}`:\n\n" + rows(header, body)
    both = against_rival(results, protocol)
    if both:
        part += (
            f"\n\n{protocol.candidate} minus {protocol.rival}, mean over `{protocol.scenario}` and "
            f"`{protocol.scenario}-clean`: {difference(both)}, p {both['p']:.5f}."
        )
    helps, replaces = decisions(results, protocol)
    say = {True: "yes", False: "no", None: "not decided, some of it was not run"}
    part += f"\n\n*It helps* is confirmed: **{say[helps]}**. It replaces {protocol.rival}: **{say[replaces]}**."
    clean = scenario_part(results, f"{protocol.scenario}-clean", "Nothing is corrupted there: what weighting costs.")
    return part + ("\n\n" + clean if clean else "")


def sources_part(results):
    body = []
    for arm in results.arms("mixed"):
        weights = [result["weights"] for result in results.of["mixed", arm].values()]
        names = sorted({name for one in weights for name in one if name.startswith("source ")})
        body.append((arm, *(f"{statistics.fmean(one[name] for one in weights):.3f}" for name in names)))
        header = ("arm", *(name.removeprefix("source ") for name in names))
    return "Mean weights of the sources of `mixed`:\n\n" + rows(header, body) if body else ""


def by_size(results, arm, score):
    """{seed: [(number of dialogues, score)]} of those seeds that were run at three sizes or more."""
    points = collections.defaultdict(list)
    for scenario in (*(f"p40-{size}" for size in plan.SIZES), "p40"):
        for seed, result in results.of.get((scenario, arm), {}).items():
            points[seed].append((plan.SCENARIOS[scenario]["dialogues"], score(result)))
    return {seed: of for seed, of in points.items() if len(of) >= 3}


def sizes_part(results):
    body = []
    for arm in ("uniform", plan.CHOSEN, "oracle"):
        points = by_size(results, arm, lambda result: -LOSS(result))
        if not points:
            continue
        at = collections.defaultdict(list)
        for of in points.values():
            for size, score in of:
                at[size].append(-score)
        rho = {
            name: [spearman(*zip(*of)) for of in by_size(results, arm, score).values()]
            for name, score in (("loss", lambda result: -LOSS(result)), ("recall", SCORES["recall@1"]))
        }
        body.append(
            (
                arm,
                str(len(points)),
                *(f"{statistics.fmean(at[size]):.3f}" if at[size] else "-" for size in (*plan.SIZES, 640)),
                *(f"{statistics.fmean(of):+.2f} ({min(of):+.2f} to {max(of):+.2f})" for of in rho.values()),
            )
        )
    return (
        (
            "## Sizes: does more data help, 40 % of it corrupted?\n\nSpearman's rho of score against number "
            "of dialogues, mean over seeds (lowest to highest); equal epochs, so more data are more steps.\n\n"
            + rows(
                (
                    "arm",
                    "seeds",
                    *(f"loss at {size}" for size in (*plan.SIZES, 640)),
                    "rho of -loss",
                    "rho of recall@1",
                ),
                body,
            )
        )
        if body
        else ""
    )


def detection_part(results):
    parts = []
    for scenario, arms in (
        ("p40", ("uniform", "exp-1-2", "clip-0", "exp-1-2/excess")),
        ("confirmation", ("uniform", "exp-1-2", "clip-0")),
        ("second", ("uniform", "exp-1-2", "clip-0")),
        ("mixed", ("uniform", "clip-0")),
    ):
        for arm in arms:
            found = [result["detection"] for result in results.of.get((scenario, arm), {}).values()]
            for kind in sorted({kind for one in found for kind in one}):
                values = [one[kind] for one in found if kind in one]
                mean = lambda name: f"{statistics.fmean(value[name] for value in values):.2f}"
                weight = "-" if arm == "uniform" else mean("weight")
                parts.append((scenario, arm, kind, weight, mean("loss"), mean("base"), mean("excess")))
    return (
        (
            "## Detection\n\nAUROC of telling a kind of corruption from clean turns, over all observations of a "
            "run (mean over seeds): by the weight, by the loss during training, by the loss of the base model, and by "
            "the loss in excess of the base model's. 0.5 is chance; below it the corrupted are the *easier* ones.\n\n"
            + rows(("scenario", "arm", "kind", "weight", "loss", "base model's loss", "excess"), parts)
        )
        if parts
        else ""
    )


def pooled_part(results):
    body = []
    for scenario in ("clean", "p20", "p40", "mixed", "confirmation", "confirmation-clean", "second", "second-clean"):
        shares, betweens, withins = [], [], []
        for result in results.of.get((scenario, "uniform"), {}).values():
            turns = result["turns"]
            n = sum(turn["count"] for turn in turns)
            mean = sum(turn["count"] * turn["mean"] for turn in turns) / n
            between = sum(turn["count"] * (turn["mean"] - mean) ** 2 for turn in turns) / n
            within = sum(turn["count"] * turn["standardDeviation"] ** 2 for turn in turns) / n
            shares.append(between / (between + within))
            betweens.append(between**0.5)
            withins.append(within**0.5)
        if shares:
            body.append(
                (
                    scenario,
                    f"{statistics.fmean(betweens):.3f}",
                    f"{statistics.fmean(withins):.3f}",
                    f"{statistics.fmean(shares):.1%}",
                )
            )
    return (
        (
            "## Why pooled statistics do as well here\n\nOf uniform's losses: spread of the turns' means, spread "
            "within a turn, and the share of the variance that the turn index explains.\n\n"
            + rows(("scenario", "sd of turn means", "sd within a turn", "explained by the turn index"), body)
        )
        if body
        else ""
    )
