"""Of the statistics, against values computed elsewhere (SciPy 1.10.1), by hand or by brute force."""

import math
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from intervals import auroc, holm, paired, ranks, sign_flip, spearman, t_cdf, t_quantile


class IntervalsTest(unittest.TestCase):
    def test_student_quantiles_are_those_of_tables(self):
        for freedom, expected in ((1, 12.7062), (4, 2.7764), (11, 2.2010), (100, 1.9840)):
            self.assertAlmostEqual(t_quantile(0.975, freedom), expected, places=4)

    def test_student_distribution_is_symmetric(self):
        for freedom in (1, 5, 11):
            self.assertAlmostEqual(t_cdf(1.3, freedom) + t_cdf(-1.3, freedom), 1.0, places=12)

    def test_a_paired_interval_is_that_of_the_differences(self):
        result = paired([2.0, 4.0, 6.0, 9.0], [1.0, 2.0, 3.0, 4.0])  # differences 1, 2, 3, 5
        self.assertAlmostEqual(result["mean"], 2.75)
        self.assertAlmostEqual(result["sd"], 1.707825127659933)
        self.assertAlmostEqual(result["low"], 2.75 - 3.182446305284263 * 1.707825127659933 / 2, places=9)
        self.assertAlmostEqual(result["high"], 2.75 + 3.182446305284263 * 1.707825127659933 / 2, places=9)
        self.assertEqual(result["p"], 2 / 16)  # only all plus and all minus are as far from 0

    def test_what_all_seeds_share_cancels_in_pairs(self):
        generator = random.Random(3)
        shared = [generator.gauss(0, 100) for _ in range(8)]
        a, b = [s + 1 for s in shared], list(shared)
        self.assertAlmostEqual(paired(a, b)["high"] - paired(a, b)["low"], 0, places=9)

    def test_a_difference_of_nothing_has_p_one(self):
        self.assertEqual(sign_flip([0.0, 0.0, 0.0]), 1.0)

    def test_twelve_differences_of_one_sign_have_the_smallest_p(self):
        self.assertEqual(sign_flip([0.1 * i + 0.1 for i in range(12)]), 2 / 4096)

    def test_p_is_uniform_where_nothing_differs(self):
        generator = random.Random(5)
        below = sum(sign_flip([generator.gauss(0, 1) for _ in range(8)]) <= 0.1 for _ in range(400))
        self.assertTrue(20 <= below <= 60, below)

    def test_holm_steps_down(self):
        adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03})
        self.assertEqual({name: round(p, 10) for name, p in adjusted.items()}, {"a": 0.03, "c": 0.06, "b": 0.06})

    def test_holm_of_one_hypothesis_changes_nothing_and_never_exceeds_one(self):
        self.assertEqual(holm({"a": 0.2}), {"a": 0.2})
        self.assertEqual(max(holm({"a": 0.9, "b": 0.8}).values()), 1.0)

    def test_auroc_counts_pairs_and_ties_as_half(self):
        generator = random.Random(7)
        for _ in range(50):
            scores = [generator.randrange(4) for _ in range(12)]
            labels = [True, False] + [generator.random() < 0.4 for _ in range(10)]
            pairs = [
                (s > t) + (s == t) / 2
                for s, bad in zip(scores, labels)
                if bad
                for t, other in zip(scores, labels)
                if not other
            ]
            self.assertAlmostEqual(auroc(scores, labels), sum(pairs) / len(pairs), msg=f"{scores} {labels}")

    def test_auroc_without_one_of_the_two_is_nan(self):
        self.assertTrue(math.isnan(auroc([1.0, 2.0], [True, True])))

    def test_ties_share_their_rank(self):
        self.assertEqual(ranks([3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0])

    def test_spearman_is_one_for_any_rising_function_and_known_with_ties(self):
        self.assertAlmostEqual(spearman([1, 2, 3, 4], [1, 8, 27, 64]), 1.0)
        self.assertAlmostEqual(spearman([1, 2, 3, 4], [4, 3, 2, 1]), -1.0)
        self.assertAlmostEqual(spearman([1, 2, 2, 4], [1, 3, 2, 4]), 0.9486832980505138)
        self.assertTrue(math.isnan(spearman([1, 2], [5, 5])))
