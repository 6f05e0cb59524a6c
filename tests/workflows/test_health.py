"""What the doctor asks of the processes that decode images: what confines them, and what they decode (SEC-05)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from custodes.app import new_context
from custodes.config import Config
from custodes.errors import ImageError
from custodes.imaging import DecodingPool, Limits, Measure, faults
from custodes.imaging.process import WorkerProcess
from custodes.imaging.worker.samples import SAMPLES
from custodes.workflows.finding import Finding
from custodes.workflows.health import examine

DECODER, FORMATS = "Image decoder", "Image formats"


class WorkerWithoutTheExtra(WorkerProcess):
    """A worker of an installation without pi-heif."""

    program = "tests.imaging.without_heif"


class Pool(DecodingPool):
    """A pool on a machine that withholds ``missing`` from its workers, whose decoders refuse what ``broken`` says."""

    def __init__(self, *missing: Measure, broken: dict[str, ImageError] | None = None) -> None:
        super().__init__(Limits())
        self.missing, self.broken = missing, broken or {}

    def confinement(self) -> frozenset[Measure]:
        return frozenset(Measure) - frozenset(self.missing)

    def tried_formats(self) -> dict[str, ImageError | None]:
        return {name: self.broken.get(name) for name in SAMPLES}


@pytest.fixture
def found(config: Config) -> Callable[[DecodingPool], dict[str, Finding]]:
    """``found(pool)`` returns the findings by name, on a machine where nothing is installed."""

    def examined(pool: DecodingPool) -> dict[str, Finding]:
        findings = list(examine(config, new_context(), make_pool=lambda _: pool))
        with pytest.raises(RuntimeError, match="closed"):
            pool.decode(b"GIF89a", name=None, limits=Limits())
        return {str(finding.name): finding for finding in findings}

    return examined


Found = Callable[[DecodingPool], dict[str, Finding]]


def test_what_confines_a_true_worker_is_said_and_every_format_is_decoded(config: Config) -> None:
    findings = {str(finding.name): finding for finding in examine(config, new_context())}
    said = [str(point) for point in findings[DECODER].points]
    assert Measure.LIMITS.template in said
    assert findings[DECODER].is_well == (said == [measure.template for measure in Measure])
    assert findings[FORMATS].is_well
    assert str(findings[FORMATS].detail) == "JPEG, PNG, TIFF, BMP, GIF, WebP, JPEG 2000, HEIC."
    assert not str(findings[FORMATS].hint)


def test_everything_in_force_is_well(found: Found) -> None:
    finding = found(Pool())[DECODER]
    assert finding.is_well
    assert [str(point) for point in finding.points] == [measure.template for measure in Measure]
    assert not str(finding.hint)


@pytest.mark.parametrize("missing", Measure)
def test_a_measure_that_the_machine_withholds_is_a_problem_and_what_that_means_is_said_first(
    missing: Measure, found: Found
) -> None:
    finding = found(Pool(missing))[DECODER]
    assert not finding.is_well
    assert "seccomp" in str(finding.hint)
    assert [str(point) for point in finding.points] == [
        missing.absence,
        *(measure.template for measure in Measure if measure is not missing),
    ]


def test_a_worker_without_the_extra_is_well_and_the_extra_is_named(found: Found) -> None:
    finding = found(DecodingPool(Limits(), start_worker=WorkerWithoutTheExtra))[FORMATS]
    assert finding.is_well
    assert "HEIC" not in str(finding.detail)
    assert "custodes[heif]" in str(finding.hint)


def test_a_decoder_that_refuses_a_sound_file_is_a_problem_even_if_it_is_the_extra(found: Found) -> None:
    finding = found(Pool(broken={"WebP": faults.damaged(), "HEIC": faults.damaged()}))[FORMATS]
    assert not finding.is_well
    assert str(finding.detail) == "JPEG, PNG, TIFF, BMP, GIF, JPEG 2000."
    assert "WebP, HEIC" in str(finding.hint)


def test_a_machine_that_starts_no_worker_is_a_problem_and_no_crash(found: Found) -> None:
    def refuse(_: Limits) -> WorkerProcess:
        raise OSError("no process to spare")

    findings = found(DecodingPool(Limits(), start_worker=refuse))
    for name in (DECODER, FORMATS):
        assert not findings[name].is_well
        assert str(findings[name].detail) == "The process that decodes images does not start."
