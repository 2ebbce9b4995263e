"""The plots of the results (SVG), where matplotlib can be had."""

import statistics

import plan
import report


def draw(results, folder):
    """Returns the names of the files written; raises ImportError without matplotlib."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "resure"  # the same results make the same file
    import matplotlib.pyplot as plot

    written = []

    def save(figure, name):
        figure.tight_layout()
        figure.savefig(folder / name, metadata={"Date": None})
        plot.close(figure)
        written.append(name)

    for scenarios, name in (
        (("p40", "clean"), "choice.svg"),
        (("confirmation", "confirmation-clean"), "confirmation.svg"),
        (("second", "second-clean"), "second.svg"),
    ):
        found = {scenario: differences(results, scenario) for scenario in scenarios}
        if not found[scenarios[0]]:
            continue
        arms = list(found[scenarios[0]])
        figure, axes = plot.subplots(1, 2, figsize=(9, 1 + 0.27 * len(arms)), sharey=True)
        for axis, scenario in zip(axes, scenarios):
            forest(axis, found[scenario], arms)
            axis.set_title(scenario)
            axis.set_xlabel("held-out loss minus uniform's, nats per token")
        save(figure, name)
    if report.by_size(results, "uniform", report.LOSS):
        figure, axis = plot.subplots(figsize=(5, 3.5))
        for arm in ("uniform", plan.CHOSEN, "oracle"):
            at = {}
            for of in report.by_size(results, arm, report.LOSS).values():
                for size, loss in of:
                    at.setdefault(size, []).append(loss)
            if at:
                sizes = sorted(at)
                spread = [statistics.stdev(at[size]) if len(at[size]) > 1 else 0 for size in sizes]
                axis.errorbar(
                    sizes, [statistics.fmean(at[size]) for size in sizes], spread, marker="o", capsize=3, label=arm
                )
        axis.set_xscale("log", base=2)
        axis.set_xticks((*plan.SIZES, 640), (*plan.SIZES, 640))
        axis.set_xlabel("dialogues, 40 % of their responses corrupted")
        axis.set_ylabel("held-out loss (sd over seeds)")
        axis.legend()
        save(figure, "sizes.svg")
    return written


def differences(results, scenario):
    """{arm: its difference to uniform}, the best first. What costs more than 0.05 would flatten others: left out."""
    found = {arm: results.compare(scenario, arm) for arm in results.arms(scenario) if arm != "uniform"}
    found = {arm: one for arm, one in found.items() if one and one["n"] > 1 and one["mean"] < 0.05}
    return dict(sorted(found.items(), key=lambda item: item[1]["mean"]))


def forest(axis, found, arms):
    for i, arm in enumerate(arms):
        if arm in found:
            one = found[arm]
            axis.errorbar(
                one["mean"],
                i,
                xerr=[[one["mean"] - one["low"]], [one["high"] - one["mean"]]],
                fmt="o",
                capsize=3,
                color="C0",
            )
    axis.axvline(0, color="grey", linewidth=0.8)
    axis.set_yticks(range(len(arms)), arms)
    axis.set_ylim(len(arms) - 0.5, -0.5)
