"""Ask `crossgraph serve RESULT` at random by what it says of itself.

    python scripts/ask_at_random.py RESULT [options of schemathesis run]

Starts the service and runs schemathesis (the extra `service`) against it. Two checks are told more: requests
with too much in them are refused by 413 too; and a valid request may be refused, since a schema cannot say
that a text is JSON, or that identifiers differ.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

SETTINGS = """\
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 413, 415, 422]
[checks.positive_data_acceptance]
enabled = false
"""


def main() -> int:
    """Start, ask, end."""
    result, options = sys.argv[1], sys.argv[2:] or ["--max-examples", "100", "--seed", "1"]
    runner = Path(sys.executable).with_name("schemathesis")
    if not runner.is_file():
        print("schemathesis is missing: pip install -e '.[service]'", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", "crossgraph", "serve", result, "--port", "0", "--quiet"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        if not address:
            return 1
        with TemporaryDirectory() as folder:
            settings = Path(folder) / "schemathesis.toml"
            settings.write_text(SETTINGS, encoding="utf8")
            asked = [str(runner), "--config-file", str(settings), "run", f"{address}openapi.json"]
            return subprocess.run(
                [*asked, "--phases", "coverage,fuzzing", *options], cwd=folder, check=False
            ).returncode
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
