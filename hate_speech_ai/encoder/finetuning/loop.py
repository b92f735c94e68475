"""Fine-tuning, step by step, so that it can be stopped and taken up again."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from hate_speech_ai.encoder.finetuning.network import Classifier, Encoder
from hate_speech_ai.encoder.finetuning.recipe import Recipe
from hate_speech_ai.encoder.finetuning.rows import EncodedText, batches

#: Called with the steps done, the steps in all and the mean loss of the last ones.
Report = Callable[[int, int, float], None]

_STEPS_PER_REPORT = 20
_LONGEST_GRADIENT = 1.0


class OtherRun(ValueError):
    """The checkpoint is of another recipe or other rows; the message says which."""


def finetune(
    encoder: Encoder,
    texts: Sequence[EncodedText],
    recipe: Recipe,
    *,
    corpora: int,
    checkpoint: Path,
    every: int = 300,
    rows_sha256: str = "",
    report: Report = lambda done, steps, loss: None,
) -> Classifier:
    """Fine-tune an encoder, from the checkpoint where there is one.

    Args:
        encoder: the base; changed in place.
        texts: from `rows.encode`.
        corpora: how many there are.
        checkpoint: a file that is written every `every` steps and at the end, whole or not at all.
        rows_sha256: of the rows that the texts come from.

    Raises:
        OtherRun: the checkpoint is of another run.
    """
    torch.manual_seed(recipe.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    classifier = Classifier(encoder, corpora, recipe)
    classifier.to(device)
    optimizer = classifier.optimizer(recipe)
    order = [batch for epoch in range(recipe.epochs) for batch in batches(texts, recipe, epoch)]
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / recipe.warm_up, max(0.0, 1 - step / len(order)))
    )
    run = {"recipe": asdict(recipe), "rows": rows_sha256, "texts": len(texts)}
    done = _resume(checkpoint, run, classifier, optimizer, schedule) if checkpoint.is_file() else 0
    classifier.train()
    losses: list[float] = []
    for step in range(done, len(order)):
        loss = classifier.loss([texts[place] for place in order[step]], device)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(classifier.parameters(), _LONGEST_GRADIENT)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if (step + 1) % _STEPS_PER_REPORT == 0 or step + 1 == len(order):
            report(step + 1, len(order), sum(losses) / len(losses))
            losses.clear()
        if (step + 1) % every == 0 or step + 1 == len(order):
            _save(checkpoint, run, step + 1, classifier, optimizer, schedule)
    classifier.eval()
    return classifier


def _save(path: Path, run: dict[str, Any], done: int, classifier: Classifier, optimizer: Any, schedule: Any) -> None:
    content = {
        "run": run,
        "done": done,
        "classifier": classifier.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "random": torch.get_rng_state(),
    }
    beside = path.with_suffix(".new")
    torch.save(content, beside)
    beside.replace(path)


def _resume(path: Path, run: dict[str, Any], classifier: Classifier, optimizer: Any, schedule: Any) -> int:
    content = torch.load(path, weights_only=True, map_location="cpu")
    if different := [name for name in run if content["run"][name] != run[name]]:
        raise OtherRun(f"{path} is of a run with other {' and '.join(different)}; remove it, or name another folder")
    classifier.load_state_dict(content["classifier"])
    optimizer.load_state_dict(content["optimizer"])
    schedule.load_state_dict(content["schedule"])
    torch.set_rng_state(content["random"])
    return int(content["done"])
