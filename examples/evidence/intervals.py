"""The statistics of the comparison: paired differences, their intervals, Holm's correction, AUROC, Spearman's rho."""

import itertools
import math
import random
import statistics


def paired(a, b, level=0.95):
    """Differences a - b of the same seeds: mean, sd, and Student's t interval of the mean."""
    differences = [x - y for x, y in zip(a, b)]
    mean = statistics.fmean(differences)
    if len(differences) < 2:
        return {"n": len(differences), "mean": mean, "sd": math.nan, "low": math.nan, "high": math.nan, "p": math.nan}
    sd = statistics.stdev(differences)
    half = t_quantile(0.5 + level / 2, len(differences) - 1) * sd / math.sqrt(len(differences))
    return {
        "n": len(differences),
        "mean": mean,
        "sd": sd,
        "low": mean - half,
        "high": mean + half,
        "p": sign_flip(differences),
    }


def sign_flip(differences, rounds=20000):
    """Two-sided p of the hypothesis that differences are symmetric about 0: the share of all choices of signs whose
    mean is at least as far from 0. Exact up to 16 differences, else by sampling."""
    n = len(differences)
    seen = abs(sum(differences)) * (1 - 1e-12)
    if n <= 16:
        signs = itertools.product((1, -1), repeat=n)
        total = 2**n
        extreme = sum(abs(sum(s * d for s, d in zip(sign, differences))) >= seen for sign in signs)
        return extreme / total
    generator = random.Random(1)
    extreme = sum(abs(sum(d if generator.random() < 0.5 else -d for d in differences)) >= seen for _ in range(rounds))
    return (extreme + 1) / (rounds + 1)


def t_cdf(t, freedom):
    """Student's distribution function, by Simpson's rule on the angle: t = sqrt(freedom) tan(angle)."""
    angle = math.atan(t / math.sqrt(freedom))
    n = 2000
    h = angle / n
    f = lambda x: math.cos(x) ** (freedom - 1)
    area = (
        h
        / 3
        * (f(0) + f(angle) + 4 * sum(f(h * i) for i in range(1, n, 2)) + 2 * sum(f(h * i) for i in range(2, n, 2)))
    )
    return 0.5 + area * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)


def t_quantile(p, freedom):
    low, high = -1e3, 1e3
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, freedom) < p else (low, middle)
    return (low + high) / 2


def holm(p_values):
    """Adjusted p values of {name: p} (Holm 1979): each is to be compared with the level as it is."""
    adjusted, worst = {}, 0.0
    for i, name in enumerate(sorted(p_values, key=p_values.get)):
        worst = max(worst, min(1.0, (len(p_values) - i) * p_values[name]))
        adjusted[name] = worst
    return adjusted


def ranks(values):
    """1-based, ties share their mean rank."""
    order = sorted(range(len(values)), key=values.__getitem__)
    result, i = [0.0] * len(values), 0
    while i < len(order):
        j = i
        while j < len(order) and values[order[j]] == values[order[i]]:
            j += 1
        for k in order[i:j]:
            result[k] = (i + j + 1) / 2
        i = j
    return result


def auroc(scores, labels):
    """Probability that a labelled observation scores above another, ties counting half; nan without either."""
    bad = sum(labels)
    good = len(labels) - bad
    if not bad or not good:
        return math.nan
    rank_sum = sum(rank for rank, label in zip(ranks(scores), labels) if label)
    return (rank_sum - bad * (bad + 1) / 2) / (bad * good)


def spearman(x, y):
    """Rank correlation, Pearson's of the ranks; nan where one of them is constant."""
    a, b = ranks(x), ranks(y)
    mean_a, mean_b = statistics.fmean(a), statistics.fmean(b)
    covariance = sum((p - mean_a) * (q - mean_b) for p, q in zip(a, b))
    scale = math.sqrt(sum((p - mean_a) ** 2 for p in a) * sum((q - mean_b) ** 2 for q in b))
    return covariance / scale if scale else math.nan
