#!/usr/bin/env python3
"""TRL's SFTTrainer with turns weighed through the service, packing included. Needs TRL 0.20 or newer.

    python3 train_trl.py MODEL DIALOGUES --address http://127.0.0.1:8080 --run sft

DIALOGUES as for train_transformers.py. SFTTrainer tokenizes and packs by itself: with `assistant_only_loss` its labels
are the assistant's tokens, and its packed batches say by `position_ids` where a dialogue begins.
"""
import argparse
import uuid

from accelerate.utils import broadcast_object_list
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

from resure import Run
from train_transformers import WeighedTurns


class WeighedSFTTrainer(WeighedTurns, SFTTrainer):
    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("dialogues")
    parser.add_argument("--address", default="http://127.0.0.1:8080")
    parser.add_argument("--run", default="sft")
    parser.add_argument("--packed", action="store_true", help="needs flash attention")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    arguments = SFTConfig("out-" + options.run, assistant_only_loss=True, packing=options.packed, max_length=2048,
                          per_device_train_batch_size=4, gradient_accumulation_steps=4, logging_steps=10,
                          save_steps=100, average_tokens_across_devices=True,
                          model_init_kwargs={"attn_implementation": "flash_attention_2"} if options.packed else None)
    attempt, = broadcast_object_list([uuid.uuid4().hex])  # the same on all ranks
    run = Run(options.address, options.run, rank=arguments.process_index, attempt=attempt)
    trainer = WeighedSFTTrainer(options.model, args=arguments, run=run,
                                train_dataset=load_dataset("json", data_files=options.dialogues, split="train"))
    trainer.train(resume_from_checkpoint=options.resume)
    run.close()
    print("fallbacks:", sum(n for name, n in run.counts.items() if name.startswith("fallback")), dict(run.counts))


if __name__ == "__main__":
    main()
