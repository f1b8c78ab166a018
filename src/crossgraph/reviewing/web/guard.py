"""What keeps strangers out: hosts, the access token, forms of other sites, and what a page may load.

Every request passes here before any page sees it, and every answer on its way out.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossgraph.errors import ConfigError

FORM_COOKIE = "crossgraph_form"
MOST_BYTES = 64 * 1024
SHORTEST_TOKEN = 16
HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: with it browsers would call the origin of our own forms "null".
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardOptions:
    """Who may come in.

    token      what a browser must bring once; empty lets everybody in who reaches the server
    loopback   only requests that name this machine are answered, whatever name leads here
    """

    token: str = ""
    loopback: bool = True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens at this address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def access_token(host: str, given: str | None) -> str:
    """The token of a server that listens at an address: the given one, or a new one where one is needed.

    Raises ConfigError for a token that is too short.
    """
    if given is not None and len(given) < SHORTEST_TOKEN:
        raise ConfigError(
            "--token is too short to keep anybody out", hint=f"give {SHORTEST_TOKEN} characters or more"
        )
    return given or ("" if is_loopback(host) else secrets.token_urlsafe(24))


class Guard:
    """The guard as ASGI middleware."""

    def __init__(self, app: ASGIApp, options: GuardOptions) -> None:
        self._app = app
        self._options = options
        # Cookies do not tell ports apart, and two servers have two tokens.
        self._cookie = f"crossgraph_access_{_digest('name', options.token)[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        answer = self._refusal(request)
        form = request.cookies.get(FORM_COOKIE, "")
        fresh = "" if _is_key(form) else secrets.token_urlsafe(32)
        scope.setdefault("state", {})["form_token"] = form_token(fresh or form)
        cookie = f"{FORM_COOKIE}={fresh}; HttpOnly; Path=/; SameSite=Strict" if fresh and not answer else ""
        guarded = guarded_send(send, {**HEADERS, **({"set-cookie": cookie} if cookie else {})})
        await (answer or self._app)(scope, receive, guarded)

    def _refusal(self, request: HTTPConnection) -> Response | None:
        """The answer to a request that may not pass; None if it may."""
        if self._options.loopback and not names_this_machine(request.headers.get("host", "")):
            return PlainTextResponse("This server answers only to localhost.", 421)
        if self._options.token:
            refused = self._unknown(request)
            if refused:
                return refused
        if request.scope["method"] not in ("GET", "HEAD") and not _is_same_site(request):
            return PlainTextResponse("This request comes from another site.", 403)
        return None

    def _unknown(self, request: HTTPConnection) -> Response | None:
        """Ask for the token; a right one in the address becomes a cookie and leaves the address."""
        expected = _digest("access", self._options.token)
        if hmac.compare_digest(request.cookies.get(self._cookie, "").encode(), expected.encode()):
            return None
        given = request.query_params.get("token", "")
        if request.scope["method"] != "GET" or not hmac.compare_digest(
            given.encode(), self._options.token.encode()
        ):
            return PlainTextResponse("Open the address with the token that the server printed.", 401)
        rest = urlencode([(k, v) for k, v in parse_qsl(request.url.query) if k != "token"])
        # One slash: `//elsewhere` would lead to another site.
        answer = RedirectResponse("/" + request.url.path.lstrip("/\\") + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(self._cookie, expected, httponly=True, samesite="strict")
        return answer


def form_token(key: str) -> str:
    """What a form must bring along, from the cookie of the browser that it was made for.

    Another site can neither read the cookie nor set it. Nothing is kept on the server, so that a page that
    was open when it ended still works with the next one.
    """
    return _digest("form", key)


def _digest(use: str, secret: str) -> str:
    return hashlib.sha256(f"crossgraph {use} {secret}".encode()).hexdigest()


def _is_key(text: str) -> bool:
    return len(text) == 43 and text.replace("-", "").replace("_", "").isalnum() and text.isascii()


def names_this_machine(host: str) -> bool:
    """Whether a Host header names this machine: as localhost, or by any of its own addresses."""
    # A page of another site whose name was made to lead here (DNS rebinding) still sends its own name.
    name = (host.rsplit(":", 1)[0] if not host.endswith("]") else host).lower()
    if name.startswith("[") and name.endswith("]"):
        return ":" in name and is_loopback(name[1:-1])
    return ":" not in name and is_loopback(name)


def _is_same_site(request: HTTPConnection) -> bool:
    """Whether a browser would say that the request comes from one of our pages."""
    fetched = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if fetched not in ("same-origin", "none"):
        return False
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def guarded_send(send: Send, added: Mapping[str, str]) -> Send:
    """Send answers with these headers, which nobody keeps unless they say so."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in added.items():
                if name == "set-cookie":
                    headers.append(name, value)
                else:
                    headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return guarded


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request. Raises HTTPException 413 as soon as it is longer than so many bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(413, f"This is too much to send: {most:,} bytes are the most.")
    return bytes(body)
