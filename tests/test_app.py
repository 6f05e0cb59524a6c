"""The composition root: foundations laid once, an installation opened, and who closes interrupted intents."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from custodes import app
from custodes.app import Actor, alone, new_context, open_services
from custodes.config import Config
from custodes.errors import SetupError
from custodes.ids import AccountId, AgencyId
from custodes.types import Role

_SETUP = """
import os, sys
from dataclasses import replace
from custodes import app
from custodes.config import Config
config = Config.from_environment()
app.lay_foundation(config)
from custodes.ids import ProbeId
from custodes.ledger import Event
from custodes.ledger.events import Searched
from custodes.types import ProbeSource, Purpose
from custodes.ids import AccountId, CaseId, RequestId
context = replace(app.new_context(), actor=AccountId("acc_1"), case=CaseId("cas_1"), request=RequestId("req_1"))
asked = Searched(
    probe=ProbeId.new(os.urandom), purpose=Purpose.IDENTIFY_VICTIM, source=ProbeSource.CCTV_RECORDING
)
services = app.open_services(config)
phases = lambda: [entry.phase.value for entry in reversed(services.entries.newest(9))]
"""


_COMMAND = "from custodes.cli.main import main; main()"
_KEPT = ("custodes.sqlite3", "web-secret.key", "../data-keys/master.key", "../data-keys/keys.sqlite3", "in-use.lock")


def _python(data_dir: Path, code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CUSTODES_DATA_DIR": str(data_dir), **environ}
    command = [sys.executable, "-c", _SETUP + textwrap.dedent(code)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.from_environment({"CUSTODES_DATA_DIR": str(tmp_path / "data")})


def test_a_context_has_the_real_clock_and_a_trace_of_its_own() -> None:
    actor = Actor(AccountId("acc_1"), AgencyId("agy_1"), Role.AUDITOR)
    one, other = new_context(actor, locale="fr"), new_context()
    assert one.now().tzinfo is UTC
    assert (one.actor, one.agency, one.role, one.locale) == ("acc_1", "agy_1", Role.AUDITOR, "fr")
    assert (other.actor, other.agency, other.role) == (None, None, None)
    assert one.trace != other.trace
    assert len(one.entropy(7)) == 7


def test_where_there_is_no_installation_the_error_says_where(config: Config) -> None:
    with pytest.raises(SetupError) as refusal:
        open_services(config)
    assert refusal.value.code == "installation.none"
    assert str(config.data_dir) in str(refusal.value.what)


def test_a_database_without_its_master_key_gets_no_new_one(config: Config) -> None:
    """A new key would look like a repair and make every photograph unreadable for good."""
    config.data_dir.mkdir()
    config.database_file.touch()
    with pytest.raises(SetupError, match=r"keys\.no-master-key"):
        app.lay_foundation(config)
    assert not config.master_key_file.exists()


def test_foundations_are_laid_once_and_closed_to_others(tmp_path: Path) -> None:
    first = _python(tmp_path / "data", "print(config.master_key_file.read_bytes().hex())", CUSTODES_THREADS="1")
    assert first.returncode == 0, first.stderr
    data = tmp_path / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for name in (
        "custodes.sqlite3",
        "web-secret.key",
        "../data-keys/master.key",
        "../data-keys/keys.sqlite3",
        "in-use.lock",
    ):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600, name
    again = _python(data, "print(config.master_key_file.read_bytes().hex()); print(app.lay_foundation(config))")
    assert again.stdout.split() == [first.stdout.strip(), "False"]


def test_an_intent_of_a_killed_process_is_closed_by_the_next_one(tmp_path: Path) -> None:
    killed = _python(
        tmp_path / "data",
        """
        import signal
        services.ledger.outside(Event(context, asked)).__enter__()
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    assert killed.returncode == -9, killed.stderr
    after = _python(tmp_path / "data", "print(*phases())")
    assert after.stdout.split() == ["intended", "interrupted"], after.stderr
    assert _python(tmp_path / "data", "print(*phases())").stdout.split() == ["intended", "interrupted"]


