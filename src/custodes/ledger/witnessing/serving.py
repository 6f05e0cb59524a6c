"""A witness over HTTP: ``POST /add-checkpoint`` (C2SP `tlog-witness`), and 404 for everything else.

Made to stand open to a network on which anybody may send anything: a body has a limit, a connection has a time to live
however slowly it speaks, and no more than :data:`MAX_CONNECTIONS` are served at once; others are closed.  There is no
sign-in, because a request is good only if a known log signed what it carries.  TLS is a reverse proxy's.

Each request leaves one line: when, what, and the status.  It names neither who asked nor what was asked.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from custodes.errors import CustodesError
from custodes.ledger.witnessing.wire import MAX_REQUEST_BYTES, PATH, UNKNOWN, Answer

MAX_CONNECTIONS = 32
SILENCE_S = 5.0
"""How long the next byte of a request may take."""
LIFETIME_S = 15.0
"""How long a connection may last; whoever has more to ask makes another one."""

_LENGTH = re.compile(r"[0-9]{1,9}", re.ASCII)
Take = Callable[[bytes], Answer]
"""What answers a request's bytes: :meth:`~custodes.ledger.witnessing.witness.Witness.add_checkpoint`."""


class WitnessServer(ThreadingHTTPServer):
    """Serves ``take`` on ``address``; ``server_port`` says on which port when that of ``address`` is 0.

    Raises:
        OSError: the address cannot be had.
    """

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], take: Take, log: Callable[[str], object] | None = None) -> None:
        self.take = take
        self.log = log or (lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201 - a server's one output
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind, without asking a name server what this machine is called."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection if there is a place, and close it otherwise."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection for as long as one may last."""
        end = threading.Timer(LIFETIME_S, _cut, [request])
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say that a connection broke off and by what kind of error: no trace, which might say whose."""
        self.log(f"connection broken off: {type(sys.exc_info()[1]).__name__}")


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    timeout = SILENCE_S

    def do_POST(self) -> None:
        if self.path != PATH:
            self._reply(Answer(UNKNOWN), is_last=True)
            return
        length = self.headers.get("Content-Length", "")
        if not _LENGTH.fullmatch(length) or "Transfer-Encoding" in self.headers:
            self._reply(Answer(411), is_last=True)
            return
        if int(length) > MAX_REQUEST_BYTES:
            self._reply(Answer(413), is_last=True)
            return
        data = self.rfile.read(int(length))
        if len(data) < int(length):
            self.close_connection = True
            return
        try:
            self._reply(self.server.take(data))
        except CustodesError as error:
            self.server.log(str(error))
            self._reply(Answer(500), is_last=True)

    def _reply(self, answer: Answer, *, is_last: bool = False) -> None:
        self.close_connection = self.close_connection or is_last
        self.send_response(answer.status)
        if answer.content_type:
            self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is not HTTP with its status, and every other method with 404, repeating nothing."""
        self.requestline = self.requestline or ""
        self._reply(Answer(UNKNOWN if code == 501 else code), is_last=True)

    def version_string(self) -> str:
        return "custodes-witness"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        what = PATH if getattr(self, "path", "") == PATH else "elsewhere"
        self.server.log(f"{self.log_date_time_string()} {what} {int(code)}")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing of what the standard library would say: it would repeat what was sent."""


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
