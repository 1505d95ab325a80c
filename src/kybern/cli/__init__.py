"""The command line: one module a command group."""


def main() -> None:
    """Run the program `kybern`."""
    from kybern.cli._main import main as run  # noqa: PLC0415  (importing a command group alone stays cheap)

    run()


__all__ = ["main"]
