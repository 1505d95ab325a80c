"""The injection screen: recognises messages that try to override the agent. Character n-grams and logistic regression."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

MESSAGES = Path(__file__).resolve().parent / "messages.csv"
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Message:
    """A labelled message of the example's own test set."""

    split: str
    attack: bool
    text: str


@dataclass(frozen=True, slots=True)
class Screen:
    """A trained screen."""

    fitted: Pipeline

    def flags(self, text: str) -> bool:
        """Tell whether the message looks like an attempt to override."""
        return bool(self.fitted.predict_proba([text])[0, 1] >= THRESHOLD)


def read_messages(path: Path = MESSAGES) -> list[Message]:
    """Read the labelled messages."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Message(row["split"], row["label"] == "attack", row["text"]) for row in csv.DictReader(file)]


def train(messages: list[Message]) -> Screen:
    """Fit on the messages of the training split; the same messages give the same screen."""
    chosen = [message for message in messages if message.split == "training"]
    pipeline = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), lowercase=True, sublinear_tf=True),
        LogisticRegression(C=20.0, max_iter=2000),
    )
    return Screen(pipeline.fit([message.text for message in chosen], np.array([message.attack for message in chosen])))
