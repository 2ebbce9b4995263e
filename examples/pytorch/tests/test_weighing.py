"""Weighing locally says what the service says: the golden vectors, and normalization by hand."""
import json
import math
import unittest

from scripted import CONFIGURATION, HERE, TURNS

from turns import weigh_dialogue, weigh_locally

VECTORS = HERE.parents[2] / "openapi" / "vectors" / "weighing.json"


class WeighingTest(unittest.TestCase):
    def test_golden_vectors(self):
        vectors = json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"]
        self.assertGreater(len(vectors), 100)
        for vector in vectors:
            known = {turn["turn"]: turn for turn in vector["turns"]}
            for dialogue, expected, tolerances in zip(vector["dialogues"], vector["weights"], vector["tolerances"]):
                weights = list(weigh_dialogue(vector["configuration"], known, dialogue))
                self.assertEqual(len(expected), len(weights))
                for turn, (weight, value, tolerance) in enumerate(zip(weights, expected, tolerances)):
                    with self.subTest(vector["name"], dialogue=dialogue, turn=turn):
                        if value is None or value in (0, 1):
                            self.assertEqual(value, weight)
                        else:
                            self.assertLessEqual(abs(weight - value), tolerance)

    def weigh(self, dialogues, turns=TURNS, run_mean=0.8, **configuration):
        return weigh_locally({**CONFIGURATION, **configuration}, turns, run_mean, dialogues)

    def test_normalization(self):
        dialogues = [{"losses": [2.0, 1.0], "tokens": [30, 0]}, {"losses": [4.0, None, math.nan]}]
        self.assertEqual([[1.0, 1.0], [0.05, None, 0.0]], self.weigh(dialogues))
        self.assertEqual([[1.25, 1.25], [0.0625, None, 0.0]], self.weigh(dialogues, normalization="runMean"))
        mean = (30 * 1.0 + 1 * 1.0 + 1 * 0.05) / 32  # no tokens, or 0 of them, count as 1
        expected = [[1 / mean, 1 / mean], [0.05 / mean, None, 0.0]]
        self.assertEqual(expected, self.weigh(dialogues, normalization="batchMean"))

    def test_a_batch_without_a_usable_loss_is_not_normalized(self):
        self.assertEqual([[None, 0.0]], self.weigh([{"losses": [None, math.inf]}], normalization="batchMean"))

    def test_shadow_and_unknown_statistics_answer_1(self):
        dialogues = [{"losses": [4.0, None, math.nan, 101.0]}]
        self.assertEqual([[1.0, None, 0.0, 0.0]], self.weigh(dialogues, shadow=True))
        self.assertEqual([[1.0, None, 0.0, 0.0]], self.weigh(dialogues, turns=None))
        self.assertEqual([[1.0, None, 0.0, 0.0]], weigh_locally({}, None, 1.0, dialogues))

    def test_a_function_newer_than_this_file_weighs_1(self):
        weighting = {**CONFIGURATION["weighting"], "function": "of-tomorrow"}
        self.assertEqual([[1.0]], self.weigh([{"losses": [9.0]}], weighting=weighting))

    def test_a_turn_that_has_only_unusable_losses_is_in_warm_up(self):
        turn = {"turn": 0, "count": 0, "seen": 0, "mean": None, "m2": 0.0}
        self.assertEqual([[1.0]], self.weigh([{"losses": [9.0]}], turns=[turn], warmUp=2))


if __name__ == "__main__":
    unittest.main()
