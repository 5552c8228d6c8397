"""The same work by Hugging Face Trainer and plain PyTorch, told what to do by measure.py speed.

Mean-pooled BERT with dropout 0.1 and one linear layer, RAdam; training batches grouped by length, prediction
batches sorted by length or (``"sorted": false``, detoxify's way) in the order of the rows.
"""

import itertools
import json
import logging
import os
import sys
import tempfile
import time

import numpy as np
import torch
import transformers
from transformers.trainer_pt_utils import get_length_grouped_indices

N_LABELS = 6
torch.manual_seed(0)
logging.disable(logging.WARNING)
os.environ["TOKENIZERS_PARALLELISM"] = "false"
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


class PooledBert(torch.nn.Module):
    """Encoder, average over real tokens, one logit a label."""

    def __init__(self, encoder: str):
        super().__init__()
        self.encoder = transformers.BertModel.from_pretrained(encoder, add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(0.1)
        self.logits = torch.nn.Linear(self.encoder.config.hidden_size, N_LABELS)

    def forward(self, input_ids, attention_mask, labels=None):
        hidden = self.encoder(input_ids, attention_mask=attention_mask).last_hidden_state.float()
        mask = attention_mask.unsqueeze(-1).float()
        logits = self.logits(self.dropout((hidden * mask).sum(1) / mask.sum(1)))
        if labels is None:
            return {"logits": logits}
        return {
            "loss": torch.nn.functional.binary_cross_entropy_with_logits(logits, labels),
            "logits": logits,
        }


def collate(rows: list[dict]) -> dict:
    longest = max(len(row["input_ids"]) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros(len(rows), longest, dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row["input_ids"])] = torch.as_tensor(row["input_ids"])
        mask[number, : len(row["input_ids"])] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": torch.zeros(len(rows), N_LABELS)}


def train(model: PooledBert, rows: list[dict], number: int, rounds: int, task: dict) -> float:
    """The batches are those of Trainer's ``group_by_length`` on all rows; every ``rounds``-th of them is taken."""
    size = task["batch_size"]
    lengths = [len(row["input_ids"]) for row in rows]
    order = get_length_grouped_indices(
        lengths, size, mega_batch_mult=50, generator=torch.Generator().manual_seed(0)
    )
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    batches.sort(key=lambda batch: max(lengths[row] for row in batch))
    part = [rows[row] for batch in batches[number::rounds] for row in batch]
    optimizer = torch.optim.RAdam(model.parameters(), lr=1e-5)
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=size,
            num_train_epochs=1,
            train_sampling_strategy="sequential",
            bf16=task["bf16"],
            use_cpu=True,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            lr_scheduler_type="constant",
        )
        trainer = transformers.Trainer(
            model=model,
            args=arguments,
            train_dataset=part,
            data_collator=collate,
            optimizers=(optimizer, None),
        )
        started = time.perf_counter()
        trainer.train()
        return time.perf_counter() - started


def predict(model: PooledBert, rows: list[dict], number: int, rounds: int, task: dict) -> float:
    model.eval()
    size = task["batch_size"]
    order = sorted(rows, key=lambda row: -len(row["input_ids"])) if task["sorted"] else rows
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    started = time.perf_counter()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=task["bf16"]):
        for part in batches[number::rounds]:
            batch = collate(part)
            batch.pop("labels")
            torch.sigmoid(model(**batch)["logits"].float()).numpy()
    return time.perf_counter() - started


def main() -> None:
    task = json.loads(sys.argv[1])
    answers, sys.stdout = sys.stdout, sys.stderr  # Trainer prints
    with np.load(task["tokens"]) as arrays:
        flat, offsets = arrays["flat"], arrays["offsets"]
    rows = [{"input_ids": flat[start:end].tolist()} for start, end in itertools.pairwise(offsets)]
    model = PooledBert(task["encoder"])
    work = {"train": train, "predict": predict}
    for function in work.values():
        function(model, rows[: 4 * task["batch_size"]], 0, 1, task)  # warms up
    print(json.dumps({"precision": "bfloat16" if task["bf16"] else "float32"}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        seconds = work[request["work"]](model, rows, request["round"], request["rounds"], task)
        print(json.dumps({"seconds": seconds}), file=answers, flush=True)


if __name__ == "__main__":
    main()
