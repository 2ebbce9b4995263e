"""Of the rules that turn results into decisions, on made-up results."""

import pathlib
import random
import sys
import tempfile
import types
import unittest

try:
    import numpy  # what the plan is made of needs it
    import torch
except ImportError as missing:
    raise unittest.SkipTest(f"{missing}: the rules are not tested")

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import choice
import evidence
import plan
import report
import runner

GOOD = {
    f"{plan.CHOSEN}": -0.010,
    plan.DEFAULT_ARM: -0.004,
    plan.FIRST.prefilter: 0.03,
    f"{plan.CHOSEN}/shuffled": 0.001,
    "oracle": -0.06,
}


def result(scenario, arm, seed, loss):
    scores = {
        "loss": loss,
        "hard": loss + 1,
        "easy": loss - 0.2,
        "recall": 0.2,
        "domains": {plan.SCENARIOS[scenario]["rare"]: loss},
    }
    return {
        "scenario": scenario,
        "arm": arm,
        "seed": seed,
        "steps": 160,
        "seconds": 9.0,
        "scores": scores,
        "gradientNorm": {"mean": 0.4, "sd": 0.04},
        "weights": {"all": 0.9, "clean": 0.95, "hard clean": 0.8, "source all": 0.9},
        "detection": {"all": {"weight": 0.6, "loss": 0.6, "base": 0.5, "excess": 0.7}},
        "turns": [{"turn": t, "count": 100, "mean": 2 + t, "standardDeviation": 1.0} for t in range(2)],
    }


def made_up(effects, seeds=plan.FIRST.seeds, spread=0.002, **of_scenario):
    """Results whose arms differ from uniform by an effect and noise; seeds differ by much more."""
    results = choice.Results.__new__(choice.Results)
    results.of = {}
    generator = random.Random(11)
    for scenario, arms in {"confirmation": effects, **of_scenario}.items():
        scenario = scenario.replace("_", "-")
        for seed in seeds:
            level = 2.5 + generator.gauss(0, 0.1)
            for arm, effect in {"uniform": 0.0, **arms}.items():
                noise = 0 if arm == "uniform" else generator.gauss(0, spread)
                results.of.setdefault((scenario, arm), {})[seed] = result(scenario, arm, seed, level + effect + noise)
    return results


CLEAN = {plan.CHOSEN: 0.001, plan.DEFAULT_ARM: 0.006}


class ChoiceTest(unittest.TestCase):
    def test_the_smallest_mean_of_both_scenarios_is_chosen(self):
        results = made_up(
            {}, range(1, 6), 0.0, p40={"exp-1-2": -0.02, "clip-0.5": -0.01}, clean={"exp-1-2": 0.02, "clip-0.5": 0.0}
        )
        chosen = choice.choose(results)
        self.assertEqual(list(chosen), ["clip-0.5", "exp-1-2"])
        self.assertAlmostEqual(chosen["clip-0.5"], -0.005)

    def test_a_clear_gain_is_confirmed_and_changes_the_default(self):
        self.assertEqual(choice.decisions(made_up(GOOD, confirmation_clean=CLEAN), plan.FIRST), (True, True))

    def test_what_is_no_better_than_shuffled_is_not_confirmed(self):
        effects = GOOD | {f"{plan.CHOSEN}/shuffled": GOOD[plan.CHOSEN]}
        self.assertEqual(choice.decisions(made_up(effects, confirmation_clean=CLEAN), plan.FIRST), (False, False))

    def test_what_costs_more_on_clean_data_than_the_default_does_not_replace_it(self):
        dear = {plan.CHOSEN: 0.007, plan.DEFAULT_ARM: 0.006}
        self.assertEqual(choice.decisions(made_up(GOOD, confirmation_clean=dear), plan.FIRST), (True, False))

    def test_what_is_like_the_default_does_not_replace_it(self):
        effects = GOOD | {plan.DEFAULT_ARM: GOOD[plan.CHOSEN]}
        alike = {plan.CHOSEN: 0.006, plan.DEFAULT_ARM: 0.006}
        self.assertEqual(choice.decisions(made_up(effects, confirmation_clean=alike), plan.FIRST)[1], False)

    def test_nothing_is_decided_without_what_decides(self):
        some = {arm: effect for arm, effect in GOOD.items() if arm != plan.FIRST.prefilter}
        self.assertEqual(choice.decisions(made_up(some), plan.FIRST), (None, None))
        self.assertEqual(choice.decisions(made_up(GOOD), plan.FIRST), (True, None))

    def test_the_larger_of_both_corrections_is_used(self):
        compared = choice.confirm(made_up(GOOD), plan.FIRST)
        for one in compared.values():
            self.assertEqual(one["p"], 2 / 4096)  # 12 differences of one sign
            self.assertEqual(one["adjusted"], 4 * 2 / 4096)

    def test_only_seeds_of_both_arms_are_compared(self):
        results = made_up(GOOD)
        del results.of["confirmation", plan.CHOSEN][103]
        self.assertEqual(results.compare("confirmation", plan.CHOSEN)["n"], 11)
        self.assertIsNone(results.compare("confirmation", "no such arm"))


class StagesTest(unittest.TestCase):
    def test_every_run_of_every_stage_exists(self):
        for short in (False, True):
            for stage, tasks in plan.stages(short).items():
                for scenario, arm, _ in tasks:
                    self.assertIn(scenario, plan.SCENARIOS)
                    self.assertIn(arm, plan.ARMS)
                self.assertEqual(len(set(tasks)), len(tasks), stage)

    def test_a_confirmation_has_fresh_seeds_and_all_that_its_protocol_compares(self):
        used = set(plan.CHOICE_SEEDS)
        for stage, protocol in (("confirmation", plan.FIRST), ("second confirmation", plan.SECOND)):
            tasks = plan.stages(False)[stage]
            seeds = {seed for _, _, seed in tasks}
            self.assertTrue(len(seeds) >= 12 and not seeds & used, seeds)
            used |= seeds
            arms = {arm for scenario, arm, _ in tasks if scenario == protocol.scenario}
            self.assertLessEqual({protocol.candidate, protocol.rival, *protocol.controls}, arms)

    def test_at_most_six_are_chosen_from(self):
        self.assertLessEqual(len(plan.CANDIDATES), 6)
        self.assertIn(plan.CHOSEN, plan.CANDIDATES)


class ReportTest(unittest.TestCase):
    def test_the_table_says_what_was_decided_and_names_every_arm(self):
        results = made_up(GOOD, confirmation_clean=CLEAN)
        table = report.table(results, None, True)
        for arm in GOOD:
            self.assertIn(f"| {arm} | 12 |", table)
        self.assertIn("It replaces exp-1-2: **yes**", table)
        self.assertIn("| confirmation | 12 |", table)
        self.assertIn("short form", table)

    def test_results_are_read_back_from_their_files(self):
        with tempfile.TemporaryDirectory() as folder:
            options = types.SimpleNamespace(dialogues=None, results=folder, cache=folder)
            place = runner.Workplace.__new__(runner.Workplace)
            place.options, place.results = options, pathlib.Path(folder)
            one = result("p40", f"{plan.DEFAULT_ARM}/shuffled", 2, 2.5)
            runner.keep(place.file("p40", one["arm"], 2), one)
            self.assertEqual(choice.Results(place).of, {("p40", one["arm"]): {2: one}})

    def test_runs_named_on_the_command_line(self):
        self.assertEqual(
            evidence.tasks("p40:uniform,clip-0:2-3"),
            [("p40", "uniform", 2), ("p40", "clip-0", 2), ("p40", "uniform", 3), ("p40", "clip-0", 3)],
        )
