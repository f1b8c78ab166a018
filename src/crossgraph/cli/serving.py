"""The verb that serves a RESULT to other programs: serve."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossgraph.cli import options as opt

if TYPE_CHECKING:
    from crossgraph.cli.console import ConsoleProgress
    from crossgraph.serving.guard import ServiceGuardOptions


class Against(StrEnum):
    """The graph that records are matched against."""

    LEFT = "left"
    RIGHT = "right"


def serve(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="The folder that align or train made.")],
    against: Annotated[
        Against, typer.Option("--against", help="The graph that is served; records take the other's place.")
    ] = Against.RIGHT,
    port: opt.Port = 8766,
    host: opt.Host = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TEXT",
            envvar="CROSSGRAPH_SERVE_TOKEN",
            help="What each request must bring; made up if needed and not given.",
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="ORIGIN",
            help="Pages of this origin may ask too, as in https://refine.example.org; * for all. Repeatable.",
        ),
    ] = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Match records of OpenRefine and other programs against a graph.

    Reads RESULT and its graphs. Writes nothing. Answers by the W3C Reconciliation Service API, with the
    model of RESULT, on this machine until interrupted; aligns pairs of small graphs, too.

    Example:
        crossgraph serve RESULT

    Before: crossgraph align.
    """
    from crossgraph.cli.running import session

    # Said before numpy is loaded: matrices of a few records are too small to be shared among threads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with session(quiet=quiet, verbose=verbose) as console:
        from crossgraph.errors import require_extra
        from crossgraph.results import existing_result

        existing_result(result)
        require_extra("serve", "orjson", "prometheus_client", "starlette", "uvicorn")
        guard = _guard(host, token, allow_origin or [])
        _serve(result, against.value, (host, port), guard, console)


def _serve(
    result: Path,
    against: str,
    address: tuple[str, int],
    guard: ServiceGuardOptions,
    console: ConsoleProgress,
) -> None:
    import gc

    import torch

    from crossgraph.reviewing.web.serving import serve as run
    from crossgraph.serving.aligning import Aligner
    from crossgraph.serving.app import ServiceOptions, create_app
    from crossgraph.serving.served import Served

    torch.set_num_threads(1)
    served = Served.open(result, "left" if against == "left" else "right", progress=console)
    options = ServiceOptions(
        name=f"{result.resolve().name}, {against} graph", guard=guard, align=Aligner(result).align
    )

    def ready(port: int) -> None:
        from crossgraph.cli.console import print_text

        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        end = f"{guard.token}/" if guard.token else ""
        print_text(f"http://{shown}:{port}/{end}")
        sys.stdout.flush()
        console.say("Give this address to OpenRefine as a standard reconciliation service; Ctrl+C ends.")

    # What is loaded stays: looking through it for garbage would hold up answers.
    gc.collect()
    gc.freeze()
    run(create_app(served, options), host=address[0], port=address[1], ready=ready)


def _guard(host: str, token: str | None, origins: list[str]) -> ServiceGuardOptions:
    import re

    from crossgraph.errors import ConfigError
    from crossgraph.reviewing.web.guard import access_token, is_loopback
    from crossgraph.serving.guard import ANY_ORIGIN, ServiceGuardOptions

    for origin in origins:
        if origin != ANY_ORIGIN and not re.fullmatch(r"https?://[^\s/;,'\"]+", origin):
            raise ConfigError(
                f"--allow-origin {origin!r} is no origin",
                hint="give one like https://refine.example.org, or *",
            )
    return ServiceGuardOptions(
        token=access_token(host, token), loopback=is_loopback(host), origins=tuple(origins)
    )
