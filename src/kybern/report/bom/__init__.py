"""The bill of materials of an AI system: what it is made of, what was measured of it, and what stands behind each claim.

Two formats, written directly: CycloneDX 1.7 (model card and declarations) and SPDX 3.0.1 (AI and Dataset profiles).
"""

from kybern.report.bom._cyclonedx import SPEC_VERSION, cyclonedx
from kybern.report.bom._facts import Origin, facts_of
from kybern.report.bom._spdx import SPDX_VERSION, spdx

__all__ = ["SPDX_VERSION", "SPEC_VERSION", "Origin", "cyclonedx", "facts_of", "spdx"]
