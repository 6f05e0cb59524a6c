"""What Custodes refuses to be: these tests hold that something is *not* there (LAW-04, LAW-05, LAW-07, SEC-04)."""

from __future__ import annotations

import dataclasses
import re
import socket
from pathlib import Path

import pytest

from custodes.policy.actions import Action
from custodes.types import Authority, Candidate, Collection, Filters, ProbeSource, Purpose

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src" / "custodes"
_READ = {".py", ".html", ".js", ".toml"}


def _found(pattern: str, suffixes: set[str] = _READ) -> list[str]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return [
        f"{path.relative_to(REPOSITORY)}: {found.group()}"
        for path in sorted(SOURCE.rglob("*"))
        if path.suffix in suffixes
        for found in compiled.finditer(path.read_text(encoding="utf-8"))
    ]


def _locked(name: str) -> set[str]:
    text = (REPOSITORY / "requirements" / name).read_text(encoding="utf-8")
    return set(re.findall(r"^([A-Za-z0-9._-]+)==", text, flags=re.MULTILINE))


def test_no_probe_source_is_social_media_the_web_or_live() -> None:
    """LAW-04."""
    assert {source.value for source in ProbeSource} == {
        "cctv-recording",
        "scene-photograph",
        "victim-or-witness-recording",
        "seized-device",
        "atm-or-transit-recording",
        "photograph-of-deceased",
    }


@pytest.mark.parametrize(
    "text", ["social-media", "web", "scraped", "live", "body-cam-live", "https://example.org/a.jpg", ""]
)
def test_an_unlawful_probe_source_cannot_be_said(text: str) -> None:
    """LAW-04."""
    with pytest.raises(ValueError, match="is not a valid ProbeSource"):
        ProbeSource(text)


def test_immigration_and_general_safety_are_no_purpose() -> None:
    """LAW-03, LAW-07."""
    assert {purpose.value for purpose in Purpose} == {
        "person-of-interest",
        "victim",
        "witness",
        "missing-person",
        "deceased",
    }
    for text in ("immigration", "immigration-status", "general-public-safety", "protest"):
        with pytest.raises(ValueError, match="is not a valid Purpose"):
            Purpose(text)


def test_only_bookings_can_be_collected() -> None:
    """Driving licences, passports and immigration photographs cannot be said."""
    assert [collection.value for collection in Collection] == ["booking"]


def test_no_authority_is_a_matter_of_taste() -> None:
    assert {authority.value for authority in Authority} == {
        "warrant",
        "production-order",
        "statute",
        "common-law",
        "consent",
    }


def test_no_filter_by_race() -> None:
    """SRCH-05."""
    assert {field.name for field in dataclasses.fields(Filters)} == {
        "agencies",
        "sex",
        "age_from",
        "age_to",
        "taken_from",
        "taken_to",
    }


def test_nothing_a_person_can_do_is_live_standing_or_outward() -> None:
    """LAW-05: no stream, no watch list, no alert, no scraping."""
    forbidden = re.compile(r"watch|alert|stream|live|camera|crowd|scrape|crawl|subscribe|monitor|track")
    assert [action.value for action in Action if forbidden.search(action.value)] == []


def test_a_candidate_has_no_percentage_and_no_verdict() -> None:
    fields = {field.name for field in dataclasses.fields(Candidate)}
    assert fields == {"rank", "subject", "photographs", "score"}


def test_no_camera_or_stream_is_opened() -> None:
    """LAW-04, LAW-05."""
    assert _found(r"VideoCapture|\brtsp\b|\brtmp\b|\bwebrtc\b|getUserMedia|mediaDevices|\bonvif\b|body-?cam") == []


def test_no_watch_list() -> None:
    """LAW-05."""
    assert _found(r"watch_?-?lists?", {".py", ".js"}) == []


def test_no_generative_or_feature_altering_edit() -> None:
    """PRB-03."""
    assert (
        _found(r"in_?-?paint|dnn_superres|\bgfpgan\b|codeformer|diffusers?\b|face_?merge|eye_?replace|feature_?paste")
        == []
    )


def test_no_page_loads_anything_from_elsewhere() -> None:
    """SEC-04: no content network, no font service, no counter of visitors."""
    assert _found(r"""(?:src|href|action|url)\s*[=(]\s*["']?(?:https?:)?//[^"'\s)]+""", {".html", ".css", ".js"}) == []


def test_no_page_asks_a_browser_to_run_inline_script() -> None:
    """The content security policy forbids it; a page that tried would be a page that is broken."""
    assert _found(r"<script(?![^>]*\bsrc=)[^>]*>|\son(?:click|load|submit|change|error)=|javascript:", {".html"}) == []


def test_nothing_locked_reports_home_or_trains() -> None:
    """SEC-04."""
    forbidden = re.compile(
        r"sentry|opentelemetry|posthog|mixpanel|datadog|newrelic|rollbar|bugsnag|segment|analytics|statsd|"
        r"^torch|tensorflow|keras|^jax|diffusers|onnxruntime-training|^requests$|httpx|aiohttp|selenium|scrapy|beautifulsoup"
    )
    assert sorted(name for name in _locked("lock.txt") if forbidden.search(name.lower())) == []


def test_no_library_with_a_copyleft_wheel_is_locked() -> None:
    """Their wheels bundle GPL codecs."""
    assert _locked("lock.txt") & {"av", "pillow-heif", "psycopg", "psycopg2", "psycopg2-binary"} == set()


def test_a_test_that_reaches_for_the_network_fails() -> None:
    """The guard of conftest.py stands; without it the tests above would say less."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as outward, pytest.raises(PermissionError, match="network"):
        outward.connect(("192.0.2.1", 80))


def test_no_graphics_processor_is_needed() -> None:
    """ENG-05: what is installed, what the engine runs on, and one command that shows it."""
    installed = _locked("lock.txt")
    assert "onnxruntime" in installed
    assert not {
        name for name in installed if re.search(r"gpu|cuda|nvidia|torch|triton|tensorrt|cupy", name, re.IGNORECASE)
    }
    assert _found(r"(CUDA|TensorRT|ROCM|OpenVINO|DirectML|Dml)ExecutionProvider", {".py", ".toml"}) == []
    engine = (SOURCE / "engine" / "onnx_engine.py").read_text(encoding="utf-8")
    assert 'providers=["CPUExecutionProvider"]' in engine
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo:", makefile, re.MULTILINE)
