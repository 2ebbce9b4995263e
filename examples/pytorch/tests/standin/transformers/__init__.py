"""A stand-in for the part of transformers that train_transformers.py meets, for machines where it cannot be had.

It follows what Trainer of transformers 4.46 to 5 does with `compute_loss_func`, with `num_items_in_batch`, with gradient
accumulation and with callbacks, and nothing else.
"""
import types

import torch

AutoModelForCausalLM = AutoTokenizer = DataCollatorForSeq2Seq = DataCollatorWithFlattening = None


class TrainerCallback:
    def on_train_begin(self, args, state, control, **kwargs):
        pass

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        pass


class TrainingArguments(types.SimpleNamespace):
    """Of all its fields, those that the stand-in looks at."""

    def __init__(self, **fields):
        super().__init__(**{"gradient_accumulation_steps": 1, "world_size": 1, "average_tokens_across_devices": True,
                            "device": "cpu", "fp16": False, "learning_rate": 0.01, **fields})


class Trainer:
    def __init__(self, model, args, train_dataset, compute_loss_func=None, callbacks=None):
        self.model, self.args, self.train_dataset, self.compute_loss_func = model, args, train_dataset, compute_loss_func
        self.callbacks, self.logged = list(callbacks or []), []
        self.state = types.SimpleNamespace(global_step=0)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate)

    def add_callback(self, callback):
        self.callbacks.append(callback)

    def call(self, event):
        for callback in self.callbacks:
            getattr(callback, event)(self.args, self.state, None, model=self.model, optimizer=self.optimizer)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        inputs = dict(inputs)
        if self.compute_loss_func is not None and "labels" in inputs:
            labels = inputs.pop("labels")
            outputs = model(**inputs)
            loss = self.compute_loss_func(outputs, labels, num_items_in_batch=num_items_in_batch)
        else:
            outputs = model(**inputs, num_items_in_batch=num_items_in_batch)
            loss = outputs["loss"]
        return (loss, outputs) if return_outputs else loss

    def train(self, first_step=0):
        self.state.global_step = first_step
        self.call("on_train_begin")
        gathered = self.args.gradient_accumulation_steps
        for start in range(0, len(self.train_dataset), gathered):
            batches = self.train_dataset[start:start + gathered]
            items = sum(batch["labels"].ne(-100).sum() for batch in batches)
            total = 0.0
            for batch in batches:
                self.model.train()
                loss = self.compute_loss(self.model, batch, num_items_in_batch=items)
                loss.backward()
                total += loss.item()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.call("on_pre_optimizer_step")
            self.optimizer.step()
            self.model.zero_grad()
            self.state.global_step += 1
            self.log({"loss": total})

    def evaluate(self, batches):
        self.model.eval()
        with torch.no_grad():
            losses = [self.compute_loss(self.model, batch).item() for batch in batches]
        self.log({"eval_loss": sum(losses) / len(losses)})
        return losses

    def log(self, logs, start_time=None):
        self.logged.append(logs)
