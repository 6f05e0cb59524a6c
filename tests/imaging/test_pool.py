"""Decoding in worker processes: the same pictures, and no attack on a worker reaches its parent (SEC-05)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.imaging.hostile import LIES
from tests.imaging.making import CORPUS, gradient, picture, rgb_profile, saved
from tests.imaging.test_containers import FILES
from tests.imaging.test_decode import exif, with_exif

from custodes.errors import ImageError, SetupError
from custodes.imaging import DecodingPool, Limits, LocalDecoder, Measure, Note, Picture, faults
from custodes.imaging.process import WorkerProcess
from custodes.imaging.worker.samples import SAMPLES

LIMITS = Limits()
HERE = LocalDecoder()
SOUND = {
    **FILES,
    **{f"sample {name}": data for name, data in SAMPLES.items()},
    **{f"HEIC {path.stem}": path.read_bytes() for path in sorted((CORPUS / "heic").glob("*.heic"))},
    "profile": saved(picture(), "JPEG", icc_profile=rgb_profile()),
    "progressive": saved(picture(), "JPEG", progressive=True),
    "transparent": saved(Image.new("RGBA", (9, 9), (1, 2, 3, 99)), "PNG"),
    "wide": saved(Image.fromarray(np.full((9, 9), 999, np.uint16)), "PNG"),
    "turned": with_exif(saved(picture(), "JPEG"), exif(6)),
}


class HostileWorker(WorkerProcess):
    """Starts a worker that was taken over."""

    program = "tests.imaging.hostile"


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodingPool]:
    made = DecodingPool(LIMITS, workers=2)
    yield made
    made.close()


@pytest.fixture
def hostile() -> Iterator[DecodingPool]:
    made = DecodingPool(LIMITS, grace=0.3, start_worker=HostileWorker)
    yield made
    made.close()


def command(what: str) -> bytes:
    return b"GIF89a|" + what.encode() + b"|" + bytes(100)


def code(decode: Callable[[], object]) -> str:
    with pytest.raises(ImageError) as caught:
        decode()
    assert str(caught.value.what)
    return caught.value.code


def told(pool: DecodingPool, what: str, seconds: float = 30.0) -> Picture:
    return pool.decode(command(what), name=None, limits=Limits(max_seconds=seconds))


def outcome(decoder: LocalDecoder | DecodingPool, data: bytes, name: str | None = None) -> tuple[object, ...]:
    try:
        found = decoder.decode(data, name=name, limits=LIMITS)
    except ImageError as error:
        return error.code, dict(error.values), str(error)
    facts = (found.sha256, found.format, found.orientation, found.trailing_bytes, found.frames, found.notes)
    return found.pixels.tobytes(), found.pixels.shape, found.stored_width, found.stored_height, found.original, facts


class TestTheSamePictures:
    @pytest.mark.parametrize("name", SOUND)
    def test_a_worker_draws_what_this_process_would(self, pool: DecodingPool, name: str) -> None:
        """The original and its SHA-256 too, which no worker can choose (PRB-01)."""
        assert outcome(pool, SOUND[name]) == outcome(HERE, SOUND[name])

    @pytest.mark.parametrize("name", SOUND)
    def test_damage_gives_the_same_error(self, pool: DecodingPool, name: str) -> None:
        data = SOUND[name]
        middle = len(data) // 2
        for broken in (data[:middle], data[:middle] + b"\xff\x00\xff" + data[middle + 3 :], data + b"tail"):
            assert outcome(pool, broken) == outcome(HERE, broken)

    @pytest.mark.parametrize(
        "data", [b"", b"hello", b"%PDF-1.7", b"\x00" * 5000], ids=["empty", "text", "pdf", "zeros"]
    )
    def test_what_is_no_image_gives_the_same_error(self, pool: DecodingPool, data: bytes) -> None:
        assert outcome(pool, data) == outcome(HERE, data)

    @pytest.mark.parametrize("name", ["a.png", "évidence.TXT", "a.gif", "x" * 300 + ".exe", "\ud800.png"])
    def test_names_are_held_against_what_the_file_is(self, pool: DecodingPool, name: str) -> None:
        assert outcome(pool, SOUND["GIF"], name) == outcome(HERE, SOUND["GIF"], name)

    def test_pixels_are_ours_alone_and_stay_as_they_are(self, pool: DecodingPool) -> None:
        first = pool.decode(SOUND["BMP"], name=None, limits=LIMITS)
        kept = first.pixels.copy()
        pool.decode(SOUND["GIF of frames"], name=None, limits=LIMITS)
        assert np.array_equal(first.pixels, kept)
        assert first.pixels.flags.writeable
        assert first.pixels.flags.c_contiguous

    def test_a_large_picture_asks_for_room_and_its_memory_is_given_back(self, pool: DecodingPool) -> None:
        large = np.tile(gradient(), (60, 60, 1))
        data = saved(Image.fromarray(large), "PNG", compress_level=1)
        assert np.array_equal(pool.decode(data, name=None, limits=LIMITS).pixels, large)
        assert np.array_equal(pool.decode(data, name=None, limits=LIMITS).pixels, large)

    def test_limits_are_the_calls_own(self, pool: DecodingPool) -> None:
        assert (
            code(lambda: pool.decode(SOUND["BMP"], name=None, limits=Limits(max_pixels=9))) == "image.too-many-pixels"
        )
        assert code(lambda: pool.decode(b"x" * 9, name=None, limits=Limits(max_bytes=8))) == "image.too-many-bytes"

    def test_limits_wider_than_the_pools_are_a_mistake_of_the_program(self, pool: DecodingPool) -> None:
        with pytest.raises(ValueError, match="wider"):
            pool.decode(SOUND["BMP"], name=None, limits=Limits(max_pixels=LIMITS.max_pixels + 1))

    @pytest.mark.parametrize("name", ["TIFF", "transparent", "turned", "J2K"])
    def test_a_preview_is_the_same_too(self, pool: DecodingPool, name: str) -> None:
        options = {"name": None, "limits": LIMITS, "longest_side": 20}
        assert pool.preview(SOUND[name], **options) == HERE.preview(SOUND[name], **options)
        assert code(lambda: pool.preview(SOUND[name][:-9], **options)) in ("image.truncated", "image.damaged")

    def test_every_format_is_said_to_work(self, pool: DecodingPool) -> None:
        assert set(pool.working_formats()) == set(SAMPLES)


def test_an_installation_without_the_extra_says_so_from_within_a_worker() -> None:
    class Without(WorkerProcess):
        program = "tests.imaging.without_heif"

    with DecodingPoolOf(LIMITS, start_worker=Without) as made:
        assert code(lambda: made.decode(SAMPLES["HEIC"], name="a.heic", limits=LIMITS)) == "image.format-not-installed"
        assert set(made.working_formats()) == set(SAMPLES) - {"HEIC"}


class TestConfinement:
    def test_it_can_be_asked_for(self, pool: DecodingPool) -> None:
        assert Measure.LIMITS in pool.confinement()

    def test_a_worker_holds_two_pipes_and_the_shared_memory_and_nothing_else(self, pool: DecodingPool) -> None:
        pool.confinement()
        for worker in pool._alive:
            worker.wait_until_ready()
            try:
                held = [str(entry.readlink()) for entry in Path(f"/proc/{worker.pid}/fd").iterdir()]
            except PermissionError:
                pytest.skip("only the superuser may look into a worker")
            assert sorted(target.partition(":")[0] for target in held) == ["/dev/null"] * 3 + ["/memfd"] + ["pipe"] * 2

    def test_a_worker_inherits_no_environment(self, pool: DecodingPool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CUSTODES_SECRET", "hidden")
        with DecodingPoolOf(LIMITS) as made:
            made.confinement()
            (worker,) = made._alive
            try:
                environment = Path(f"/proc/{worker.pid}/environ").read_bytes()
            except PermissionError:
                pytest.skip("only the superuser may look into a worker")
            assert b"CUSTODES" not in environment
            assert b"PATH" not in environment


class DecodingPoolOf(DecodingPool):
    """A pool that ends with a ``with``."""

    def __enter__(self) -> DecodingPoolOf:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class TestDeath:
    def test_an_attack_that_kills_its_worker_is_an_error_and_the_next_file_is_decoded(
        self, hostile: DecodingPool
    ) -> None:
        for what in ("kill-itself", "abort", "leave", "run-a-program"):
            assert code(lambda what=what: told(hostile, what)) == "image.decoder-died"
            assert told(hostile, "honest").notes == (Note.GREY,)

    def test_a_worker_killed_in_the_middle_of_its_work(self) -> None:
        with DecodingPoolOf(LIMITS) as made, ThreadPoolExecutor(1) as threads:
            made.confinement()
            (worker,) = made._alive
            os.kill(worker.pid, signal.SIGSTOP)
            waiting = threads.submit(made.decode, SOUND["JP2"], name=None, limits=LIMITS)
            while worker.is_usable:
                time.sleep(0.001)
            time.sleep(0.05)
            os.kill(worker.pid, signal.SIGKILL)
            assert code(waiting.result) == "image.decoder-died"
            assert made.decode(SOUND["BMP"], name=None, limits=LIMITS).width == 64
            assert worker not in made._alive

    def test_a_worker_that_died_while_it_waited_costs_nobody_anything(self, pool: DecodingPool) -> None:
        pool.confinement()
        for worker in tuple(pool._alive):
            os.kill(worker.pid, signal.SIGKILL)
        time.sleep(0.05)
        for _ in range(4):
            assert pool.decode(SOUND["BMP"], name=None, limits=LIMITS).width == 64

    @pytest.mark.parametrize("what", ["hang", "spin", "half-an-answer"])
    def test_an_attack_that_never_answers_is_ended_when_its_time_is_over(
        self, hostile: DecodingPool, what: str
    ) -> None:
        hostile.confinement()
        (stuck,) = hostile._alive
        with pytest.raises(ImageError) as caught:
            told(hostile, what, seconds=0.5)
        assert caught.value.code == "image.too-slow"
        assert "0.5" in str(caught.value.what)
        assert not Path(f"/proc/{stuck.pid}").exists()
        assert told(hostile, "honest").width == 4

    def test_a_stopped_worker_is_ended_too(self) -> None:
        with DecodingPoolOf(LIMITS, grace=0.2) as made:
            made.confinement()
            (worker,) = made._alive
            os.kill(worker.pid, signal.SIGSTOP)
            quick = Limits(max_seconds=0.3)
            assert code(lambda: made.decode(SOUND["BMP"], name=None, limits=quick)) == "image.too-slow"
            assert made.decode(SOUND["BMP"], name=None, limits=LIMITS).width == 64

    def test_an_attack_that_eats_all_memory_meets_its_limit(self, hostile: DecodingPool) -> None:
        hostile.confinement()
        (full,) = hostile._alive
        assert code(lambda: told(hostile, "eat")) == "image.too-much-memory"
        assert told(hostile, "honest").width == 4
        assert full not in hostile._alive

    def test_a_worker_whose_memory_truly_ran_out_is_replaced(self) -> None:
        class Narrow(WorkerProcess):
            program = "tests.imaging.without_memory"

        with DecodingPoolOf(LIMITS, start_worker=Narrow) as made:
            made.confinement()
            (full,) = made._alive
            assert code(lambda: made.decode(SOUND["BMP"], name=None, limits=LIMITS)) == "image.too-much-memory"
            assert full not in made._alive

    def test_an_attack_by_headers_that_ask_for_too_much_memory_ends_no_worker(self) -> None:
        """Nothing was decoded yet; starting a worker anew for each such file would cost a third of a second."""
        with DecodingPoolOf(LIMITS) as made:
            made.confinement()
            (worker,) = made._alive
            tight = Limits(max_decoded_bytes=100)
            for _ in range(3):
                assert code(lambda: made.decode(SOUND["BMP"], name=None, limits=tight)) == "image.too-much-memory"
            assert made.decode(SOUND["BMP"], name=None, limits=LIMITS).width == 64
            assert made._alive == {worker}


class TestLies:
    @pytest.mark.parametrize("lie", [lie for lie in LIES if lie != "honest"])
    def test_an_answer_that_cannot_be_is_no_picture_and_ends_the_worker(self, hostile: DecodingPool, lie: str) -> None:
        hostile.confinement()
        (liar,) = hostile._alive
        assert code(lambda: told(hostile, lie)) == "image.decoder-died"
        assert liar not in hostile._alive

    def test_an_attack_that_cuts_the_shared_memory_short_does_not_crash_the_parent(self, hostile: DecodingPool) -> None:
        assert told(hostile, "shrink").pixels.ravel().tolist() == list(range(24))

    def test_an_attack_that_changes_pixels_after_they_were_handed_over(self, hostile: DecodingPool) -> None:
        pixels = told(hostile, "change-later").pixels.copy()
        found = told(hostile, "honest").pixels
        assert found.ravel().tolist() == list(range(24))
        assert set(pixels.ravel().tolist()) <= {*range(24), 255}

    def test_an_attack_that_answers_the_next_file_beforehand_is_found_out(self, hostile: DecodingPool) -> None:
        told(hostile, "chatter")
        time.sleep(0.1)
        assert code(lambda: told(hostile, "unknown-code")) == "image.decoder-died"

    def test_an_attack_that_asks_for_all_room_gets_what_one_picture_may_have(self, hostile: DecodingPool) -> None:
        assert told(hostile, "ask-for-all-room").width == 4
        assert code(lambda: told(hostile, "ask-for-room-without-end")) == "image.decoder-died"

    def test_a_preview_that_is_no_picture(self, hostile: DecodingPool) -> None:
        options = {"name": None, "limits": LIMITS, "longest_side": 3}
        assert code(lambda: hostile.preview(command("honest"), **options)) == "image.decoder-died"


class TestThreads:
    def test_a_hundred_files_at_once(self, pool: DecodingPool) -> None:
        names = [name for _ in range(8) for name in SOUND][:100]
        expected = {name: outcome(HERE, SOUND[name]) for name in set(names)}
        with ThreadPoolExecutor(25) as threads:
            found = list(threads.map(lambda name: outcome(pool, SOUND[name]), names))
        assert found == [expected[name] for name in names]

    def test_attacks_among_them_disturb_nobody(self) -> None:
        with DecodingPoolOf(LIMITS, workers=2, grace=0.2, start_worker=HostileWorker) as made:
            whats = ["honest", "abort", "honest", "enormous", "honest", "honest"] * 3
            with ThreadPoolExecutor(6) as threads:
                found = [threads.submit(told, made, what) for what in whats]
            for what, future in zip(whats, found, strict=True):
                if what == "honest":
                    assert future.result().width == 4
                else:
                    assert code(future.result) == "image.decoder-died"

    def test_a_worker_outlives_the_thread_that_first_needed_it(self) -> None:
        with DecodingPoolOf(LIMITS) as made:
            first = threading.Thread(target=made.confinement)
            first.start()
            first.join()
            (worker,) = made._alive
            time.sleep(0.05)
            assert made.decode(SOUND["BMP"], name=None, limits=LIMITS).width == 64
            assert made._alive == {worker}

    def test_a_worker_that_has_worked_for_long_is_replaced(self) -> None:
        with DecodingPoolOf(LIMITS) as made:
            made.confinement()
            (worker,) = made._alive
            worker.busy_seconds = 10_000.0
            made.decode(SOUND["BMP"], name=None, limits=LIMITS)
            assert worker not in made._alive
            assert made.decode(SOUND["BMP"], name=None, limits=LIMITS).width == 64


class TestLife:
    def test_nothing_is_started_before_it_is_needed_and_all_on_request(self) -> None:
        with DecodingPoolOf(LIMITS, workers=2) as made:
            assert made._alive == set()
            made.start()
            made.start()
            made.confinement()
            deadline = time.monotonic() + 20
            while len(made._alive) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert len(made._alive) == 2

    def test_a_closed_pool_has_no_processes_and_takes_no_files(self) -> None:
        made = DecodingPool(LIMITS)
        made.confinement()
        (worker,) = made._alive
        made.close()
        made.close()
        assert not Path(f"/proc/{worker.pid}").exists()
        with pytest.raises(RuntimeError, match="closed"):
            made.decode(SOUND["BMP"], name=None, limits=LIMITS)

    def test_closing_ends_what_is_being_decoded(self) -> None:
        made = DecodingPool(LIMITS, start_worker=HostileWorker)
        made.confinement()
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(told, made, "hang")
            time.sleep(0.2)
            made.close()
            assert code(waiting.result) == "image.decoder-died"
        assert made._alive == set()

    @pytest.mark.parametrize("failure", [OSError("no memory"), MemoryError(), ValueError("anything")])
    def test_a_machine_without_a_process_to_spare_is_an_error_and_no_end(self, failure: Exception) -> None:
        failures = iter([failure])

        def start(limits: Limits) -> WorkerProcess:
            for failure in failures:
                raise failure
            return WorkerProcess(limits)

        with DecodingPoolOf(LIMITS, start_worker=start) as made:
            with pytest.raises(SetupError) as caught:
                made.decode(SOUND["BMP"], name=None, limits=LIMITS)
            assert caught.value.code == "image.no-decoder"
            assert made.decode(SOUND["BMP"], name=None, limits=LIMITS).width == 64

    def test_a_worker_that_cannot_start_is_an_error(self) -> None:
        class Broken(WorkerProcess):
            program = "custodes.imaging.no_such_module"

        with DecodingPoolOf(LIMITS, start_worker=Broken) as made:
            for asked in (made.confinement, lambda: made.decode(SOUND["BMP"], name=None, limits=LIMITS)):
                with pytest.raises(SetupError) as caught:
                    asked()
                assert caught.value.code == "image.no-decoder"

    @pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    def test_a_fork_has_workers_of_its_own_and_leaves_its_parents_alone(self, pool: DecodingPool) -> None:
        pool.confinement()
        before = {worker.pid for worker in pool._alive}
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                width = pool.decode(SOUND["BMP"], name=None, limits=LIMITS).width
                own = {worker.pid for worker in pool._alive}
                os.write(write, b"sound" if width == 64 and not own & before else b"wrong")
            finally:
                os._exit(0)
        os.close(write)
        assert os.read(read, 10) == b"sound"
        os.waitpid(child, 0)
        os.close(read)
        assert pool.decode(SOUND["BMP"], name=None, limits=LIMITS).width == 64
        assert before <= {worker.pid for worker in pool._alive}

    @pytest.mark.parametrize("end", ["sys.exit()", "os.kill(os.getpid(), 9)", "os._exit(3)"])
    def test_workers_end_with_their_parent_however_it_ends(self, end: str) -> None:
        script = (
            "import os, sys; from custodes.imaging import DecodingPool, Limits;"
            "pool = DecodingPool(Limits()); pool.confinement();"
            f"print(next(iter(pool._alive)).pid, flush=True); {end}"
        )
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
        assert ran.stderr == ""
        worker = Path(f"/proc/{int(ran.stdout)}")
        deadline = time.monotonic() + 10
        while worker.exists() and "zombie" not in _state(worker) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not worker.exists() or "zombie" in _state(worker)


def _state(process: Path) -> str:
    try:
        return (process / "status").read_text(encoding="ascii", errors="replace").partition("State:")[2][:40]
    except OSError:
        return "zombie"


def test_every_way_to_refuse_has_a_sentence_and_advice() -> None:
    for make in (faults.decoder_died, faults.damaged, faults.truncated, faults.not_an_image):
        assert str(make().what)
        assert str(make().hint)
