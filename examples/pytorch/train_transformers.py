#!/usr/bin/env python3
"""A transformers Trainer that weighs the assistant's turns through the service. Needs transformers 4.46 or newer.

    python3 train_transformers.py MODEL DIALOGUES --address http://127.0.0.1:8080 --run hf

DIALOGUES has a JSON object a line: {"id", "source", "messages": [{"role", "content"}, ...]}. A turn is an unbroken run
of tokens that the chat template marks as the assistant's, so the template needs {% generation %}.
"""
import argparse
import json
import uuid

from accelerate.utils import broadcast_object_list
from transformers import (AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, DataCollatorWithFlattening,
                          Trainer, TrainerCallback, TrainingArguments)

from resure import Run
from turns import broken, dialogue_id, on_any_rank, report, token_losses_of, turns_of, weigh_turns, weighted_sum


class Steps(TrainerCallback):
    """What has to happen around a trainer's steps."""

    def __init__(self, trainer):
        self.trainer = trainer

    def on_train_begin(self, args, state, control, **_):
        self.trainer.run.rewind(state.global_step)  # that of the checkpoint when it resumes

    def on_pre_optimizer_step(self, args, state, control, model=None, **_):
        # Without gradients the optimizer's step does nothing. With fp16 the gradient scaler skips by itself.
        if on_any_rank(self.trainer.broken, args.device) and not args.fp16:
            model.zero_grad(set_to_none=True)
        self.trainer.broken = False


class WeighedTurns:
    """To be mixed into a Trainer, before it in the list of bases.

    `run` is the rank's; `dialogues` says what to post of a dialogue by the `dialogue_id` of its tokens (after
    truncation), {"id": ..., "source": ...}; where it says nothing, that id is the dialogue's name. Tokens outlive
    every collator and every packing; other columns do not.
    """

    def __init__(self, *arguments, run, dialogues=None, **named):
        super().__init__(*arguments, compute_loss_func=self.weighted_loss, **named)
        if getattr(self.args, "use_liger_kernel", False) or getattr(self.args, "loss_type", "nll") != "nll":
            raise ValueError("weights per turn need the loss of each token: no use_liger_kernel, and loss_type 'nll'")
        if self.args.world_size > 1 and not self.args.average_tokens_across_devices:
            raise ValueError("average_tokens_across_devices must be on: each rank would have its own denominator")
        self.run, self.dialogues, self.broken, self.place, self.inputs = run, dialogues or {}, False, (-1, 0), {}
        self.add_callback(Steps(self))

    def compute_loss(self, model, inputs, *arguments, **named):
        if "shift_labels" in inputs:
            raise ValueError("the labels are shifted for context parallelism: use turns.weigh_turns with its group")
        self.inputs = {name: inputs.get(name) for name in ("input_ids", "position_ids")}
        return super().compute_loss(model, inputs, *arguments, **named)

    def weighted_loss(self, outputs, labels, num_items_in_batch=None):
        """The Trainer's compute_loss_func, which it gives the supervised tokens of the whole step, of all ranks."""
        losses, shifted = token_losses_of(outputs["logits"] if "logits" in outputs else None, labels)
        if not self.model.training:
            return losses[shifted != -100].mean()  # an evaluation posts nothing
        if num_items_in_batch is None:
            raise ValueError("this Trainer does not count num_items_in_batch: transformers 4.46 or newer does")
        turns, rows, documents = turns_of(shifted, self.inputs["position_ids"])
        names = [dialogue_id(self.inputs["input_ids"][document].tolist()) for document in documents]
        posted = [self.dialogues.get(name, {"id": name}) for name in names]
        step = self.state.global_step
        self.place = (step, self.place[1] + 1 if self.place[0] == step else 0)
        weights = weigh_turns(self.run, step, losses, turns, posted, self.place[1], rows)
        self.broken = self.broken or broken(losses, turns)
        return weighted_sum(losses, turns, weights, rows) / num_items_in_batch

    def log(self, logs, *arguments, **named):
        if "loss" in logs:
            logs.update({"resure/" + name: value for name, value in report(self.run).items()})
        super().log(logs, *arguments, **named)


class WeighedTrainer(WeighedTurns, Trainer):
    pass


def tokenized(tokenizer, dialogue, length):
    encoded = tokenizer.apply_chat_template(dialogue["messages"], return_dict=True, return_assistant_tokens_mask=True,
                                            truncation=True, max_length=length)
    tokens, masks = encoded["input_ids"], encoded["assistant_masks"]
    if not any(masks):
        raise ValueError("no token is marked as the assistant's: the chat template needs {% generation %}")
    return {"input_ids": tokens, "labels": [token if mask else -100 for token, mask in zip(tokens, masks)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("dialogues")
    parser.add_argument("--address", default="http://127.0.0.1:8080")
    parser.add_argument("--run", default="hf")
    parser.add_argument("--packed", action="store_true", help="no padding; needs flash attention")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(
        options.model, **({"attn_implementation": "flash_attention_2"} if options.packed else {}))
    with open(options.dialogues, encoding="utf-8") as lines:
        dialogues = [json.loads(line) for line in lines]
    examples = [tokenized(tokenizer, dialogue, 2048) for dialogue in dialogues]
    names = {dialogue_id(example["input_ids"]): {name: dialogue[name] for name in ("id", "source") if name in dialogue}
             for example, dialogue in zip(examples, dialogues)}
    arguments = TrainingArguments("out-" + options.run, per_device_train_batch_size=4, gradient_accumulation_steps=4,
                                  logging_steps=10, save_steps=100, average_tokens_across_devices=True)
    collator = DataCollatorWithFlattening() if options.packed else DataCollatorForSeq2Seq(tokenizer)
    attempt, = broadcast_object_list([uuid.uuid4().hex])  # the same on all ranks
    run = Run(options.address, options.run, rank=arguments.process_index, attempt=attempt)
    trainer = WeighedTrainer(model=model, args=arguments, train_dataset=examples, data_collator=collator,
                             run=run, dialogues=names)
    trainer.train(resume_from_checkpoint=options.resume)
    run.close()
    print("fallbacks:", sum(n for name, n in run.counts.items() if name.startswith("fallback")), dict(run.counts))


if __name__ == "__main__":
    main()
