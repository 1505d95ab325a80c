"""Checking a pack through Kybern's own rooms: everything in it is made again from its inputs and compared to the byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from kybern.assessment import assess, differences
from kybern.base import InputError
from kybern.catalog import CatalogFolder, load_catalog
from kybern.evidence import Keyring, Refusal, Refused
from kybern.evidence import verify as verify_envelope
from kybern.report.pack import verify
from kybern.report.pack._again import log_again, logged_by
from kybern.report.pack._build import KEYS, README, REPORT, SETTINGS, VERIFIER, Inputs, files_of, records_of
from kybern.workspace import catalogs_of

if TYPE_CHECKING:
    from kybern.assessment import Assessment
    from kybern.catalog import Catalog
    from kybern.evidence import Evidence

_OURS: Final = frozenset((README, REPORT, VERIFIER))
"""Files that another version of Kybern words otherwise."""
_AUTHORITIES: Final = "authorities.yaml"
_MOST_NUMBERS: Final = 2_000_000
_NOT: Final = "Whether the statuses follow from the evidence. They were not recomputed: "


@dataclass(frozen=True)
class Rechecked:
    """What a check came to, and whether the assessment was recomputed: where it was not, nobody knows if a status was typed."""

    findings: verify.Findings
    recomputed: bool

    @property
    def holds(self) -> bool:
        """Tell whether everything was checked and nothing failed."""
        return self.recomputed and not self.findings.failed


def recheck(files: Mapping[str, bytes], catalog: Catalog, version: str, policy: bytes | None = None) -> Rechecked:
    """Check the files of a pack as `verify.py` does, then verify the evidence again and recompute the assessment and every other file.

    `catalog` and `version` are those of the Kybern that checks; `policy` is that of who checks, in place of the one in the pack. Raises
    `verify.NoPack` where the pack cannot be read.
    """
    found = verify.check(files, policy)
    if found.failed:
        found.unknown.append(f"{_NOT}what is above failed.")
        return Rechecked(found, recomputed=False)
    pack = _Pack(files, verify.manifest_of(files), verify.read_json(files[verify.ASSESSMENT], verify.ASSESSMENT))
    try:
        return Rechecked(found, recomputed=_rechecked(pack, catalog, version, found))
    except InputError as error:
        found.failed += [verify.shown(problem) for problem in error.problems[: verify.SHOWN]]
        return Rechecked(found, recomputed=False)
    except (ValueError, OverflowError, RecursionError) as error:
        raise verify.NoPack(why=f"it holds values that cannot be computed with: {verify.shown(error)}") from None


def assess_pack(files: Mapping[str, bytes], catalog: Catalog, as_of: datetime, size: int | None = None) -> Assessment | None:
    """Assess what is in a pack at a moment of one's own, over the evidence observed until then; None where records or keys are left out.

    With `size`, where the pack has the log, only over evidence among its first entries. For packs that `recheck` found to hold: what
    does not verify here is passed over.
    """
    if not any(name.startswith("records/") for name in files):
        return None
    evidence = _evidence(files, verify.Findings())
    own = own_catalogs(files)
    catalog = load_catalog(also=own) if own else catalog
    known = None if size is None else logged_by(files, size)
    evidence = [one for one in evidence if one.observed_at <= as_of and (known is None or one.id in known)]
    return assess(catalog, records_of(files), evidence, as_of)


def own_catalogs(files: Mapping[str, bytes]) -> tuple[CatalogFolder, ...]:
    """Give the catalogs of the organisation's own that the settings in a pack name."""
    return catalogs_of(files, files[SETTINGS]) if SETTINGS in files else ()


@dataclass(frozen=True)
class _Pack:
    """A pack that `verify.check` found nothing against."""

    files: Mapping[str, bytes]
    manifest: Mapping[str, Any]
    stated: Mapping[str, Any]

    @property
    def with_records(self) -> bool:
        return verify.RECORDS in self.files

    @cached_property
    def catalogs(self) -> tuple[CatalogFolder, ...]:
        """The catalogs of the organisation's own that its settings name; those of Kybern are not in a pack."""
        return own_catalogs(self.files)


def _rechecked(pack: _Pack, catalog: Catalog, version: str, found: verify.Findings) -> bool:
    """Verify and recompute; tell whether the assessment could be recomputed."""
    evidence = _evidence(pack.files, found)
    log_again(pack.files, found)
    if pack.catalogs:
        named = ", ".join(verify.shown(folder) for folder in pack.catalogs)
        found.noted.append(f"It was assessed with catalogs of the organisation's own, which may answer any requirement: {named}.")
        catalog = load_catalog(also=pack.catalogs)
    why = None if found.failed else _hindrance(pack, catalog)
    if found.failed or why:
        found.unknown.append(f"{_NOT}{why or 'what is above failed.'}")
        return False
    records = records_of(pack.files)
    assessment = assess(catalog, records, evidence, verify.moment(pack.manifest["as_of"]))
    again = files_of(_inputs(pack, assessment))
    told = differences(pack.stated, verify.read_json(again[verify.ASSESSMENT], verify.ASSESSMENT))
    found.settle([verify.shown(one) for one in told], "The assessment is, to the byte, what catalog, records and evidence give.")
    _compare(pack, again, version, found)
    return True


