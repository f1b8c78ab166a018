"""The review app: which address shows or does what."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from crossgraph.drawing.texts import safe, short_name
from crossgraph.errors import CrossgraphError
from crossgraph.reviewing.book import PairIds
from crossgraph.reviewing.desk import Desk
from crossgraph.reviewing.ledger import VERDICTS
from crossgraph.reviewing.material import SIDES
from crossgraph.reviewing.pupil import Pupil
from crossgraph.reviewing.queue import ORDERS, Order
from crossgraph.reviewing.reviewers import this_user
from crossgraph.reviewing.web import pages
from crossgraph.reviewing.web.guard import MOST_BYTES, Guard, GuardOptions, read_body

Form: TypeAlias = Mapping[str, str]
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
Reasoner: TypeAlias = Callable[[str, str], str]

NAME_COOKIE = "crossgraph_reviewer"
MOST_WORDS = 2000
# Each file by its name: nothing that an address says ever becomes a path.
ASSETS: Mapping[str, str] = {
    "drawing.css": "text/css; charset=utf-8",
    "review.css": "text/css; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, kw_only=True)
class ReviewOptions:
    """How a review runs.

    who       the reviewer, unless the browser says otherwise
    guard     who may come in
    reasons   tells for two identifiers why the model decided so, as HTML in which every text is escaped; may
              take seconds, and is asked in a thread, one question at a time. Raises CrossgraphError where
              there are none
    pupil     learns from the answers when asked; without one no page offers that
    """

    who: str = field(default_factory=this_user)
    guard: GuardOptions = field(default_factory=GuardOptions)
    reasons: Reasoner | None = None
    pupil: Pupil | None = None


def create_app(desk: Desk, options: ReviewOptions | None = None) -> Starlette:
    """The app of a review; any ASGI server can run it."""
    review = _Review(desk, options or ReviewOptions())
    shown = {
        "/": review.overview,
        "/queue": review.queue,
        "/next": review.next,
        "/pair": review.pair,
        "/reasons": review.reasons,
        "/entity": review.entity,
        "/search": review.search,
        "/history": review.history,
        "/agreement": review.agreement,
        "/learn": review.progress,
        "/assets/{name}": review.asset,
    }
    done = {
        "/decide": review.decide,
        "/undo": review.undo,
        "/name": review.name,
        "/learn": review.learn,
    }
    return Starlette(
        routes=[
            *(Route(path, handler, methods=["GET"]) for path, handler in shown.items()),
            *(Route(path, _posted(handler), methods=["POST"]) for path, handler in done.items()),
        ],
        middleware=[Middleware(Guard, options=review.options.guard)],
        lifespan=review.lifespan,
        exception_handlers={HTTPException: review.failed, CrossgraphError: review.broken},
    )


def _posted(handler: Callable[[Request, Form], Awaitable[Response]]) -> Handler:
    """A handler that gets a form which one of our own pages sent; nothing else reaches it."""

    async def checked(request: Request) -> Response:
        body = await read_body(request, MOST_BYTES)
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=30))
        except ValueError:
            raise HTTPException(400, "This is no form.") from None
        if not hmac.compare_digest(form.get("token", "").encode(), request.state.form_token.encode()):
            raise HTTPException(403, "This form is not from this browser. Load the page again.")
        return await handler(request, form)

    return checked


@dataclass(frozen=True, slots=True)
class Way:
    """The way that a reviewer goes through the queue: an order, and one type or all."""

    order: Order
    type_name: str

    @staticmethod
    def of(asked: Mapping[str, str]) -> Way:
        """From an address or a form; what is unknown is the usual."""
        order = next((one for one in ORDERS if one == asked.get("order")), ORDERS[0])
        return Way(order, asked.get("type", ""))

    def query(self, **more: object) -> str:
        """As the end of an address."""
        return urlencode(
            {"order": self.order, **({"type": self.type_name} if self.type_name else {}), **more}
        )


class _Review:
    """The handlers. They run one after the other, in the one thread of the server."""

    def __init__(self, desk: Desk, options: ReviewOptions) -> None:
        self.desk = desk
        self.options = options
        self._pages = _environment()
        self._reasoning = asyncio.Lock()
        assets = files("crossgraph.reviewing.web") / "static"
        self._assets = {name: (assets / name).read_bytes() for name in ASSETS if name != "drawing.css"}
        self._assets["drawing.css"] = (files("crossgraph.drawing") / "drawing.css").read_bytes()
        self._awaited = False

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Learning ends with the server, however that is told to end."""
        yield
        if self.options.pupil is not None:
            self.options.pupil.stop()

    async def overview(self, request: Request) -> Response:
        """Progress, how good the matches are, and where to begin."""
        await self._refresh()
        return self._page(request, "overview.html", pages.overview(self.desk, self._who(request)))

    async def queue(self, request: Request) -> Response:
        """The open pairs as a list."""
        await self._refresh()
        way, page = Way.of(request.query_params), _number(request, "page")
        rows = self.desk.queue(self._who(request)).rows(way.order, type_name=way.type_name)
        return self._page(request, "queue.html", pages.queue(self.desk, rows, page=page), way=way)

    async def next(self, request: Request) -> Response:
        """Lead to the next open pair."""
        await self._refresh()
        way, after = Way.of(request.query_params), _number(request, "after", default=-1)
        after = after if after < len(self.desk.material.pairs) else -1
        row = self.desk.queue(self._who(request)).next(way.order, type_name=way.type_name, after=after)
        if row < 0:
            return RedirectResponse("/?done=1", 303)
        return RedirectResponse(_pair_address(self.desk.material.ids(row), way), 303)

    async def pair(self, request: Request) -> Response:
        """Everything about two entities, and the buttons to decide."""
        await self._refresh()
        pair, way = self._known_pair(request.query_params), Way.of(request.query_params)
        shown = pages.pair(self.desk, pair, who=self._who(request))
        return self._page(request, "pair.html", {**shown, "reasons": bool(self.options.reasons)}, way=way)

    async def reasons(self, request: Request) -> Response:
        """Why the model decided so: a part of the page of a pair, or a page for who has no JavaScript."""
        pair, way = self._known_pair(request.query_params), Way.of(request.query_params)
        told = await self._told(request, pair)
        if request.query_params.get("part"):
            return HTMLResponse(told)
        names = pages.names(self.desk, pair)
        return self._page(request, "reasons.html", {"pair": pair, "names": names, "told": told}, way=way)

    async def _told(self, request: Request, pair: PairIds) -> str:
        if self.options.reasons is None:
            raise HTTPException(404, "This review knows no reasons.")
        async with self._reasoning:
            # Who went on to another pair while others were answered needs no answer.
            if await request.is_disconnected():
                return ""
            try:
                return await run_in_threadpool(self.options.reasons, *pair)
            except CrossgraphError as error:
                return f"<p>There are no reasons to show: {safe(str(error), 600)}</p>"

    async def entity(self, request: Request) -> Response:
        """One entity, with its candidates."""
        await self._refresh()
        side = next((one for one in SIDES if one == request.query_params.get("side")), None)
        entity = self.desk.material.view(side).number(request.query_params.get("id", "")) if side else -1
        if side is None or entity < 0:
            raise HTTPException(404, "There is no such entity.")
        return self._page(request, "entity.html", pages.entity(self.desk, side, entity))

    async def search(self, request: Request) -> Response:
        """Entities of both graphs by name."""
        asked = request.query_params
        found = pages.search(
            self.desk, asked.get("q", "")[:200], asked.get("left", ""), asked.get("right", "")
        )
        return self._page(request, "search.html", found)

    async def history(self, request: Request) -> Response:
        """All that was ever said, the last first."""
        await self._refresh()
        page = _number(request, "page")
        return self._page(request, "history.html", pages.history(self.desk, page=page))

    async def agreement(self, request: Request) -> Response:
        """How far the reviewers agree, and where not."""
        await self._refresh()
        return self._page(request, "agreement.html", pages.agreement(self.desk))

    async def progress(self, request: Request) -> Response:
        """How far learning is, and what it has changed."""
        pupil = self._pupil()
        await self._refresh()
        return self._page(request, "learn.html", pages.learn(self.desk, pupil))

    async def learn(self, request: Request, form: Form) -> Response:
        """Begin to learn from the answers, unless the model is at it."""
        if self._pupil().start():
            self._awaited = True
        return RedirectResponse("/learn", 303)

    async def asset(self, request: Request) -> Response:
        """A file that came with the package."""
        name = request.path_params["name"]
        if name not in ASSETS:
            raise HTTPException(404, "There is no such file.")
        headers = {"cache-control": "max-age=300"}
        return Response(self._assets[name], media_type=ASSETS[name], headers=headers)

    async def decide(self, request: Request, form: Form) -> Response:
        """Record a decision and lead on."""
        verdict = next((one for one in VERDICTS if one == form.get("verdict")), None)
        if verdict is None:
            raise HTTPException(400, "A decision is same, different or unsure.")
        pair, way = self._known_pair(form), Way.of(form)
        self.desk.decide(self._who(request), pair, verdict, why=form.get("why", "").strip()[:MOST_WORDS])
        return RedirectResponse(f"/next?{way.query(after=self.desk.row(pair))}", 303)

    async def undo(self, request: Request, form: Form) -> Response:
        """Take the last decision back and show its pair again."""
        pair = self.desk.undo(self._who(request))
        if pair is None:
            return RedirectResponse("/?nothing=1", 303)
        return RedirectResponse(_pair_address(pair, Way.of(form)), 303)

    async def name(self, request: Request, form: Form) -> Response:
        """Go on as another reviewer."""
        name = " ".join(form.get("who", "").split())[:60]
        if not name or not name.isprintable():
            raise HTTPException(400, "A reviewer needs a name.")
        answer = RedirectResponse("/", 303)
        answer.set_cookie(NAME_COOKIE, quote(name), max_age=365 * 86400, httponly=True, samesite="strict")
        return answer

    async def failed(self, request: Request, error: Exception) -> Response:
        """What went wrong, as a page."""
        assert isinstance(error, HTTPException)
        shown = {"title": "This did not work", "message": error.detail}
        return self._page(request, "message.html", shown, status=error.status_code)

    async def broken(self, request: Request, error: Exception) -> Response:
        """A ledger that cannot be written, say: nothing was recorded, and the page says so."""
        shown = {"title": "Nothing was recorded", "message": str(error)}
        return self._page(request, "message.html", shown, status=500)

    def _pupil(self) -> Pupil:
        if self.options.pupil is None:
            raise HTTPException(404, "This review does not learn.")
        return self.options.pupil

    async def _refresh(self) -> None:
        """Take in what was written since: entries of the ledger, or a whole result that has been learned."""
        if self._awaited and self._pupil().state in ("done", "failed"):
            self._awaited = False
            if self._pupil().state == "done":
                # In a thread: other pages are answered from the former result meanwhile.
                self.desk = await asyncio.to_thread(lambda: Desk(self.desk.material.renewed()))
        self.desk.refresh()

    def _known_pair(self, asked: Mapping[str, str]) -> PairIds:
        pair = asked.get("left", ""), asked.get("right", "")
        if self.desk.material.left.number(pair[0]) < 0 or self.desk.material.right.number(pair[1]) < 0:
            raise HTTPException(404, "The graphs do not have these two entities.")
        return pair

    def _who(self, request: Request) -> str:
        return unquote(request.cookies.get(NAME_COOKIE, ""))[:60] or self.options.who

    def _page(
        self,
        request: Request,
        template: str,
        shown: Mapping[str, Any],
        *,
        way: Way | None = None,
        status: int = 200,
    ) -> Response:
        common = {
            "way": way or Way.of(request.query_params),
            "who": self._who(request),
            "token": request.state.form_token,
            "learns": self.options.pupil is not None,
            "asked": request.query_params,
            "left_asked": "",
            "right_asked": "",
        }
        text = self._pages.get_template(template).render({**common, **shown})
        return HTMLResponse(text, status)


@cache
def _environment() -> Environment:
    """Templates in which every text is escaped, and a name that is not there is an error."""
    pages_of = Environment(
        loader=PackageLoader("crossgraph.reviewing.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages_of.filters["short"] = short_name
    pages_of.filters["link"] = pages.web_address
    pages_of.filters["chance"] = pages.chance
    pages_of.filters["when"] = pages.when
    pages_of.globals["address"] = _address
    return pages_of


def _address(path: str, **query: object) -> str:
    """An address of this app; parts without a value are left out."""
    return path + "?" + urlencode({key: value for key, value in query.items() if value not in ("", None)})


def _pair_address(pair: PairIds, way: Way) -> str:
    return f"/pair?{way.query(left=pair[0], right=pair[1])}"


def _number(request: Request, name: str, *, default: int = 0) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
