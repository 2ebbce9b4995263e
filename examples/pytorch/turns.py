"""ReSURE weights for a training loop: the arithmetic. Copy it with resure.py. The tensor part needs torch 1.13.

Tensors: `token_losses` are the unreduced losses of a micro-batch; `turns`, of the same shape, says which supervised
turn of its dialogue a token belongs to, -1 for none; `rows`, of the same shape, which dialogue of the batch, by default
the row that it is in: to be given where several dialogues are packed into one sequence.
"""
import hashlib
import math

try:
    import torch
    from torch import distributed
    from torch.nn.functional import cross_entropy, pad
except ImportError:  # weighing locally works without
    torch = None

FUNCTIONS = {  # of sharpness * (z - threshold) > 0; clip is below
    "exponential": lambda e: math.exp(-e), "gaussian": lambda e: math.exp(-e * e / 2), "uniform": lambda e: 1.0,
    "cauchy": lambda e: 1 / (1 + e * e), "sigmoid": lambda e: 2 / (1 + math.exp(min(e, 700))), "hard": lambda e: 0.0}


def weigh_locally(configuration, turns, run_mean, dialogues):
    """What the service would answer against these statistics; 1 (0 for an unusable loss) where none are known: None."""
    limit = configuration.get("maxLoss", 100.0)
    if turns is None or configuration["shadow"]:
        return [[x if x is None else float(abs(x) <= limit) for x in dialogue["losses"]] for dialogue in dialogues]
    known = {turn["turn"]: turn for turn in turns}
    rows = [list(weigh_dialogue(configuration, known, dialogue)) for dialogue in dialogues]
    if configuration["normalization"] == "none":
        return rows
    tokens = [dialogue.get("tokens") or [1] * len(dialogue["losses"]) for dialogue in dialogues]
    pairs = [(w, n or 1) for row, counts in zip(rows, tokens) for w, n in zip(row, counts) if w]
    if configuration["normalization"] == "batchMean" and pairs:
        run_mean = sum(w * n for w, n in pairs) / sum(n for _, n in pairs)
    return [[w and w / run_mean for w in row] for row in rows]


def weigh_dialogue(configuration, known, dialogue):
    """The weights before normalization, with `known` statistics by turn."""
    floor, propagation = configuration["weighting"]["floor"], configuration["propagation"]
    carried = 0.0  # logarithms of the earlier turns' weights, decayed
    for turn, x in enumerate(dialogue["losses"], dialogue.get("firstTurn", 0)):
        usable = x is not None and abs(x) <= configuration["maxLoss"]
        own = own_weight(configuration, known.get(min(turn, configuration["maxTurns"] - 1)), x) if usable else 1.0
        lowered = max(floor, own * math.exp(propagation["strength"] * carried)) if carried < 0 else own
        yield lowered if usable else None if x is None else 0.0
        carried = propagation["decay"] * (carried + math.log(own))


def own_weight(configuration, turn, x):
    """The weight of a usable loss before propagation, against the statistics of its turn (None: never seen)."""
    weighting = configuration["weighting"]
    sd = math.sqrt(turn["m2"] / (turn["count"] - 1)) if turn and turn["count"] > 1 else 0.0
    if not turn or turn["seen"] < configuration["warmUp"] or sd <= 1e-6 * max(1, abs(turn["mean"] or 0)):
        return 1.0
    z, cap = (x - turn["mean"]) / sd, turn["mean"] + weighting["threshold"] * sd
    if z <= weighting["threshold"]:
        return 1.0
    f = FUNCTIONS.get(weighting["function"], FUNCTIONS["uniform"])  # one that is newer than this file weighs 1
    if weighting["function"] == "clip":
        return max(weighting["floor"], min(1.0, cap / x) if cap > 0 else 0.0)
    return max(weighting["floor"], f(weighting["sharpness"] * (z - weighting["threshold"])))


def divisor(configuration, run_mean):
    """What the weighted loss is divided by, beside its items, so that the learning rate keeps its meaning."""
    return run_mean if configuration.get("normalization") == "none" and not configuration["shadow"] else 1.0


