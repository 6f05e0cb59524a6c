"""A witness over real sockets: what it serves, and what slow, oversized and broken clients can do to it (nothing)."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.sealing import NOW
from tests.ledger.witnessing.scene import ALog, ed25519, witness_in

from custodes.errors import SetupError
from custodes.ledger.quorum import Witness as Listed
from custodes.ledger.witnessing import serving
from custodes.ledger.witnessing.client import Cosigned, Failed, Trouble, ask
from custodes.ledger.witnessing.post import Unreachable, post
from custodes.ledger.witnessing.serving import WitnessServer
from custodes.ledger.witnessing.wire import MAX_ANSWER_BYTES, MAX_REQUEST_BYTES, PATH, Answer
from custodes.ledger.witnessing.witness import Witness

TIMEOUT = 30.0


@pytest.fixture
def log(tmp_path: Path) -> ALog:
    return ALog(tmp_path / "log")


@pytest.fixture
def witness(tmp_path: Path, log: ALog) -> Witness:
    return witness_in(tmp_path / "w", log)


class Served:
    """A server in a thread; ``lines``: what it said of its requests."""

    def __init__(self, take: Callable[[bytes], Answer]) -> None:
        self.lines: list[str] = []
        self.server = WitnessServer(("127.0.0.1", 0), take, self.lines.append)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def raw(self, data: bytes, *, is_whole: bool = True) -> bytes:
        """Send bytes and return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.server.server_port), TIMEOUT) as connection:
            connection.sendall(data)
            if is_whole:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while part := connection.recv(65_536):
                    answer += part
            except ConnectionError:
                pass  # closed on us with bytes of ours unread
            return answer

    def status(self, data: bytes) -> int:
        found = re.match(rb"HTTP/1\.1 (\d{3}) ", self.raw(data))
        return int(found[1]) if found else 0


@pytest.fixture
def served(witness: Witness) -> Iterator[Served]:
    server = Served(witness.add_checkpoint)
    yield server
    server.close()