def test_an_intent_older_than_any_search_is_closed_although_another_process_is_alive(tmp_path: Path) -> None:
    """A worker was killed while `custodes serve`, which nobody restarts, went on."""
    result = _python(
        tmp_path / "data",
        """
        import subprocess
        from datetime import UTC, datetime, timedelta
        class Earlier:
            def now(self):
                return datetime.now(UTC) - timedelta(minutes=11)
        services.ledger.outside(Event(replace(context, clock=Earlier()), asked)).__enter__()
        services.ledger.outside(Event(context, asked)).__enter__()
        from custodes.store.health import open_intents
        print(*open_intents(before=datetime.now(UTC) - timedelta(minutes=10)))
        other = "from custodes import app; from custodes.config import Config;" \\
            "app.open_services(Config.from_environment())"
        subprocess.run([sys.executable, "-c", other], check=True)
        print(*phases())
        """,
    )
    assert result.stdout.split() == ["2", "1", "intended", "intended", "interrupted"], result.stderr


def test_a_signing_key_cut_short_by_a_crash_is_made_anew(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "web-secret.key").touch()
    result = _python(data, "print(len(config.secret_key_file.read_text()))")
    assert result.stdout.split() == ["96"], result.stderr


@pytest.mark.parametrize("command", ["whoami", "doctor"])
@pytest.mark.parametrize("broken", ["data/custodes.sqlite3", "data-keys/keys.sqlite3"])
def test_random_bytes_in_place_of_a_database_are_explained_without_a_traceback(
    command: str, broken: str, tmp_path: Path
) -> None:
    assert _python(tmp_path / "data", "").returncode == 0
    for old in tmp_path.glob(f"{broken}-*"):
        old.unlink()
    (tmp_path / broken).write_bytes(os.urandom(8192))
    environ = {**os.environ, "CUSTODES_DATA_DIR": str(tmp_path / "data")}
    result = subprocess.run(
        [sys.executable, "-c", _COMMAND, command], env=environ, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in result.stderr
    assert result.returncode == (1 if command == "doctor" else 78), result.stderr
    what = "The key store cannot be read" if "keys" in broken else "The database cannot be read"
    assert what in result.stdout + result.stderr


def test_doctor_warns_of_folders_and_keys_that_others_can_reach_and_says_what_is_in_force(tmp_path: Path) -> None:
    assert _python(tmp_path / "data", "").returncode == 0
    (tmp_path / "data-keys").chmod(0o755)
    (tmp_path / "data" / "web-secret.key").write_bytes(b"")
    environ = {**os.environ, "CUSTODES_DATA_DIR": str(tmp_path / "data"), "CUSTODES_LANGUAGE": "en"}
    result = subprocess.run(
        [sys.executable, "-c", _COMMAND, "doctor"], env=environ, capture_output=True, text=True, timeout=60
    )
    assert f"Other users of this machine can enter {tmp_path / 'data-keys'}" in result.stdout
    assert "The key that signs sessions is missing or cut short" in result.stdout
    assert f"CUSTODES_KEY_DIR={tmp_path / 'data-keys'}" in result.stdout


def test_an_intent_of_a_living_process_is_not_interrupted_by_another(tmp_path: Path) -> None:
    """Two processes share an installation: what the first is in the middle of is not for the second to close."""
    result = _python(
        tmp_path / "data",
        """
        import subprocess
        from custodes.ledger.events import ContractId, PackRemoved, Sha256
        gone = PackRemoved(contract=ContractId("a" * 64), manifest_sha256=Sha256("b" * 64), pack="tiny")
        with services.ledger.outside(Event(context, gone)):
            other = "from custodes import app; from custodes.config import Config;" \\
                "s = app.open_services(Config.from_environment()); print(len(list(s.entries.open_intents())))"
            print(subprocess.run([sys.executable, "-c", other], capture_output=True, text=True).stdout.strip())
        print(*phases())
        """,
    )
    assert result.stdout.split() == ["1", "intended", "done"], result.stderr


def test_the_lock_is_taken_once_per_process_and_given_to_the_next(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.data_dir.mkdir()
    monkeypatch.setattr(alone, "_locks", {})
    calls: list[str] = []
    alone.when_alone(config, lambda: calls.append("tidied"))
    alone.when_alone(config, lambda: calls.append("again"))
    (descriptor,) = alone._locks.values()
    monkeypatch.setattr(alone, "_locks", {})
    alone.when_alone(config, lambda: calls.append("not alone"))
    (second,) = alone._locks.values()
    os.close(descriptor)
    os.close(second)
    monkeypatch.setattr(alone, "_locks", {})
    alone.when_alone(config, lambda: calls.append("alone again"))
    assert calls == ["tidied", "alone again"]
    os.close(next(iter(alone._locks.values())))


def test_a_research_pack_runs_only_in_evaluation_mode(config: Config) -> None:
    """ENG-04."""
    from custodes.engine import builtin_packs
    from custodes.errors import ModelPackError

    research = [pack.name for pack in builtin_packs().values() if not pack.operational_use]
    assert len(research) == 2
    for name in research:
        with pytest.raises(ModelPackError, match="not-licensed-for-operation"):
            app._engine(replace(config, pack=name, evaluation=False))
        assert app._engine(replace(config, pack=name, evaluation=True)).contract.pack == name


class TestEvaluation:
    """ENG-04: evaluation runs without operational keys or gallery, in installations that were made for it."""

    def opened(self, data: Path, **environ: str) -> str:
        """Lay foundations and open; return ``opened`` or the error's code."""
        code = """
        from custodes.errors import SetupError
        try:
            app.lay_foundation(config)
            app.open_services(config)
            print("opened")
        except SetupError as error:
            print(error.code)
        """
        environment = {**os.environ, "CUSTODES_DATA_DIR": str(data), **environ}
        prelude = "from custodes import app; from custodes.config import Config; config = Config.from_environment()"
        command = [sys.executable, "-c", prelude + "\n" + textwrap.dedent(code)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def test_each_kind_opens_in_its_own_mode_only(self, tmp_path: Path) -> None:
        casework, trial = tmp_path / "casework", tmp_path / "trial"
        assert self.opened(casework) == "opened"
        assert self.opened(trial, CUSTODES_EVALUATION="1") == "opened"
        assert self.opened(casework, CUSTODES_EVALUATION="1") == "installation.operational"
        assert self.opened(trial) == "installation.evaluation"
        assert self.opened(casework) == self.opened(trial, CUSTODES_EVALUATION="1") == "opened"

    def test_a_refusal_leaves_no_trace_in_the_installation(self, tmp_path: Path) -> None:
        assert self.opened(tmp_path / "data") == "opened"
        before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "data-keys").rglob("*"))
        assert self.opened(tmp_path / "data", CUSTODES_EVALUATION="1") == "installation.operational"
        assert sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "data-keys").rglob("*")) == before

    def test_operational_keys_open_no_new_evaluation_installation(self, tmp_path: Path) -> None:
        """Attack: a data folder of one's own over the service's keys."""
        assert self.opened(tmp_path / "data") == "opened"
        keys = str(tmp_path / "data-keys")
        refused = self.opened(tmp_path / "trial", CUSTODES_EVALUATION="1", CUSTODES_KEY_DIR=keys)
        assert refused == "installation.operational"
        assert not (tmp_path / "trial").exists()

    def test_evaluation_keys_open_no_new_operational_installation(self, tmp_path: Path) -> None:
        assert self.opened(tmp_path / "trial", CUSTODES_EVALUATION="1") == "opened"
        refused = self.opened(tmp_path / "data", CUSTODES_KEY_DIR=str(tmp_path / "trial-keys"))
        assert refused == "installation.evaluation"

    def test_the_database_remembers_when_its_keys_are_exchanged(self, tmp_path: Path) -> None:
        """Attack: the service's database under keys that were made for evaluation."""
        assert self.opened(tmp_path / "data") == "opened"
        assert self.opened(tmp_path / "trial", CUSTODES_EVALUATION="1") == "opened"
        keys = str(tmp_path / "trial-keys")
        refused = self.opened(tmp_path / "data", CUSTODES_EVALUATION="1", CUSTODES_KEY_DIR=keys)
        assert refused == "installation.operational"

    def test_the_database_remembers_when_the_mark_is_taken_from_its_keys(self, tmp_path: Path) -> None:
        """Attack: pass an evaluation installation off as a service's."""
        assert self.opened(tmp_path / "trial", CUSTODES_EVALUATION="1") == "opened"
        (tmp_path / "trial-keys" / "master.key.evaluation").unlink()
        assert self.opened(tmp_path / "trial") == "installation.evaluation"
