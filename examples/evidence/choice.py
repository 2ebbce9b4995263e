"""From results to decisions: differences to the uniform arm, the rule of the choice, the rules of the protocols."""

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


def confirm(results, protocol):
    """{what the candidate is compared with: its paired difference there, with "adjusted" p}, by the protocol."""
    found = {
        other: results.compare(protocol.scenario, protocol.candidate, other)
        for other in (*protocol.controls, protocol.rival)
    }
    found = {other: difference for other, difference in found.items() if difference}
    adjusted = {}
    for family in (protocol.controls, tuple(found)):
        for other, p in holm({other: found[other]["p"] for other in family if other in found}).items():
            adjusted[other] = max(p, adjusted.get(other, 0.0))
    return {other: difference | {"adjusted": adjusted[other]} for other, difference in found.items()}


def against_rival(results, protocol):
    """The paired difference to the rival, mean over the noisy and the clean scenario; None where not run."""
    both = (protocol.scenario, f"{protocol.scenario}-clean")
    arms = (protocol.candidate, protocol.rival)
    seeds = sorted(set.intersection(*(set(results.seeds(scenario, *arms)) for scenario in both)))
    if not seeds:
        return None
    loss = lambda arm, seed: statistics.fmean(results.of[one, arm][seed]["scores"]["loss"] for one in both)
    return paired(*([loss(arm, seed) for seed in seeds] for arm in arms))


def decisions(results, protocol):
    """(whether "it helps" is confirmed, whether the candidate replaces the rival); None where that was not run."""
    compared = confirm(results, protocol)
    controls = [compared.get(other) for other in protocol.controls]
    if not all(controls):
        return None, None
    helps = all(one["mean"] < 0 and one["adjusted"] < 0.05 for one in controls)
    both = against_rival(results, protocol)
    clean = [results.compare(f"{protocol.scenario}-clean", one) for one in (protocol.candidate, protocol.rival)]
    if both is None or not all(clean):
        return helps, None
    return helps, helps and both["high"] < 0 and clean[0]["mean"] <= clean[1]["mean"]
