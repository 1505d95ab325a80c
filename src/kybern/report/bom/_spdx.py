"""SPDX 3.0.1 in JSON-LD with the AI and Dataset profiles. What is not known is left out, or `noAssertion` where a value must stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from kybern.assessment import describe
from kybern.report.bom._facts import bounds, reading, sensitive

if TYPE_CHECKING:
    from kybern.evidence import Evidence
    from kybern.records import Record
    from kybern.records.lifecycle import Dataset, Model, Supplier
    from kybern.report.bom._facts import Facts, Origin

SPDX_VERSION: Final = "3.0.1"
_CONTEXT: Final = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_CREATION: Final = "_:creation"
_AUTONOMY: Final = {
    "advises": "no",
    "proposes": "no",
    "acts-with-approval": "no",
    "acts-with-oversight": "noAssertion",
    "acts-alone": "yes",
}
_TRAINS: Final = frozenset(("training", "fine-tuning"))
_TESTS: Final = frozenset(("validation", "testing"))


def spdx(facts: Facts, origin: Origin) -> dict[str, Any]:
    """Write the bill of materials of an AI system. A pure function; ids are the document's serial number and the record's name."""
    return {"@context": _CONTEXT, "@graph": _Writer(facts, origin).graph()}


def _some(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value not in (None, "", [], {}) else {}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class _Writer:
    """Writes the elements of one document."""

    def __init__(self, facts: Facts, origin: Origin) -> None:
        self.facts, self.origin = facts, origin

    def id(self, name: str) -> str:
        return f"{self.origin.serial}#{name}"

    def element(self, kind: str, ref: str, **fields: Any) -> dict[str, Any]:
        return {"type": kind, "spdxId": self.id(ref), "creationInfo": _CREATION, **{key: value for key, value in fields.items() if value}}

    def graph(self) -> list[dict[str, Any]]:
        facts = self.facts
        packages = [
            self._system(),
            *(self._model(one) for one in facts.models),
            *(self._dataset(one) for one in facts.datasets),
            *(self._agent(one) for one in facts.agents),
        ]
        others = [*self._parties(), *(self._licence(one) for one in facts.datasets if one.licence), *map(self._evidence, facts.evidence)]
        relations = list(self._relations())
        inside = [one["spdxId"] for one in (*packages, *others, *relations)]
        bom = self.element("software_Sbom", "bom", name=f"Bill of materials of {facts.system.title}")
        bom |= {"element": inside, "rootElement": [self.id(facts.system.ref)]}
        document = self.element("SpdxDocument", "document", name=facts.system.title)
        document |= {"rootElement": [bom["spdxId"]], "profileConformance": ["core", "software", "simpleLicensing", "ai", "dataset"]}
        return [self._creation(), document, bom, *packages, *others, *relations]

    def _creation(self) -> dict[str, Any]:
        return {
            "type": "CreationInfo",
            "@id": _CREATION,
            "specVersion": SPDX_VERSION,
            "created": _moment(self.origin.at),
            "createdBy": [self.id(self.facts.assessment.organization)],
            "createdUsing": [self.id("tool:kybern")],
            "comment": self._inputs(),
        }

    def _inputs(self) -> str:
        digests = ", ".join(f"{name} sha256 {value}" for name, value in self.facts.assessment.digests.items())
        return f"As of {_moment(self.facts.assessment.as_of)}; from {digests}."

    def _parties(self) -> Iterator[dict[str, Any]]:
        facts = self.facts
        name = facts.organization.legal_name if facts.organization is not None else facts.assessment.organization
        yield self.element("Organization", facts.assessment.organization, name=name)
        yield self.element("Tool", "tool:kybern", name=f"kybern {self.origin.version}".strip())
        for one in facts.suppliers:
            comment = f"Supplies {', '.join(one.supplies)}; criticality as stated: {one.criticality}."
            yield self.element("Organization", one.ref, name=one.title, description=one.description, comment=comment)

    # Packages

    def _package(self, kind: str, record: Record, purpose: str, **fields: Any) -> dict[str, Any]:
        stated = {"name": record.title, "description": record.description, "software_packageVersion": record.version}
        return self.element(kind, record.ref, **stated, software_primaryPurpose=purpose, **fields)

    def _system(self) -> dict[str, Any]:
        system, facts = self.facts.system, self.facts
        return self._package(
            "ai_AIPackage",
            system,
            "application",
            summary=system.purpose,
            ai_informationAboutApplication=system.use_case,
            ai_autonomyType=_AUTONOMY[system.autonomy],
            ai_useSensitivePersonalInformation=_together([sensitive(one) for one in facts.datasets]),
            ai_metric=[] if facts.alone else self._metrics(system),
            ai_metricDecisionThreshold=[] if facts.alone else self._thresholds(system),
            suppliedBy=self.id(facts.assessment.organization) if system.role in {"developer", "provider"} else None,
            comment=f"Risk class as the organisation states it: {system.risk_class}. Stage: {system.stage}.",
        )

    def _model(self, model: Model) -> dict[str, Any]:
        here = {one.ref: one for one in self.facts.datasets}
        used = [here[ref] for ref in model.datasets if ref in here]
        return self._package(
            "ai_AIPackage",
            model,
            "model",
            ai_typeOfModel=[model.type],
            ai_domain=[model.task],
            ai_informationAboutApplication=model.intended_use,
            ai_limitation=model.limits,
            ai_modelDataPreprocessing=[one.preparation for one in used if one.preparation],
            ai_useSensitivePersonalInformation=_together([sensitive(one) for one in used]),
            ai_metric=self._metrics(model),
            ai_metricDecisionThreshold=self._thresholds(model),
            suppliedBy=self._supplied_by(model, own=model.origin in {"developed", "fine-tuned"}),
            verifiedUsing=_hashed(model.artefact_sha256),
        )

    def _dataset(self, dataset: Dataset) -> dict[str, Any]:
        origin = self.facts.one_supplier(dataset)
        return self._package(
            "dataset_DatasetPackage",
            dataset,
            "data",
            dataset_datasetType=["noAssertion"],
            dataset_intendedUse=", ".join(dataset.use),
            dataset_dataCollectionProcess=f"{dataset.acquisition}: {dataset.source}",
            dataset_dataPreprocessing=[dataset.preparation] if dataset.preparation else [],
            dataset_knownBias=[dataset.known_bias] if dataset.known_bias else [],
            dataset_hasSensitivePersonalInformation=sensitive(dataset),
            originatedBy=[self.id(origin.ref)] if origin is not None else [],
            verifiedUsing=_hashed(dataset.sha256),
        )

    def _agent(self, agent: Record) -> dict[str, Any]:
        return self._package("software_Package", agent, "application", summary=str(agent.content["goal"]), comment="An AI agent.")

    def _supplied_by(self, record: Model, *, own: bool) -> str | None:
        found: Supplier | None = self.facts.one_supplier(record)
        if found is not None:
            return self.id(found.ref)
        return self.id(self.facts.assessment.organization) if own and not record.suppliers else None

    def _metrics(self, record: Record) -> list[dict[str, Any]]:
        return [_entry(f"{reading(item)[0]} ({about.ref})", _shown(item)) for item, about in self.facts.measured(record)]

    def _thresholds(self, record: Record) -> list[dict[str, Any]]:
        asked = {one.ref: one for about in self.facts.bearing_on(record) for one in self.facts.indicators_of(about)}
        return [_entry(f"{one.metric} ({one.ref})", bounds(one)) for one in asked.values()]

    # What belongs to packages

    def _licence(self, dataset: Dataset) -> dict[str, Any]:
        return self.element("simplelicensing_SimpleLicensingText", f"licence:{dataset.ref}", simplelicensing_licenseText=dataset.licence)

    def _evidence(self, item: Evidence) -> dict[str, Any]:
        comment = "The hash is that of the signed in-toto statement, which is the payload of the envelope."
        return self.element(
            "software_File",
            f"evidence:{item.id}",
            name=item.source or f"{item.id}.json",
            summary=describe(item),
            software_primaryPurpose="evidence",
            verifiedUsing=_hashed(item.id),
            comment=comment,
        )

    def _relations(self) -> Iterator[dict[str, Any]]:
        """Relate system, models, data, licences and evidence; every end is in this document."""
        facts, system = self.facts, self.facts.system
        yield from self._relation(system.ref, "contains", [one.ref for one in (*facts.models, *facts.agents)])
        yield from self._relation(system.ref, "dependsOn", [one.ref for one in facts.datasets if one.ref in system.datasets])
        for model in facts.models:
            used = [one for one in facts.datasets if one.ref in model.datasets]
            yield from self._relation(model.ref, "trainedOn", [one.ref for one in used if _TRAINS & set(one.use)])
            yield from self._relation(model.ref, "testedOn", [one.ref for one in used if _TESTS & set(one.use)])
            yield from self._relation(model.ref, "dependsOn", [one.ref for one in used if not (_TRAINS | _TESTS) & set(one.use)])
        for dataset in facts.datasets:
            yield from self._relation(dataset.ref, "hasDeclaredLicense", [f"licence:{dataset.ref}"] if dataset.licence else [])
        yield from self._relation(system.ref, "hasEvidence", [f"evidence:{one.id}" for one in facts.evidence])

    def _relation(self, source: str, kind: str, targets: Sequence[str]) -> Iterator[dict[str, Any]]:
        if targets:
            made = self.element("Relationship", f"{kind}:{source}", relationshipType=kind)
            yield made | {"from": self.id(source), "to": [self.id(one) for one in targets], "completeness": "noAssertion"}


def _hashed(sha256: str | None) -> list[dict[str, Any]]:
    return [] if sha256 is None else [{"type": "Hash", "algorithm": "sha256", "hashValue": sha256}]


def _entry(key: str, value: str) -> dict[str, Any]:
    return {"type": "DictionaryEntry", "key": key, "value": value}


def _shown(item: Evidence) -> str:
    _, value, lower, upper = reading(item)
    interval = f" [{lower}, {upper}]" if lower is not None else ""
    return f"{value} {item.body.get('unit')}{interval}, n = {item.body.get('sample_size')}, {item.observed_at:%Y-%m-%d}"


def _together(answers: Sequence[str]) -> str:
    """Combine what data sets say: one that has it is enough, and none is known only if all are."""
    if "yes" in answers:
        return "yes"
    return "no" if answers and set(answers) == {"no"} else "noAssertion"
