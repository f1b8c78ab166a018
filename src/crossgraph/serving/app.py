"""The service: which address answers what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import orjson
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from crossgraph import __version__
from crossgraph.preparation import Graphs
from crossgraph.reviewing.web.guard import read_body
from crossgraph.serving.aligning import graphs_of
from crossgraph.serving.guard import ServiceGuard, ServiceGuardOptions
from crossgraph.serving.manifests import manifest_of_02, manifest_of_draft
from crossgraph.serving.matching import Matcher
from crossgraph.serving.openapi import openapi
from crossgraph.serving.protocol import (
    QueryError,
    batch_of_02,
    batch_of_draft,
    parsed,
    results_of_02,
    results_of_draft,
)
from crossgraph.serving.served import Served
from crossgraph.serving.showing import USUAL_PROPOSALS, Showing
from crossgraph.serving.together import BusyError, Together

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]

# Bytes of a request, and of one with two graphs; pairs of graphs, of which one is aligned.
MOST_BYTES, MOST_GRAPH_BYTES, MOST_ALIGNED = 1 << 20, 4 << 20, 4
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 10.0)


class Json(JSONResponse):
    """An answer in JSON. For fifty clients, the encoder of the standard library is a seventh of the work."""

    def render(self, content: Any) -> bytes:
        """The content as it is sent."""
        return orjson.dumps(content)


@dataclass(frozen=True, kw_only=True)
class ServiceOptions:
    """How a service runs.

    name    what clients show
    guard   who may ask
    align   matches of two graphs, for ``POST /align``; without one there is no such address
    """

    name: str = "crossgraph"
    guard: ServiceGuardOptions = field(default_factory=ServiceGuardOptions)
    align: Callable[[Graphs], dict[str, Any]] | None = None


def create_app(served: Served, options: ServiceOptions | None = None) -> Starlette:
    """The service as an app; any ASGI server can run it.

    BLAS has threads of its own for the matrices of a few records, which cost more than they save: the verb
    says ``OPENBLAS_NUM_THREADS=1`` before numpy is loaded, and so may you.
    """
    service = _Service(served, options or ServiceOptions())
    got: dict[str, Handler] = {
        "/draft/": service.draft,
        "/draft": service.draft,
        "/health": service.health,
        "/metrics": service.metrics,
        "/openapi.json": service.openapi,
        "/suggest/flyout": service.flyout,
    }
    for start in ("", "/draft"):
        got |= {f"{start}/suggest/{kind}": service.suggest(kind) for kind in ("entity", "type", "property")}
        got |= {f"{start}/preview": service.preview, f"{start}/extend/propose": service.propose}
    posted: dict[str, Handler] = {
        "/draft/reconcile": service.reconcile,
        "/draft/extend": service.extend,
        **({"/align": service.align} if service.options.align else {}),
    }
    return Starlette(
        routes=[
            Route("/", service.measured("/", service.root), methods=["GET", "POST"]),
            *(Route(path, service.measured(path, one), methods=["GET"]) for path, one in got.items()),
            *(Route(path, service.measured(path, one), methods=["POST"]) for path, one in posted.items()),
        ],
        middleware=[Middleware(ServiceGuard, options=service.options.guard)],
        lifespan=service.lifespan,
        exception_handlers={HTTPException: _failed, QueryError: _unanswerable, BusyError: _busy},
    )


class _Service:
    """The handlers."""

    def __init__(self, served: Served, options: ServiceOptions) -> None:
        self.served, self.options = served, options
        self._showing = Showing(served)
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "crossgraph_request_seconds",
            "How long answers took.",
            ["path"],
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._answers = Counter(
            "crossgraph_answers", "Answers by path and status.", ["path", "status"], registry=self._registry
        )
        together = Histogram(
            "crossgraph_records_together",
            "How many records were matched at once.",
            registry=self._registry,
            buckets=(1, 2, 5, 10, 20, 50),
        )
        self._together = Together(Matcher(served).match, together.observe)
        waiting = Gauge("crossgraph_records_waiting", "How many records wait.", registry=self._registry)
        waiting.set_function(lambda: len(self._together))
        self._aligning = ThreadPoolExecutor(1, "align")
        self._aligned = 0

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Threads end with the server."""
        yield
        self._together.close()
        self._aligning.shutdown(wait=False, cancel_futures=True)

    def measured(self, path: str, handler: Handler) -> Handler:
        """A handler whose answers are counted and timed."""
        seconds = self._seconds.labels(path)

        async def answer(request: Request) -> Response:
            start, status = time.perf_counter(), 500
            try:
                response = await handler(request)
                status = response.status_code
                return response
            except (HTTPException, QueryError, BusyError) as error:
                status = _status(error)
                raise
            finally:
                seconds.observe(time.perf_counter() - start)
                self._answers.labels(path, str(status)).inc()

        return answer

    async def root(self, request: Request) -> Response:
        """Version 0.2: the manifest, results of queries, or values of properties."""
        asked = dict(request.query_params)
        if request.method == "POST":
            asked |= await _form(request)
        if "queries" in asked:
            records = batch_of_02(parsed(asked["queries"], "`queries`"))
            found = await self._together.ask(list(records.values()))
            return Json(results_of_02(self.served, list(records), found))
        if "extend" in asked:
            meta, rows = self._showing.extension(parsed(asked["extend"], "`extend`"))
            return Json({"meta": meta, "rows": rows})
        if request.method == "POST":
            raise QueryError("the form has neither `queries` nor `extend`")
        return Json(manifest_of_02(self.served, self.options.name, _root(request)))

    async def draft(self, request: Request) -> Response:
        """The manifest of the draft."""
        root = f"{_root(request)}/draft"
        return Json(manifest_of_draft(self.served, self.options.name, root))

    async def reconcile(self, request: Request) -> Response:
        """Results of queries of the draft."""
        records = batch_of_draft(await _json(request, MOST_BYTES))
        return Json(results_of_draft(self.served, await self._together.ask(records)))

    async def extend(self, request: Request) -> Response:
        """Values of properties as the draft has them."""
        meta, rows = self._showing.extension(await _json(request, MOST_BYTES))
        shown = [
            {"id": one, "properties": [{"id": name, "values": values} for name, values in row.items()]}
            for one, row in rows.items()
        ]
        return Json({"meta": meta, "rows": shown})

    def suggest(self, kind: str) -> Handler:
        """What completes a few letters."""
        look_up = {
            "entity": self._showing.entities,
            "type": self._showing.types,
            "property": self._showing.properties,
        }[kind]

        async def answer(request: Request) -> Response:
            prefix = request.query_params.get("prefix", "")[:200]
            cursor = _number(request, "cursor", 0)
            return Json(await asyncio.to_thread(look_up, prefix, cursor))

        return answer

    async def flyout(self, request: Request) -> Response:
        """A few words on an entity."""
        found = self._showing.flyout(request.query_params.get("id", ""))
        if found is None:
            raise HTTPException(404, "The graph has no such entity.")
        return Json(found)

    async def preview(self, request: Request) -> Response:
        """A page about an entity."""
        found = self._showing.preview(request.query_params.get("id", ""))
        if found is None:
            raise HTTPException(404, "The graph has no such entity.")
        return HTMLResponse(found)

    async def propose(self, request: Request) -> Response:
        """Properties that entities of a type have."""
        limit = _number(request, "limit", USUAL_PROPOSALS)
        return Json(self._showing.proposals(request.query_params.get("type", ""), limit))

    async def align(self, request: Request) -> Response:
        """The matches of two small graphs."""
        graphs = graphs_of(await _json(request, MOST_GRAPH_BYTES))
        if self._aligned >= MOST_ALIGNED:
            raise BusyError
        assert self.options.align is not None
        self._aligned += 1
        try:
            loop = asyncio.get_running_loop()
            return Json(await loop.run_in_executor(self._aligning, self.options.align, graphs))
        finally:
            self._aligned -= 1

    async def health(self, _request: Request) -> Response:
        """Whether it works, and on what."""
        return Json(
            {
                "status": "ok",
                "version": __version__,
                "serves": ("left", "right")[self.served.side],
                "entities": len(self.served.graph),
                "waiting": len(self._together),
            }
        )

    async def metrics(self, _request: Request) -> Response:
        """Counts and times in the text format of Prometheus."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def openapi(self, request: Request) -> Response:
        """All of this as OpenAPI."""
        return Json(openapi(self.options.name, _root(request)))


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/")


async def _form(request: Request) -> dict[str, str]:
    _refuse_other(request, "application/x-www-form-urlencoded")
    body = await read_body(request, MOST_BYTES)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10))
    except ValueError:
        raise QueryError("this is no form") from None


async def _json(request: Request, most: int) -> Any:
    _refuse_other(request, "application/json")
    return parsed(await read_body(request, most), "the body")


def _refuse_other(request: Request, wanted: str) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != wanted:
        raise HTTPException(415, f"Send {wanted}.")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise QueryError(f"`{name}` is a whole number, 0 or more")
    return int(text)


def _status(error: Exception) -> int:
    if isinstance(error, HTTPException):
        return error.status_code
    return error.status if isinstance(error, QueryError) else 503


async def _failed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Json({"error": error.detail}, error.status_code, headers=error.headers)


async def _unanswerable(_request: Request, error: Exception) -> Response:
    return Json({"error": str(error)}, _status(error))


async def _busy(_request: Request, _error: Exception) -> Response:
    return Json({"error": "Too many wait already."}, 503, headers={"retry-after": "1"})
