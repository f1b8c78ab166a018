"""Run the app until it is interrupted."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing, suppress

import uvicorn
from starlette.types import ASGIApp

from crossgraph.errors import InputError


def serve(app: ASGIApp, *, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Listen at an address and answer until interrupted; ``ready`` is told the port, which may be given as 0.

    With uvloop and httptools where they are installed. Raises InputError if nobody can listen at the address.
    """
    with closing(_listen(host, port)) as listener:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
        )
        ready(listener.getsockname()[1])
        # To be interrupted is how it ends, not how it fails.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise InputError(
            f"cannot listen at {host} port {port}: {error.strerror or error}", hint="choose another --port"
        ) from error
