"""From a request to a pack that a stranger verifies on a machine without Custodes (AUD-07, LEAD-07)."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.workflows.conftest import World
from tests.workflows.kept_log import KeptLog, keep

from custodes.config import Config
from custodes.errors import Conflict, NotFound, Refused
from custodes.ids import KeyId, RequestId
from custodes.ledger import verify
from custodes.store.models import LogDetail
from custodes.workflows.disclosure import Disclosure, disclose
from custodes.workflows.search import search
from custodes.workflows.viewing import view_candidates


@pytest.fixture
def kept(world: World, config: Config) -> KeptLog:
    world.enrol(1)
    world.approved(2, number="another")
    return keep(world, config)


@pytest.fixture
def request_id(world: World, kept: KeptLog) -> RequestId:
    record = search(world.services, world.as_("searcher"), request=world.approved(1, number="disclosed"))
    view_candidates(world.services, world.as_("searcher"), request=record.request)
    kept.seal()
    return record.request


def made(kept: KeptLog, request: RequestId, *, opened: bool = False) -> Disclosure:
    return disclose(kept.world.services, kept.world.as_("auditor"), request=request, opened=opened)


def members(found: Disclosure) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(found.data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def kinds(found: Disclosure) -> list[str]:
    return [json.loads(data)["kind"] for name, data in members(found).items() if name.startswith("entries/")]


def test_a_stranger_verifies_it_in_an_empty_folder(kept: KeptLog, request_id: RequestId, tmp_path: Path) -> None:
    found = made(kept, request_id, opened=True)
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "verify.py").write_bytes(Path(verify.__file__).read_bytes())
    (alone / "pack.zip").write_bytes(found.data)
    keys = [part for use in kept.keeper.keyring.uses for part in ("--key", str(use.key))]
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py", "pack", "pack.zip", *keys], cwd=alone, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout
    assert f"Verified: {found.stated.entries} entries, {found.stated.openings} of them opened" in ran.stdout
    (alone / "pack.zip").write_bytes(found.data.replace(b'"kind":"search"', b'"kind":"sEarch"', 1))
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py", "pack", "pack.zip", *keys], cwd=alone, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert ran.stdout.startswith("NOT VERIFIED")


def test_it_holds_everything_about_the_request_and_nothing_of_another(kept: KeptLog, request_id: RequestId) -> None:
    found = made(kept, request_id)
    assert kinds(found) == [
        "case.opened",
        "probe.added",
        "request.made",
        "request.approved",
        "search",
        "search",
        "candidates.viewed",
    ]
    about = {
        json.loads(d).get("request", str(request_id)) for n, d in members(found).items() if n.startswith("entries")
    }
    assert about == {str(request_id)}
    assert not [name for name in members(found) if name.startswith("openings/")]


def test_it_is_logged_before_it_leaves_and_says_how_much(kept: KeptLog, request_id: RequestId) -> None:
    found = made(kept, request_id, opened=True)
    done, intended = kept.world.log(2)
    assert (intended["kind"], intended["phase"], intended["facts"]) == ("disclosure.made", "intended", {"opened": True})
    assert done["facts"]["entries"] == found.stated.entries == 7
    assert done["facts"]["openings"] == found.stated.openings > 0


def test_what_no_checkpoint_covers_does_not_leave(kept: KeptLog, request_id: RequestId) -> None:
    view_candidates(kept.world.services, kept.world.as_("searcher"), request=request_id)
    with pytest.raises(Conflict, match=r"ledger\.not-covered"):
        made(kept, request_id)
    assert kept.world.log()[0]["phase"] == "failed"
    kept.seal()
    assert made(kept, request_id).stated.entries == 8 + 2, "the attempt that failed is about the request too"


def test_what_was_destroyed_is_counted_and_the_rest_verifies(kept: KeptLog, request_id: RequestId) -> None:
    """AUD-06."""
    whole = made(kept, request_id, opened=True)
    kept.seal()
    key = LogDetail.objects.filter(entry__in=[e.id for e in kept.world.services.entries.newest(50, request=request_id)])
    kept.world.services.vault.keys.destroy([KeyId(key[0].key_uid)])
    again = made(kept, request_id, opened=True)
    assert again.stated.lacking == 1
    assert again.stated.openings == whole.stated.openings - 1
    trust = verify.Trust([str(use.key) for use in kept.keeper.keyring.uses], b"quorum none\n", strict=False)
    assert verify.verify_pack(again.data, trust).startswith("Verified")
    assert json.loads(members(again)["pack.json"])["destroyed_openings"] == 1


@pytest.mark.parametrize("who", ["searcher", "supervisor", "administrator", "records officer", "partner searcher"])
def test_only_an_auditor_of_the_service_makes_one(kept: KeptLog, request_id: RequestId, who: str) -> None:
    services, world = kept.world.services, kept.world
    with pytest.raises((Refused, NotFound)):
        disclose(services, world.as_(who), request=request_id, opened=True)
    assert world.log()[0]["kind"] == "action.refused"
