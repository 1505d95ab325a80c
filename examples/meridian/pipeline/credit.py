"""The credit model: calibrated logistic regression on what an applicant states, without sex, age or nationality."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from table import CATEGORIES, NUMERIC, Floats, Sample

APPROVAL_SHARE = 0.70
"""The lending policy's volume: the best 70 % are approved by score, the others go to an underwriter."""
SEED = 4


@dataclass(frozen=True, slots=True)
class CreditModel:
    """A trained model with the cut-off that training gave it, and the scores of training rows by models that had not seen them."""

    fitted: CalibratedClassifierCV
    cutoff: float
    training_scores: Floats

    def default_probability(self, sample: Sample) -> Floats:
        """Estimate for each row the probability that the loan is not repaid, shape (n,)."""
        return self.probability_of(features(sample))

    def probability_of(self, inputs: Floats) -> Floats:
        """Estimate for encoded rows, shape (n, 6 + 11); categories carry their codes as numbers."""
        return np.asarray(self.fitted.predict_proba(inputs)[:, 1], dtype=np.float64)

    @property
    def artefact_sha256(self) -> str:
        """Digest of the fitted coefficients, rounded to 6 places so that it does not hang on the processor."""
        state = hashlib.sha256()
        for part in self.fitted.calibrated_classifiers_:
            state.update(np.round(part.estimator[-1].coef_, 6).tobytes())
        return state.hexdigest()


def features(sample: Sample) -> Floats:
    """Numbers and categories side by side; a category `A65` becomes 65.0, a name for the encoder and not a quantity."""
    codes = np.char.lstrip(sample.categories, "A").astype(np.float64)
    return np.hstack([sample.numbers, codes])


def train(sample: Sample) -> CreditModel:
    """Fit on the training sample with fixed folds; the same sample gives the same model."""
    inputs, target = features(sample), ~sample.repaid
    folds = partial(StratifiedKFold, n_splits=5, shuffle=True, random_state=SEED)
    unseen = cross_val_predict(_classifier(folds()), inputs, target, cv=folds(), method="predict_proba")[:, 1]
    return CreditModel(fit(sample), float(np.quantile(unseen, APPROVAL_SHARE)), np.asarray(unseen, dtype=np.float64))


def fit(sample: Sample) -> CalibratedClassifierCV:
    """Fit the calibrated model alone, without the cut-off."""
    return _classifier(StratifiedKFold(n_splits=5, shuffle=True, random_state=SEED)).fit(features(sample), ~sample.repaid)


def _classifier(folds: StratifiedKFold) -> CalibratedClassifierCV:
    return CalibratedClassifierCV(_scorecard(), method="sigmoid", cv=folds)


def _scorecard() -> Pipeline:
    width = len(NUMERIC)
    encode = ColumnTransformer(
        [
            ("numbers", StandardScaler(), list(range(width))),
            ("categories", OneHotEncoder(handle_unknown="ignore"), list(range(width, width + len(CATEGORIES)))),
        ]
    )
    return make_pipeline(encode, LogisticRegression(C=0.3, max_iter=2000))