def report(run):
    """For the trainer's log: of the weights applied since the last report, and the counts since the opening."""
    weights = list(run.applied) or [1.0]
    run.applied.clear()
    total = sum(weights)
    return {"mean_weight": total / len(weights), **run.counts,
            "effective_sample_ratio": total * total / sum(w * w for w in weights) / len(weights)}


def checked(answer, path, dialogues):
    """The answer of 2xx to a request, or ValueError: what came garbled must not reach a gradient."""
    try:
        if dialogues is not None:
            rows = [list(zip(row, dialogue["losses"])) for row, dialogue in zip(answer["weights"], dialogues)]
            whole = [len(row) for row in answer["weights"]] == [len(dialogue["losses"]) for dialogue in dialogues]
            fit = whole and all(w is None if x is None else 0 <= w < math.inf for row in rows for w, x in row)
            known = [answer["summary"]["runMeanWeight"]]
        else:
            fit, known = True, [answer["reference"]["runMeanWeight"]] if path == "/statistics" else []
        turns = (answer.get("statistics") or answer).get("turns", [])
        numbers = [x for t in turns for x in (t["turn"], t["seen"], t["count"], t["m2"], t["mean"] or 0.0)]
        if not (fit and all(0 < mean < math.inf for mean in known) and all(map(math.isfinite, numbers))):
            raise ValueError("not finite, or of another shape")
        if path == "":  # a configuration that cannot be weighed with is none
            weigh_locally(answer["configuration"], [], 1.0, [{"losses": [1.0]}])
        return answer
    except (ArithmeticError, AttributeError, LookupError, TypeError) as garbage:
        raise ValueError(repr(garbage)) from garbage


def turn_sums(token_losses, turns, dialogues, rows=None, group=None, replicated=False):
    """Sums of token losses and numbers of tokens, each [dialogues, turns], over all of `group` where one is given.

    Sequence parallel: each rank has a part of the sequence, and the sums are added. Tensor parallel: each rank has the
    same losses (`replicated`), and those of the first count. In double precision and without gradient.
    """
    if token_losses.shape != turns.shape:
        raise ValueError(f"weights per turn need the loss of each token, of shape {tuple(turns.shape)}, not "
                         f"{tuple(token_losses.shape)}: switch off a fused or chunked loss that reduces by itself")
    keep = turns >= 0
    size = turns.max().clamp(min=-1) + 1
    if group is not None:
        distributed.all_reduce(size, distributed.ReduceOp.MAX, group)
    rows = torch.arange(len(turns), device=turns.device).unsqueeze(1).expand_as(turns) if rows is None else rows
    index = rows[keep] * size + turns[keep]
    sums = torch.zeros(dialogues * int(size), dtype=torch.float64, device=turns.device)
    counts = torch.zeros_like(sums)
    if not replicated or distributed.get_rank(group) == 0:
        sums.index_add_(0, index, token_losses.detach()[keep].double())
        counts.index_add_(0, index, torch.ones_like(index, dtype=torch.float64))
    if group is not None:
        distributed.all_reduce(sums, group=group)
        distributed.all_reduce(counts, group=group)
    return sums.view(dialogues, int(size)), counts.view(dialogues, int(size))


def weigh_turns(run, step, token_losses, turns, dialogues, micro_batch=0, rows=None, group=None, replicated=False):
    """Posts the turns' mean losses; the weights as a tensor [dialogues, turns], divided by the run's mean weight.

    `dialogues` are what is posted of each, without its losses: {"id": ..., "source": ...}. Of a sequence or tensor
    parallel `group` the first rank posts (`run` may be None on the others), and all get its weights.
    """
    sums, counts = turn_sums(token_losses, turns, len(dialogues), rows, group, replicated)
    weights = torch.ones_like(sums)
    if group is None or distributed.get_rank(group) == 0:
        losses = [[s / n if n else None for s, n in zip(*row)] for row in zip(sums.tolist(), counts.tolist())]
        tokens = counts.long().tolist()
        posted = [{**dialogue, "losses": x, "tokens": n} for dialogue, x, n in zip(dialogues, losses, tokens)]
        answer = run.weigh(step, posted, micro_batch)
        weights = torch.tensor([[1.0 if w is None else w / run.mean_weight for w in row] for row in answer],
                               dtype=torch.float64, device=sums.device).view_as(sums)
    if group is not None:
        distributed.broadcast(weights, distributed.get_global_rank(group, 0), group)
    return weights


