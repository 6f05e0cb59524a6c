"""One HTTP request to a witness, and nothing else: no redirect, no proxy, no cookie, no more bytes than an answer has.

This is, beside the fetcher of model packs, the only module that calls out over a network, and it calls only the
addresses of the witnesses in the policy.  Once connected, an exchange ends within its time, however slowly bytes
arrive.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from custodes.ledger.witnessing.wire import MAX_ANSWER_BYTES, Answer

Post = Callable[[str, bytes, float], Answer]
"""``post(url, body, timeout)`` returns the answer; raises :class:`Unreachable`."""


class Unreachable(Exception):
    """There is no answer: no address that can be called, no connection, or none in time."""


def post(url: str, body: bytes, timeout: float) -> Answer:
    """Return the answer to ``body`` sent to ``url`` (http or https), within ``timeout`` seconds.

    Raises:
        Unreachable: always when there is no answer, whatever the reason.
    """
    connection = _connection(url, timeout)
    out_of_time = threading.Timer(timeout, _cut, [connection])
    out_of_time.daemon = True
    try:
        connection.connect()
        out_of_time.start()
        connection.request("POST", urlsplit(url).path, body, {"Content-Type": "text/plain", "Connection": "close"})
        response = connection.getresponse()
        content = response.read(MAX_ANSWER_BYTES + 1)
        if len(content) > MAX_ANSWER_BYTES:
            raise Unreachable("longer than any answer")
        if response.length:  # http.client says nothing of a body that was cut short
            raise Unreachable("shorter than it said")
        return Answer(response.status, response.headers.get("Content-Type", ""), content)
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(type(error).__name__) from error
    finally:
        out_of_time.cancel()
        connection.close()


def _connection(url: str, timeout: float) -> HTTPConnection:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Unreachable("not an address") from error
    if not host or parts.scheme not in {"http", "https"} or parts.query or parts.fragment or parts.username:
        raise Unreachable("not an address of a witness")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    try:
        return kind(host, port, timeout=timeout)
    except (HTTPException, ValueError) as error:
        raise Unreachable("not an address") from error


def _cut(connection: HTTPConnection) -> None:
    # only this reaches a thread that waits for the next byte of an answer
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
