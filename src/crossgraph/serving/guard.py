"""Who may ask the service: hosts, the token, and pages of other origins.

The rules are those of the review (``reviewing.web.guard``). What differs: programs bring the token in each
request and not in a cookie, and pages of some other origins may ask (CORS), which the Reconciliation API
demands and OpenRefine does.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from crossgraph.reviewing.web.guard import HEADERS, GuardOptions, guarded_send, names_this_machine

ANY_ORIGIN = "*"
_LOOPBACK = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_FRAMES = ("http://localhost:*", "http://127.0.0.1:*")
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'"
_ASKED = {
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "content-type, authorization",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceGuardOptions(GuardOptions):
    """Who may ask.

    token      what every request must bring: as ``Authorization: Bearer`` or as the first part of its path
    origins    origins whose pages may ask, beside those of this machine; ``*`` for all
    """

    origins: tuple[str, ...] = ()


class ServiceGuard:
    """The guard as ASGI middleware."""

    def __init__(self, app: ASGIApp, options: ServiceGuardOptions) -> None:
        self._app = app
        self._options = options
        frames = ANY_ORIGIN if ANY_ORIGIN in options.origins else " ".join((*_FRAMES, *options.origins))
        self._headers: Mapping[str, str] = {
            **{name: value for name, value in HEADERS.items() if name != "x-frame-options"},
            # A client shows previews in a frame, where nothing runs and nothing is loaded.
            "content-security-policy": f"{_NOTHING}; frame-ancestors {frames}",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        origin = request.headers.get("origin", "")
        headers = dict(self._headers)
        if origin and self._may_ask(origin, request):
            headers |= {"access-control-allow-origin": origin, "vary": "Origin"}
        answer = self._refusal(request, origin)
        if answer is None and origin and scope["method"] == "OPTIONS":
            answer = Response(status_code=204, headers=_ASKED)
        await (answer or self._app)(scope, receive, guarded_send(send, headers))

    def _refusal(self, request: HTTPConnection, origin: str) -> Response | None:
        if self._options.loopback and not names_this_machine(request.headers.get("host", "")):
            return _refused("This service answers only to localhost.", 421)
        if origin and not self._may_ask(origin, request):
            return _refused("Pages of this origin may not ask; --allow-origin lets them.", 403)
        # What a page loads without asking (a script, a picture) says no origin.
        fetched = request.headers.get("sec-fetch-site", "none")
        if fetched not in ("none", "same-origin") and request.headers.get("sec-fetch-mode") == "no-cors":
            return _refused("Pages of other sites may not load this.", 403)
        # A browser asks beforehand without the token.
        if self._options.token and request.scope["method"] != "OPTIONS" and not self._knows_token(request):
            return _refused("The token is missing or wrong.", 401, {"www-authenticate": "Bearer"})
        return None

    def _may_ask(self, origin: str, request: HTTPConnection) -> bool:
        own = origin.partition("://")[2] == request.headers.get("host", "")
        given = self._options.origins
        return own or ANY_ORIGIN in given or origin in given or bool(_LOOPBACK.fullmatch(origin))

    def _knows_token(self, request: HTTPConnection) -> bool:
        token = self._options.token.encode()
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token):
            return True
        first = request.scope["path"].removeprefix("/").partition("/")[0]
        if not hmac.compare_digest(first.encode(), token):
            return False
        request.scope["root_path"] = f"/{first}"
        return True


def _refused(why: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": why}, status, headers=dict(headers or {}))
