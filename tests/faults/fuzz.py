"""Files bred by what they reach in our readers (atheris): each is read or told to be faulty.

    python tests/faults/fuzz.py RUNS [READER...]

Needs the extra `fuzz`. Each reader begins with the right file of `test_fuzz.py` and runs in a process of its
own, which ends at the first crash, or at a file that takes 10 seconds, and names the file that did it. Such a
file is kept in `seeds/`, with the suffix by which its reader is chosen, and tests read it from then on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

# Kernels are compiled, which what is instrumented cannot be.
with atheris.instrument_imports(include=["crossgraph"], exclude=["crossgraph.graphs.content"]):
    from test_fuzz import READERS, TOKENS, read_or_told

LONGEST, SECONDS = 4096, 10


def fuzz(name: str, runs: int) -> None:
    """Fuzz one reader; libFuzzer ends the process."""
    reader = READERS[name]
    folder = Path(tempfile.mkdtemp())
    (folder / "corpus").mkdir()
    (folder / "corpus" / "right").write_bytes(reader.right.encode())
    words = ("".join(f"\\x{byte:02x}" for byte in token) for token in TOKENS if len(token) < 64)
    (folder / "words").write_text("".join(f'"{word}"\n' for word in words))
    options = [f"-runs={runs}", "-seed=1", f"-max_len={LONGEST}", f"-timeout={SECONDS}", "-verbosity=0"]
    # What is compiled with the first file must not count against it.
    read_or_told(reader, reader.right.encode())
    options += [f"-dict={folder / 'words'}", "-print_final_stats=1", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], lambda data: read_or_told(reader, data))
    atheris.Fuzz()


def main(runs: int, names: list[str]) -> None:
    if len(names) == 1:
        fuzz(names[0], runs)
    for name in names or READERS:
        print(f"{name}:", flush=True)
        subprocess.run([sys.executable, __file__, str(runs), name], check=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
