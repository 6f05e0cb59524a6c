"""The only reader of the environment: defaults, overrides, and a clear error for what cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from custodes.config import Config
from custodes.errors import SetupError


def _read(tmp_path: Path, **environ: str) -> Config:
    return Config.from_environment({"CUSTODES_DATA_DIR": str(tmp_path), **environ})


def test_what_is_not_set_takes_its_default(tmp_path: Path) -> None:
    config = _read(tmp_path)
    assert config.data_dir == tmp_path
    assert config.key_dir == tmp_path.with_name(tmp_path.name + "-keys")
    assert config.master_key_file == config.key_dir / "master.key"
    assert config.session_file == tmp_path / "session"
    assert config.models_dir == tmp_path / "models"
    assert (config.pack, config.evaluation, config.language) == ("opencv-zoo", False, "en")
    assert config.threads == len(os.sched_getaffinity(0))
    assert "localhost" in config.allowed_hosts


def test_the_data_folder_follows_the_desktop_convention(tmp_path: Path) -> None:
    assert Config.from_environment({"XDG_DATA_HOME": str(tmp_path)}).data_dir == tmp_path / "custodes"


def test_everything_can_be_set(tmp_path: Path) -> None:
    config = _read(
        tmp_path,
        CUSTODES_KEY_DIR=str(tmp_path / "k"),
        CUSTODES_MASTER_KEY_FILE=str(tmp_path / "m"),
        CUSTODES_SESSION_FILE=str(tmp_path / "s"),
        CUSTODES_MODELS_DIR=str(tmp_path / "w"),
        CUSTODES_PACK="own",
        CUSTODES_EVALUATION="1",
        CUSTODES_LANGUAGE="fr",
        CUSTODES_ALLOWED_HOSTS="a.example, b.example,",
        CUSTODES_MAX_IMAGE_BYTES="1000",
        CUSTODES_MAX_IMAGE_PIXELS="2000",
        CUSTODES_MAX_DECODE_SECONDS="0.5",
        CUSTODES_THREADS="3",
    )
    assert (config.key_dir, config.master_key_file) == (tmp_path / "k", tmp_path / "m")
    assert (config.session_file, config.models_dir) == (tmp_path / "s", tmp_path / "w")
    assert (config.pack, config.evaluation, config.language) == ("own", True, "fr")
    assert config.allowed_hosts == ("a.example", "b.example")
    assert (config.max_image_bytes, config.max_image_pixels) == (1000, 2000)
    assert (config.max_decode_seconds, config.threads) == (0.5, 3)


def test_paths_are_absolute_and_the_home_folder_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    config = Config.from_environment({"CUSTODES_DATA_DIR": "~/here", "CUSTODES_KEY_DIR": "keys"})
    assert config.data_dir == tmp_path / "here"
    assert config.key_dir == tmp_path / "keys"


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1e3", "1.5", "0x10", "nan", "inf", "1 2"])
@pytest.mark.parametrize("name", ["CUSTODES_MAX_IMAGE_BYTES", "CUSTODES_MAX_IMAGE_PIXELS", "CUSTODES_THREADS"])
def test_a_malformed_number_is_named(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError) as refusal:
        _read(tmp_path, **{name: value})
    assert refusal.value.code == "config.malformed"
    assert name in str(refusal.value.what)


@pytest.mark.parametrize("value", ["soon", "0", "-0.1", "nan", "inf", "-inf"])
def test_a_time_limit_that_is_none_is_refused(value: str, tmp_path: Path) -> None:
    """A limit of infinity or not-a-number would switch the limit off (SEC-05)."""
    with pytest.raises(SetupError, match=r"config\.malformed"):
        _read(tmp_path, CUSTODES_MAX_DECODE_SECONDS=value)


@pytest.mark.parametrize("value", ["de", "EN", "en-CA", "../fr"])
def test_a_language_that_custodes_does_not_speak_is_refused(value: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"config\.malformed"):
        _read(tmp_path, CUSTODES_LANGUAGE=value)


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_number_is_an_unset_one(value: str, tmp_path: Path) -> None:
    assert _read(tmp_path, CUSTODES_THREADS=value) == _read(tmp_path)


@pytest.mark.parametrize("value", ["true", "yes", "0", ""])
def test_evaluation_mode_is_entered_by_one_word_only(value: str, tmp_path: Path) -> None:
    assert not _read(tmp_path, CUSTODES_EVALUATION=value).evaluation


def test_the_error_does_not_repeat_the_value(tmp_path: Path) -> None:
    """Somebody may have pasted a secret into the wrong variable."""
    with pytest.raises(SetupError) as refusal:
        _read(tmp_path, CUSTODES_THREADS="hunter2")
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("value", ["*", "a.example, *", "*.example", "https://a.example", "a.example:80", "a/b", "."])
def test_dns_rebinding_cannot_be_let_in_by_a_host_that_is_every_host(value: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError) as refusal:
        _read(tmp_path, CUSTODES_ALLOWED_HOSTS=value)
    assert refusal.value.code == "config.malformed"


@pytest.mark.parametrize("value", ["a.example", "[::1]", "10.0.0.1", ".a.example", "localhost"])
def test_names_of_hosts_are_taken(value: str, tmp_path: Path) -> None:
    assert _read(tmp_path, CUSTODES_ALLOWED_HOSTS=value).allowed_hosts == (value,)


def test_a_backup_of_the_data_folder_does_not_hold_the_keys(tmp_path: Path) -> None:
    config = _read(tmp_path)
    assert tmp_path not in (*config.key_dir.parents, *config.master_key_file.parents)


def test_what_is_in_force_can_be_set_again(tmp_path: Path) -> None:
    config = _read(tmp_path, CUSTODES_HTTPS="1", CUSTODES_ALLOWED_HOSTS="a.example,b.example")
    assert Config.from_environment(dict(config.in_force())) == config


@pytest.mark.parametrize("https", [True, False])
def test_behind_https_cookies_travel_over_nothing_else(https: bool, tmp_path: Path) -> None:
    code = (
        "from custodes import settings as s; print(getattr(s, 'SESSION_COOKIE_SECURE', False),"
        "getattr(s, 'CSRF_COOKIE_SECURE', False), getattr(s, 'SECURE_PROXY_SSL_HEADER', None),"
        "getattr(s, 'CSRF_TRUSTED_ORIGINS', None))"
    )
    environ = {**os.environ, "CUSTODES_DATA_DIR": str(tmp_path), "CUSTODES_ALLOWED_HOSTS": "a.example,.b.example"}
    environ |= {"CUSTODES_HTTPS": "1"} if https else {}
    out = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True).stdout
    proxy = "('HTTP_X_FORWARDED_PROTO', 'https') ['https://a.example', 'https://*.b.example']"
    assert out.strip() == (f"True True {proxy}" if https else "False False None None")
