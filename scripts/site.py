"""What MkDocs needs to know of pages that lie beside docs/: README.md, the scripts of the tutorial, others.

They become pages of the site, and links to them lead there; in the repository they stay where they are.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "index.md": ROOT / "README.md",
    "contributing.md": ROOT / "CONTRIBUTING.md",
    "changelog.md": ROOT / "CHANGELOG.md",
    "license.md": ROOT / "LICENSE",
    "demo-licences.md": ROOT / "src" / "crossgraph" / "demo" / "LICENSES.md",
    "name-licences.md": ROOT / "src" / "crossgraph" / "generating" / "LICENSES.md",
    **{f"examples/{script.stem}.md": script for script in (ROOT / "examples").glob("*.py")},
}
PLACES = {source: page for page, source in PAGES.items()} | {ROOT / "docs" / "README.md": "index.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add those pages; the list of pages for readers of the repository is the site's navigation."""
    contents = files.get_file_from_path("README.md")
    if contents is not None:
        files.remove(contents)
    for page, source in PAGES.items():
        files.append(File.generated(config, page, content=_text(source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to where a page is on the site."""
    source = PAGES.get(page.file.src_uri, ROOT / "docs" / page.file.src_uri)

    def lead(link: re.Match[str]) -> str:
        target, anchor = link[1], link[2] or ""
        path = (source.parent / target).resolve()
        place = PLACES.get(path)
        if place is None and path.is_relative_to(ROOT / "docs"):
            place = path.relative_to(ROOT / "docs").as_posix()
            place += "/README.md" if path.is_dir() else ""
        if place is None:
            return link[0]
        return f"]({os.path.relpath(place, Path(page.file.src_uri).parent)}{anchor})"

    return re.sub(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)", lead, markdown)


def _text(source: Path) -> str:
    """A file as Markdown: a script is its docstring and its code."""
    text = source.read_text(encoding="utf8")
    if source.suffix == ".md":
        return text
    if source.suffix != ".py":
        return f"# {source.name.title()}\n\n```text\n{text}```\n"
    told = ast.get_docstring(ast.parse(text)) or ""
    code = text.split('"""', 2)[2].strip()
    title = source.stem.replace("_", ". ", 1).replace("_", " ")
    return f"# {title}\n\n{told}\n\n```python\n{code}\n```\n"
