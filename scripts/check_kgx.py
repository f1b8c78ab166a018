"""Validate an export by kgx: `python scripts/check_kgx.py FOLDER`, after `pip install kgx biolink-model`.

FOLDER is what `crossgraph export merged.nq --format kgx` made. kgx fetches the Biolink model when it is
imported; here it gets that of the package biolink-model, and nothing is fetched. Prints what kgx finds, and
ends with 1 if that is anything.
"""

from __future__ import annotations

import importlib.resources
import json
import sys
from pathlib import Path
from typing import Any

import bmt
import yaml

MODEL = importlib.resources.files("biolink_model") / "schema" / "biolink_model.yaml"
_init = bmt.Toolkit.__init__


def _of_the_package(self: Any, *_schema: object, **rest: Any) -> None:
    _init(self, str(MODEL), {"predicate mappings": []}, **rest)


def validated(folder: Path) -> dict[str, Any]:
    """What kgx finds wrong: level -> kind -> message -> who."""
    bmt.Toolkit.__init__ = _of_the_package
    # They make a Toolkit when they are imported.
    import kgx.config
    from kgx.transformer import Transformer
    from kgx.validator import Validator

    prefixes = yaml.safe_load(MODEL.read_text(encoding="utf8"))["prefixes"]
    for name in kgx.config.get_config()["jsonld-context"]:
        kgx.config.jsonld_context_map[name] = dict(prefixes)
    own = json.loads((folder / "prefixes.json").read_text(encoding="utf8"))
    validator, transformer = Validator(), Transformer(stream=False)
    validator.prefixes |= set(own)
    files = [str(folder / name) for name in ("nodes.tsv", "edges.tsv")]
    transformer.transform({"filename": files, "format": "tsv", "prefix_map": own})
    validator.validate(transformer.store.graph)
    found: dict[str, Any] = validator.get_errors()
    return found


if __name__ == "__main__":
    told = validated(Path(sys.argv[1]))
    print(json.dumps(told, indent=1))
    sys.exit(bool(told))
