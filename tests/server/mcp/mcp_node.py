"""A server that really listens, with the example's records, and tokens for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos_node import KYBERN, Node, environment
from server_world import EXAMPLE

ISSUE = """
import sys
from datetime import timedelta
from pathlib import Path
from kybern.server import run
run.prepare(Path(sys.argv[1]))
import django
django.setup()
from django.utils import timezone
from kybern.server.access.models import ApiToken, User
from kybern.server.access.permissions import Permission
user = User.objects.get(email="admin@kybern.local")
scopes = sys.argv[2:] or sorted(Permission)
print(ApiToken.issue(user, "tests", scopes, timezone.now() + timedelta(days=1))[1])
"""


class Running:
    """A server that listens on this machine."""

    def __init__(self, folder: Path, *, records: bool = True) -> None:
        self.node = Node(folder / "data")
        self.data, self.url = self.node.data, f"http://127.0.0.1:{self.node.port}"
        source = ("--from", str(EXAMPLE)) if records else ()
        call = [*KYBERN, "up", "--data", str(self.data), *source, "--prepare-only"]
        subprocess.run(call, env=environment(), check=True, capture_output=True, timeout=120)
        self.node.start()

    def token(self, *scopes: str) -> str:
        """Issue a token of the administrator, with all scopes if none is named."""
        call = [sys.executable, "-c", ISSUE, str(self.data), *scopes]
        done = subprocess.run(call, env=environment(), capture_output=True, text=True, check=True)
        return done.stdout.split()[-1]

    def token_file(self, *scopes: str, mode: int = 0o600) -> Path:
        """Issue a token into a file."""
        path = self.data.parent / f"token-{len(scopes)}-{mode:o}"
        path.write_text(self.token(*scopes) + "\n", encoding="utf-8")
        os.chmod(path, mode)  # noqa: PTH101 - beside the umask
        return path