def weighted_sum(token_losses, turns, weights, rows=None):
    """Sum of weight times loss over the supervised tokens; divide it by the items of the step, as the trainer does.

    With all weights 1 its gradient is that of the plain sum, bit for bit. Turns of weight 0 are left out by selection,
    since 0 times NaN is NaN.
    """
    rows = torch.arange(len(turns), device=turns.device).unsqueeze(1).expand_as(turns) if rows is None else rows
    keep = turns >= 0
    of_token = weights[rows[keep], turns[keep]].to(token_losses.dtype)
    return (token_losses[keep][of_token > 0] * of_token[of_token > 0]).sum()


def broken(token_losses, turns):
    """Whether logits were not finite, which makes a supervised token's loss NaN, and the gradient too.

    Such an optimizer step is to be skipped: see `on_any_rank`. An infinite loss alone is merely unusable: weight 0.
    """
    return bool(token_losses.detach()[turns >= 0].isnan().any())


def on_any_rank(flag, device="cpu", group=None):
    """Whether it is so on any rank: data-parallel ranks must skip a step all together, or they drift apart."""
    flag = torch.tensor(float(flag), device=device)
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(flag, distributed.ReduceOp.MAX, group)
    return bool(flag)


def token_losses_of(logits, labels):
    """Loss of each next token, in the shape of `labels` (-100: none), and the labels, shifted to where it is predicted.

    As transformers' causal loss computes it, but not reduced: the gradient of its sum is the same, bit for bit.
    """
    if logits is None or getattr(logits, "shape", ())[:2] != labels.shape:
        raise ValueError("weights per turn need the logits of each token: switch off a fused or chunked loss (Liger, "
                         "chunked cross-entropy, logits_to_keep), which keeps them to itself")
    shifted = pad(labels[:, 1:], (0, 1), value=-100)
    losses = cross_entropy(logits.float().view(-1, logits.shape[-1]), shifted.reshape(-1), reduction="none")
    return losses.view(labels.shape), shifted


def turns_of(shifted, position_ids=None):
    """(turns, rows, documents) of shifted labels, in which each unbroken run of supervised tokens is a turn.

    A row is a document or, where `position_ids` start again from 0 within it, several that are packed. Only documents
    with a supervised token get a number in `rows`; `documents` says of each of those which input tokens are its own.
    """
    first = torch.zeros_like(shifted, dtype=torch.bool)
    first[:, 0] = True
    if position_ids is not None:
        first |= position_ids.view_as(first) == 0
    document = first.flatten().cumsum(0).view_as(shifted)  # of each input token, from 1
    of_label = pad(document[:, 1:], (0, 1))  # of the token that is predicted
    supervised = shifted != -100
    goes_on = pad(supervised[:, :-1], (1, 0))
    run = (supervised & ~goes_on).flatten().cumsum(0).view_as(shifted)[supervised]  # of all turns of the batch, from 1
    numbers, row = torch.unique(of_label[supervised], return_inverse=True)
    start = run[torch.searchsorted(row, torch.arange(len(numbers), device=row.device))]  # both rise
    turns, rows = torch.full_like(shifted, -1), torch.zeros_like(shifted)
    turns[supervised], rows[supervised] = run - start[row], row
    return turns, rows, [document == number for number in numbers]


def dialogue_id(tokens):
    """An id for a dialogue whose own did not survive tokenizing and packing: the same for the same tokens."""
    return hashlib.sha256(",".join(map(str, tokens)).encode()).hexdigest()[:32]
