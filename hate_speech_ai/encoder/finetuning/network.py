"""The encoder with what is learned beside it and dropped afterwards."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from hate_speech_ai.encoder.finetuning.recipe import Recipe
from hate_speech_ai.encoder.finetuning.rows import EncodedText
from hate_speech_ai.labels import LABELS


class Encoder(nn.Module):
    """A BERT that gives a text the mean of its tokens' vectors (Reimers and Gurevych 2019)."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert

    @classmethod
    def from_folder(cls, folder: Path) -> "Encoder":
        """Read a base that `transformers` has written: `config.json` and `model.safetensors`."""
        return cls(BertModel.from_pretrained(folder, add_pooling_layer=False))

    @classmethod
    def random(cls, config: BertConfig) -> "Encoder":
        """Return one that has learned nothing."""
        return cls(BertModel(config, add_pooling_layer=False))

    @property
    def width(self) -> int:
        """Numbers in an embedding."""
        return int(self.bert.config.hidden_size)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return embeddings, float32 [texts, width], of word pieces, int64 [texts, pieces]."""
        states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        return (states * mask).sum(1) / mask.sum(1)


class Classifier(nn.Module):
    """The encoder, a logistic regression for each label, and an intercept for each corpus."""

    def __init__(self, encoder: Encoder, corpora: int, recipe: Recipe) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.width, len(LABELS))
        self.intercepts = nn.Embedding(corpora, len(LABELS))
        nn.init.zeros_(self.intercepts.weight)
        self.register_buffer("label_weights", torch.tensor([recipe.weight_of(label) for label in LABELS]))

    def loss(self, texts: list[EncodedText], device: torch.device) -> Tensor:
        """Return the mean cross-entropy of the answers that somebody gave."""
        ids, mask = padded(texts, device)
        corpora = torch.tensor([text.corpus for text in texts], device=device)
        answers = torch.tensor([text.answers for text in texts], device=device, dtype=torch.float32)
        weights = torch.tensor([text.weight for text in texts], device=device).unsqueeze(1) * self.label_weights
        weights = weights * (answers >= 0)
        logits = self.head(self.encoder(ids, mask)) + self.intercepts(corpora)
        losses = nn.functional.binary_cross_entropy_with_logits(logits, answers.clamp(min=0), reduction="none")
        return (losses * weights).sum() / len(texts)

    def optimizer(self, recipe: Recipe) -> torch.optim.AdamW:
        bare = [value for name, value in self.encoder.named_parameters() if value.ndim < 2]
        matrices = [value for name, value in self.encoder.named_parameters() if value.ndim >= 2]
        return torch.optim.AdamW(
            [
                {"params": matrices, "lr": recipe.rate, "weight_decay": recipe.decay},
                {"params": bare, "lr": recipe.rate, "weight_decay": 0.0},
                {"params": self.head.parameters(), "lr": recipe.head_rate, "weight_decay": recipe.decay},
                {"params": self.intercepts.parameters(), "lr": recipe.intercept_rate, "weight_decay": recipe.decay},
            ],
            fused=True,
        )


def padded(texts: list[EncodedText], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the ids and the mask of texts, each int64 [texts, pieces of the longest]."""
    longest = max(len(text.ids) for text in texts)
    ids = torch.zeros((len(texts), longest), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text.ids)] = torch.tensor(text.ids)
        mask[row, : len(text.ids)] = 1
    return ids.to(device), mask.to(device)