def _evidence(files: Mapping[str, bytes], found: verify.Findings) -> list[Evidence]:
    """Verify every envelope with the keys of `keys.yaml`, field by field."""
    keyring = Keyring.from_yaml(files[KEYS], KEYS) if KEYS in files else Keyring()
    accepted: list[Evidence] = []
    faults: list[str] = []
    for name in sorted(name for name in files if name.startswith(verify.EVIDENCE)):
        try:
            accepted.append(verify_envelope(files[name], keyring, name))
        except Refused as refused:
            faults.append(verify.shown(f"{name}: {refused}"))
    found.settle(faults, "Kybern itself accepts every piece of evidence, with the keys of keys.yaml.")
    return accepted


def _hindrance(pack: _Pack, catalog: Catalog) -> str | None:
    """Say why the assessment cannot be recomputed here."""
    if not pack.with_records:
        return "the pack was made without the records."
    named = pack.manifest["digests"]["catalog"]
    if named != catalog.digest:
        made_by = verify.shown(pack.manifest["kybern"])
        return f"it names another version of the catalog than is installed here. It was made by Kybern {made_by}: check it with that."
    strange = [name for name in pack.manifest["frameworks"] if name not in catalog.frameworks]
    return f"the catalog has no framework {verify.shown(strange[0])}." if strange else None


def _inputs(pack: _Pack, assessment: Assessment) -> Inputs:
    """Take the inputs of the pack out of it again."""
    prefix, suffix = len(verify.EVIDENCE), len(verify.SUFFIX)
    return Inputs(
        assessment=assessment,
        refused=tuple(_refusals(pack.stated["refused"])),
        frameworks=tuple(pack.manifest["frameworks"]),
        keys=pack.files.get(KEYS),
        envelopes={name[prefix:-suffix]: data for name, data in pack.files.items() if name.startswith(verify.EVIDENCE)},
        version=pack.manifest["kybern"],
        settings=pack.files[SETTINGS],
        records={name: data for name, data in pack.files.items() if name.startswith("records/")},
        log=pack.stated.get("log"),
        erasures={name.removeprefix(verify.ERASURES): data for name, data in pack.files.items() if name.startswith(verify.ERASURES)},
        proofs={name: data for name, data in pack.files.items() if name.startswith(verify.PROOF) or name == _AUTHORITIES},
        numbers=_numbers(pack.files),
        catalogs=pack.catalogs,
    )


def _numbers(files: Mapping[str, bytes]) -> dict[str, list[int]]:
    """Take the numbers of sources out of the list of absences; the verifier held it to its form."""
    stated = verify.read_json(files[verify.ABSENCE], verify.ABSENCE)["numbers"] if verify.ABSENCE in files else {}
    verify.need(
        sum(last - first + 1 for runs in stated.values() for first, last in runs) <= _MOST_NUMBERS, f"{verify.ABSENCE} has too many numbers"
    )
    return {source: [number for first, last in runs for number in range(first, last + 1)] for source, runs in stated.items()}


def _refusals(listed: list[Any]) -> Iterator[Refusal]:
    for one in listed:
        names = ("source", "rule", "message")
        fits = isinstance(one, dict) and set(one) == set(names) and all(isinstance(one[name], str) for name in names)
        verify.need(fits, f"{verify.ASSESSMENT}: refused is no list of source, rule and message")
        yield Refusal(*(one[name] for name in names))


def _compare(pack: _Pack, again: Mapping[str, bytes], version: str, found: verify.Findings) -> None:
    """Compare every other file of the pack with what its inputs give."""
    first = pack.manifest["format"] == verify.FIRST
    other = pack.manifest["kybern"] != version or first
    passed_over = (
        {verify.ASSESSMENT, verify.MANIFEST, verify.SUMS} | (_OURS if other else frozenset()) | ({verify.ABSENCE} if first else set())
    )
    faults = [
        f"{name} is not what Kybern makes of what the pack was made of"
        for name in sorted(set(pack.files) | set(again))
        if name not in passed_over and pack.files.get(name) != again.get(name)
    ]
    found.settle(faults, "Every other file is, to the byte, what Kybern makes of keys.yaml, records and evidence.")
    if other:
        made_by = verify.shown(pack.manifest["kybern"])
        why = f"it is of the older format {verify.FIRST}" if first else f"this is Kybern {version}"
        found.unknown.append(f"Whether {', '.join(sorted(_OURS))} are what Kybern {made_by} wrote: {why}.")
