"""The pipeline's step for credit scoring: train, measure, test, state."""

from __future__ import annotations

import credit_suites as suites
import quality
from credit import CreditModel, train
from metrics import Figure
from observe import Observer
from scoring import DecisionLog, complete, decide_batch
from seal import dataset_digests
from suites import Suite
from table import Samples, read, split

SYSTEM, MODEL = "ai_system:credit-scoring", "model:credit-pd"
APPLICATIONS, MONITORING = "dataset:credit-applications", "dataset:credit-monitoring"
BOOTSTRAP = "percentiles of 500 bootstrap resamples"


def run(observer: Observer, raw: bytes) -> str:
    """Train on the table, measure, and sign; give back a line for the person who watches."""
    samples = split(read(raw))
    model = train(samples.training)
    found = suites.measure(model, samples)
    log = DecisionLog()
    decide_batch(model, samples.monitoring, log)
    _figures(observer, samples, found)
    _oversight(observer, log)
    _data(observer, raw, samples)
    checks = _tests(observer, model, samples, found, log)
    failed = sum(suite.failed for suite in checks)
    return f"AUC {found.auc.value:.3f}, equal chance by age {found.equal_chance_age.value:.3f}, {failed} tests failed"


def _figures(observer: Observer, samples: Samples, found: suites.Measured) -> None:
    validation, monitoring = samples.validation.sha256, samples.monitoring.sha256
    for name, figure, method, data in (
        ("credit-auc", found.auc, BOOTSTRAP, validation),
        ("credit-brier", found.brier, BOOTSTRAP, validation),
        ("credit-calibration", found.calibration, BOOTSTRAP, validation),
        ("credit-fairness-sex", found.equal_chance_sex, BOOTSTRAP, None),
        ("credit-fairness-age", found.equal_chance_age, BOOTSTRAP, None),
        ("credit-approval-sex", found.approval_sex, BOOTSTRAP, None),
        ("credit-drift-score", found.drift, BOOTSTRAP, monitoring),
        ("credit-drift-features", found.input_drift, f"largest is that of {found.moved_input}", monitoring),
        ("credit-robustness", found.robust, "mean and range of 20 draws", validation),
        ("credit-reasons-stable", found.reasons, "mean and range of 10 re-fits", validation),
        ("credit-data-missing", quality.missing_share(samples.everything), "all cells", samples.everything.sha256),
        ("credit-data-duplicates", quality.duplicate_share(samples.everything), "all rows", samples.everything.sha256),
    ):
        observer.indicator(name, figure, method, data)
    age = "Selection rate difference, under 26 and others"
    observer.figure("selection-rate", age, "share", found.approval_age, (SYSTEM, MODEL), method=BOOTSTRAP)


def _oversight(observer: Observer, log: DecisionLog) -> None:
    routes = [line for line in log.lines if '"route": "approved"' not in line]
    referred = sum('"route": "underwriter"' in line for line in routes)
    observer.indicator("credit-referral", Figure(referred / len(routes), None, None, len(routes)), "count over the decision log")
    share = sum(map(complete, log.lines)) / len(log.lines)
    method = "lines of the decision log with all fields, over applications scored"
    observer.figure("log-completeness", "complete_share", "share", Figure(share, None, None, len(log.lines)), (SYSTEM,), method=method)


def _data(observer: Observer, raw: bytes, samples: Samples) -> None:
    earlier = suites.together(samples.training, samples.validation)
    digests = dataset_digests(raw)
    for ref, sample, other in ((APPLICATIONS, earlier, samples.monitoring), (MONITORING, samples.monitoring, earlier)):
        for metric, figure in (
            ("missing_share", quality.missing_share(sample)),
            ("invalid_share", quality.invalid_share(sample)),
            ("max_representation_gap", quality.representation_gap(sample, other)),
        ):
            observer.figure("data-quality", metric, "share", figure, (ref,), method="see pipeline/quality.py", data=sample.sha256)
        observer.tests("data-preparation-test", suites.preparation(samples), (ref,))
        observer.tests("provenance-check", _provenance(observer, ref, digests), (ref,))
    observer.tests("data-separation-test", suites.separation(samples), (SYSTEM,))


def _provenance(observer: Observer, ref: str, digests: dict[str, str]) -> Suite:
    suite = Suite("provenance-check")
    record = observer.emitter.records.get(ref)
    suite.case(f"{ref} is what its record names", record and record.content.get("sha256") == digests[ref.split(":")[1]])
    return suite


def _tests(observer: Observer, model: CreditModel, samples: Samples, found: suites.Measured, log: DecisionLog) -> list[Suite]:
    validation = suites.validation(model, samples, found)
    security = suites.security(model, samples)
    traced = suites.log_integrity(model, samples.monitoring, log)
    robust = suites.robustness(model, samples)
    observer.tests("validation-test", validation, (SYSTEM,))
    observer.tests("model-evaluation", validation, (MODEL,), note=f"artefact {model.artefact_sha256}")
    observer.tests("robustness-test", robust, (SYSTEM,))
    observer.tests("security-test", security, (SYSTEM,))
    observer.tests("log-integrity-test", traced, (SYSTEM,))
    accepted = _acceptance(found)
    for requirement, suite in {**accepted, "cs-log": traced}.items():
        observer.tests("acceptance-test", suite, (f"system_requirement:{requirement}",))
    return [validation, security, traced, robust, *accepted.values()]


def _acceptance(found: suites.Measured) -> dict[str, Suite]:
    """Try the acceptance criteria written in the system requirements."""
    wanted = {
        "cs-discrimination": {"AUC at least 0.72": found.auc.value >= 0.72},  # noqa: PLR2004 - the criterion itself
        "cs-equal-chance": {
            "by sex at most 0.10": found.equal_chance_sex.value <= 0.10,  # noqa: PLR2004
            "by age at most 0.10": found.equal_chance_age.value <= 0.10,  # noqa: PLR2004
        },
        "cs-reasons": {"overlap at least 0.60": found.reasons.value >= 0.60},  # noqa: PLR2004
    }
    made = {name: Suite(f"acceptance-{name}") for name in wanted}
    for name, cases in wanted.items():
        for title, holds in cases.items():
            made[name].case(title, holds)
    return made
