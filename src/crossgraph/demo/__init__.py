"""Two small real catalogues of the world to try the tool on: GeoNames in English, CLDR in Russian.

Where they come from, and under which terms, is told in LICENSES.md beside this file;
scripts/build_demo.py makes them.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def demo_folder() -> Path:
    """The folder with both catalogues and the links between them, in the layout of OpenEA."""
    return Path(str(files(__name__))) / "data"