def _posted(body: bytes, *, path: str = PATH, length: object = None, more: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: w\r\nContent-Length: {size}\r\n{more}\r\n".encode() + body


def test_a_log_gets_its_cosignature_over_http(served: Served, witness: Witness, log: ALog) -> None:
    listed = Listed("w", ed25519(witness), served.url + "/")
    first = ask(listed, log.grown(3), 0, log.proof_from, now=NOW, timeout=TIMEOUT)
    second = ask(listed, log.grown(4, 3), 0, log.proof_from, now=NOW, timeout=TIMEOUT)
    assert isinstance(first, Cosigned)
    assert isinstance(second, Cosigned)
    fork = ALog(log.folder.parent / "fork")
    third = ask(listed, fork.grown(9, 60), 7, fork.proof_from, now=NOW, timeout=TIMEOUT)
    assert third == Failed(Trouble.FORK, 422, 7)


def test_several_requests_may_share_a_connection(served: Served, log: ALog) -> None:
    connection = HTTPConnection("127.0.0.1", served.server.server_port, timeout=TIMEOUT)
    for count in (1, 2):
        note = log.grown(count, len(log.entries))
        connection.request("POST", PATH, log.request(note, len(log.entries) - count))
        response = connection.getresponse()
        assert (response.status, response.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
        response.read()
    connection.close()


def test_a_conflict_says_the_size_as_the_specification_has_it(served: Served, log: ALog) -> None:
    post(served.url + PATH, log.request(log.grown(3), 0), TIMEOUT)
    answer = post(served.url + PATH, log.request(log.grown(1, 3), 0), TIMEOUT)
    assert answer == Answer(409, "text/x.tlog.size", b"3\n")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"])
def test_every_other_method_is_404(served: Served, method: str) -> None:
    assert served.status(f"{method} {PATH} HTTP/1.1\r\nHost: w\r\n\r\n".encode()) == 404


@pytest.mark.parametrize(
    "path", ["/", "/add-checkpoint/", "/add-checkpoint?a", "/add-checkpoint%20", "/keys", "/../keys"]
)
def test_every_other_path_is_404(served: Served, path: str) -> None:
    assert served.status(_posted(b"old 0\n", path=path)) == 404


@pytest.mark.parametrize(
    ("length", "more", "status"),
    [
        (MAX_REQUEST_BYTES + 1, "", 413),
        (999_999_999, "", 413),
        (10**30, "", 411),
        ("-1", "", 411),
        ("+5", "", 411),
        ("", "", 411),
        (5, "Transfer-Encoding: chunked\r\n", 411),
    ],
)
def test_a_body_without_a_sound_length_is_not_read(served: Served, length: object, more: str, status: int) -> None:
    assert served.status(_posted(b"hello", length=length, more=more)) == status


def test_a_body_that_ends_early_is_not_answered(served: Served) -> None:
    assert served.raw(_posted(b"old 0\n", length=50)) == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST\r\n\r\n",
        b"POST " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /add-checkpoint HTTP/9.9\r\n\r\n",
        b"POST /add-checkpoint HTTP/1.1\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"POST /add-checkpoint HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_http_gets_an_error_or_nothing_and_breaks_nothing(served: Served, log: ALog, data: bytes) -> None:
    assert served.status(data) in {0, 400, 404, 411, 414, 431, 505}
    assert post(served.url + PATH, log.request(log.grown(1), 0), TIMEOUT).status == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_whatever_is_posted_is_400(served: Served, data: bytes) -> None:
    assert served.status(_posted(data)) == 400


def test_a_slow_client_is_cut_off_and_others_are_served_meanwhile(
    served: Served, log: ALog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slowloris: as many connections as there are places, each saying a little and then nothing."""
    monkeypatch.setattr(serving._Handler, "timeout", 1.0)
    with ThreadPoolExecutor(serving.MAX_CONNECTIONS) as pool:
        slow = [pool.submit(served.raw, b"POST /add-ch", is_whole=False) for _ in range(serving.MAX_CONNECTIONS - 1)]
        slow.append(pool.submit(served.raw, _posted(b"old", length=50), is_whole=False))
        assert [one.result() for one in slow] == [b""] * len(slow)
    assert post(served.url + PATH, log.request(log.grown(1), 0), TIMEOUT).status == 200


def test_a_client_that_drips_is_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """No silence is long enough to be cut, but the connection lasts too long."""
    monkeypatch.setattr(serving, "LIFETIME_S", 0.5)
    with socket.create_connection(("127.0.0.1", served.server.server_port), TIMEOUT) as connection:
        ended = threading.Event()

        def drip() -> None:
            try:
                while not ended.wait(0.05):
                    connection.sendall(b"A")
            except OSError:
                pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert connection.recv(100) == b""
        except ConnectionError:
            pass
        finally:
            ended.set()
            dripping.join()


def test_more_connections_than_there_are_places_are_closed(
    witness: Witness, log: ALog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MAX_CONNECTIONS", 1)
    arrived, go_on = threading.Event(), threading.Event()

    def held(data: bytes) -> Answer:
        arrived.set()
        go_on.wait(TIMEOUT)
        return witness.add_checkpoint(data)

    served = Served(held)
    try:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(post, served.url + PATH, log.request(log.grown(1), 0), TIMEOUT)
            arrived.wait(TIMEOUT)
            with pytest.raises(Unreachable):
                post(served.url + PATH, b"", TIMEOUT)
            go_on.set()
            assert first.result().status == 200
    finally:
        go_on.set()
        served.close()


def test_a_witness_that_cannot_write_answers_500_and_says_why_to_its_operator() -> None:
    def full(_data: bytes) -> Answer:
        raise SetupError("ledger.witness-unusable", "The folder of the witness cannot be read or written.")

    served = Served(full)
    try:
        assert served.status(_posted(b"x")) == 500
        assert "ledger.witness-unusable" in served.lines[0]
    finally:
        served.close()


def test_a_request_leaves_one_line_that_names_nobody(served: Served, log: ALog) -> None:
    post(served.url + PATH, log.request(log.grown(1), 0), TIMEOUT)
    served.status(b"GET /secret-name HTTP/1.1\r\nUser-Agent: somebody\r\n\r\n")
    served.status(b"somebody's nonsense\r\n\r\n")
    assert len(served.lines) == 3
    for line, what in zip(served.lines, (f"{PATH} 200", "elsewhere 404", "elsewhere 400"), strict=True):
        assert line.endswith(what)
        assert not re.search(r"127\.|secret|somebody|police", line)


# --- the other end ----------------------------------------------------------------------------------


def _stranger(reply: bytes, *, then_wait: bool = False) -> tuple[str, Callable[[], None]]:
    """Return the address of something that is no witness, and how to end it."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(reply)
            if then_wait:
                over.wait(TIMEOUT)

    thread = threading.Thread(target=serve)
    thread.start()

    def end() -> None:
        over.set()
        thread.join()
        listening.close()

    return f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}", end


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 999999 no\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + b"a" * (MAX_ANSWER_BYTES + 2),
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n",
    ],
)
def test_what_is_no_answer_is_unreachable(reply: bytes) -> None:
    url, end = _stranger(reply)
    try:
        with pytest.raises(Unreachable):
            post(url, b"x", TIMEOUT)
    finally:
        end()


def test_a_redirect_is_not_followed() -> None:
    url, end = _stranger(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    try:
        assert post(url, b"x", TIMEOUT).status == 302
    finally:
        end()


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"])
def test_who_keeps_us_waiting_is_unreachable(reply: bytes) -> None:
    url, end = _stranger(reply, then_wait=True)
    try:
        with pytest.raises(Unreachable):
            post(url, b"x", 0.5)
    finally:
        end()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///etc/passwd",
        "ftp://w.example/",
        "http://",
        "http://w.example:99999/",
        "http://a@w.example/",
        "http://w.example/?a=b",
        "http://[",
        "http://127.0.0.1:1/add-checkpoint",
        "http://w .example/",
    ],
)
def test_an_address_that_cannot_be_called_is_unreachable(url: str) -> None:
    with pytest.raises(Unreachable):
        post(url, b"x", 0.5)


def test_nothing_listens_after_the_end(witness: Witness, log: ALog) -> None:
    served = Served(witness.add_checkpoint)
    served.close()
    got = ask(Listed("w", ed25519(witness), served.url), log.grown(1), 0, log.proof_from, now=NOW, timeout=1)
    assert got == Failed(Trouble.UNREACHABLE)
