"""ML-DSA-44 as others sign it: a checkpoint that the tests of the Go witness `litewitness` hold (FiloSottile/torchwood).

The log there signs with a key of type 6 and the time 0, which says nothing of being the latest.
"""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from kybern.evidence import Refused
from kybern.evidence.log import Checkpoint, WitnessKey, cosignatures

pytestmark = pytest.mark.real

KEY, _, NOTE = (Path(__file__).with_name("litewitness_mldsa.txt").read_bytes()).partition(b"\n")


def test_the_message_is_the_one_that_they_sign() -> None:
    key = WitnessKey.parse(KEY.decode())
    assert (key.algorithm, str(key)) == ("ML-DSA-44", KEY.decode())
    text, _, line = NOTE.decode().partition("\n\n")
    checkpoint, raw = Checkpoint.parse(text + "\n"), base64.b64decode(line.split(" ")[2])
    assert raw[:4] == key.id
    assert key.time_of(checkpoint, raw[4:]) == 0
    for place in (4, 11, 12, 2000):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert key.time_of(checkpoint, changed[4:]) is None
    assert key.time_of(Checkpoint(checkpoint.origin, 2, checkpoint.root), raw[4:]) is None


def test_what_names_no_time_does_not_count_and_what_is_changed_is_refused() -> None:
    key = WitnessKey.parse(KEY.decode())
    assert cosignatures(NOTE, [key]) == ()
    with pytest.raises(Refused, match="does not fit"):
        cosignatures(NOTE.replace(b"\n1\n", b"\n2\n"), [key])
