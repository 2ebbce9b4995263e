"""From results to decisions: differences to the uniform arm, the rule of the choice, the rules of PROTOCOL.md."""

import statistics

import plan
from intervals import holm, paired


class Results:
    """What was measured: {(scenario, arm): {seed: result}}."""

    def __init__(self, place):
        self.of = {}
        for scenario in plan.SCENARIOS:
            for file in sorted((place.results / scenario).glob("*.json")):
                result = place.read(file)
                self.of.setdefault((scenario, result["arm"]), {})[result["seed"]] = result

    def arms(self, scenario):
        return [arm for of, arm in self.of if of == scenario]

    def seeds(self, scenario, *arms):
        """Those that all of the arms were run under."""
        return sorted(set.intersection(*(set(self.of.get((scenario, arm), {})) for arm in arms)))

    def values(self, scenario, arm, seeds, score):
        return [score(self.of[scenario, arm][seed]) for seed in seeds]

    def compare(self, scenario, arm, other="uniform", score=lambda result: result["scores"]["loss"]):
        """The paired difference of a score, arm minus other; None where no seed was run under both."""
        seeds = self.seeds(scenario, arm, other)
        return paired(*(self.values(scenario, one, seeds, score) for one in (arm, other))) if seeds else None


def choose(results, candidates=plan.CANDIDATES):
    """{candidate: mean over p40 and clean of its mean difference to uniform}, the best first: that one is chosen."""
    means = {}
    for arm in candidates:
        found = [results.compare(scenario, arm) for scenario in ("p40", "clean")]
        if all(found):
            means[arm] = statistics.fmean(one["mean"] for one in found)
    return dict(sorted(means.items(), key=lambda item: item[1]))


def confirm(results, arm=plan.CHOSEN):
    """{what the arm is compared with: its paired difference there, with "adjusted" p}, by PROTOCOL.md."""
    three = ("uniform", plan.SAME_BUDGET, f"{arm}/shuffled")
    found = {other: results.compare("confirmation", arm, other) for other in (*three, plan.DEFAULT_ARM)}
    found = {other: difference for other, difference in found.items() if difference}
    adjusted = {}
    for family in (three, tuple(found)):
        for other, p in holm({other: found[other]["p"] for other in family if other in found}).items():
            adjusted[other] = max(p, adjusted.get(other, 0.0))
    return {other: difference | {"adjusted": adjusted[other]} for other, difference in found.items()}


def against_default(results, arm=plan.CHOSEN):
    """The paired difference to the shipped default, mean over both confirmation scenarios; None where not run."""
    both = ("confirmation", "confirmation-clean")
    seeds = sorted(set.intersection(*(set(results.seeds(scenario, arm, plan.DEFAULT_ARM)) for scenario in both)))
    if not seeds:
        return None
    of = lambda name: [
        statistics.fmean(results.of[scenario, name][seed]["scores"]["loss"] for scenario in both) for seed in seeds
    ]
    return paired(of(arm), of(plan.DEFAULT_ARM))


def decisions(results, arm=plan.CHOSEN):
    """(whether "it helps" is confirmed, whether the default changes); None where what decides was not run."""
    compared = confirm(results, arm)
    three = [compared.get(other) for other in ("uniform", plan.SAME_BUDGET, f"{arm}/shuffled")]
    if not all(three):
        return None, None
    helps = all(one["mean"] < 0 and one["adjusted"] < 0.05 for one in three)
    both = against_default(results, arm)
    clean = [results.compare("confirmation-clean", one) for one in (arm, plan.DEFAULT_ARM)]
    if both is None or not all(clean):
        return helps, None
    return helps, helps and both["high"] < 0 and clean[0]["mean"] <= clean[1]["mean"]
