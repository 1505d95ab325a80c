"""A folder of rules in memory: as much of a folder as the reader of rules uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Holding:
    """Files by name."""

    def __init__(self, files: Mapping[str, str], name: str = "") -> None:
        self.files, self.name = files, name

    def joinpath(self, name: str) -> Holding:
        return Holding(self.files, name)

    def iterdir(self) -> Iterator[Holding]:
        return (Holding(self.files, name) for name in self.files)

    def read_bytes(self) -> bytes:
        if self.name not in self.files:
            raise FileNotFoundError(2, "No such file")
        return self.files[self.name].encode()

    def __str__(self) -> str:
        return self.name
