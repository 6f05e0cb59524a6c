"""What the installation checks by itself at night, and what stops searches until it is settled (AUD-09, SRCH-06)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.workflows.conftest import World
from tests.workflows.kept_log import KeptLog, behind_its_back, keep

from custodes.app import new_context, sealing
from custodes.app.sealing import night_is_due
from custodes.config import Config
from custodes.errors import Refused, SetupError
from custodes.ledger import Event
from custodes.ledger.events import GalleryBalanced
from custodes.policy.facts import Stop
from custodes.store.models import CandidateRow
from custodes.workflows.gallery import check_balance, compare_and_log, weigh
from custodes.workflows.nightly import check_the_night, last_night
from custodes.workflows.search import search
from custodes.workflows.standing import stops
from custodes.workflows.threshold import adopt_threshold


@pytest.fixture
def kept(world: World, config: Config) -> KeptLog:
    for identity in range(3):
        world.enrol(identity)
    search(world.services, world.as_("searcher"), request=world.approved(1))
    made = keep(world, config)
    made.seal()
    return made


def test_a_night_in_good_order_is_one_entry_that_says_so(kept: KeptLog) -> None:
    services = kept.world.services
    found = check_the_night(services, new_context(), sample=20)
    assert (found.sound, found.even, found.unattributed) == (True, True, 0)
    assert (found.same, found.partial, found.different, found.not_run) == (1, 0, 0, 0)
    newest = kept.world.log()[0]
    assert newest["kind"] == "night.checked"
    assert "actor" not in newest, "nobody's deed: the installation's own"
    assert last_night(services) == services.entries.last_of("night.checked").at  # type: ignore[union-attr]
    assert not stops(services, new_context())


def test_a_list_that_was_altered_is_found_by_the_sample(kept: KeptLog) -> None:
    CandidateRow.objects.all().delete()
    assert check_the_night(kept.world.services, new_context(), sample=5).different == 1


def test_an_entry_that_was_altered_behind_its_back_stops_searches_until_the_log_is_sound_again(kept: KeptLog) -> None:
    """Attack: edit an entry with full write access to the database (AUD-01)."""
    services, world = kept.world.services, kept.world
    with behind_its_back() as cursor:
        cursor.execute("SELECT body FROM store_logentry WHERE position = 3")
        (body,) = cursor.fetchone()
        other = bytes(body).replace(b'"trace":"trc_', b'"trace":"trc_0', 1)[:-3] + bytes(body)[-2:]
        cursor.execute("UPDATE store_logentry SET body = %s WHERE position = 3", [other])
    assert not check_the_night(services, new_context(), sample=1).sound
    assert Stop.LOG_UNSOUND in stops(services, world.as_("searcher"))
    with pytest.raises(Refused, match=r"gate\.log-unsound"):
        search(services, world.as_("searcher"), request=world.approved(2, number="b"))
    with behind_its_back() as cursor:
        cursor.execute("UPDATE store_logentry SET body = %s WHERE position = 3", [bytes(body)])
    assert check_the_night(services, new_context(), sample=1).sound
    search(services, world.as_("searcher"), request=world.approved(2, number="c"))


def test_a_threshold_that_was_edited_stops_searches_until_an_administrator_adopts_it(kept: KeptLog) -> None:
    """Attack: lower the threshold in the manifest on disk, so that strangers become candidates."""
    services, world = kept.world.services, kept.world
    services.threshold = 0.1
    assert weigh(services).thresholds == 1
    assert not compare_and_log(services, new_context()).is_even
    with pytest.raises(Refused, match=r"gate\.gallery-uneven"):
        search(services, world.as_("searcher"), request=world.approved(2, number="b"))
    with pytest.raises(Refused):
        adopt_threshold(services, world.as_("supervisor"))
    assert adopt_threshold(services, world.as_("administrator")) == 0.1
    assert check_balance(services, world.as_("auditor")).is_even
    search(services, world.as_("searcher"), request=world.approved(2, number="c"))


def test_an_entry_that_says_all_is_even_does_not_lift_what_this_process_found(kept: KeptLog) -> None:
    """Attack: forge the entry of an even comparison behind the product's back."""
    services = kept.world.services
    services.threshold = 0.1
    compare_and_log(services, new_context())
    forged = GalleryBalanced(
        even=True, hidden=0, inserted=0, altered=0, powers=0, thresholds=0, segments=0, admitted=3, barred=0
    )
    services.ledger.alone(Event(new_context(), forged))
    assert Stop.GALLERY_UNEVEN in stops(services, new_context())


def test_a_server_has_the_gallery_ready_and_mends_what_is_damaged_in_its_files(kept: KeptLog, config: Config) -> None:
    """ENG: segments are verified in the background and built again from the database."""
    services, world = kept.world.services, kept.world
    work = sealing._Work(services, kept.keeper)
    work.tend()
    assert services.gallery.generation == 3
    (segment, *_) = sorted(path for path in config.segment_dir.rglob("*") if path.stat().st_size > 100_000)
    with segment.open("r+b") as file:
        file.seek(8_200)
        file.write(b"damage")
    with pytest.raises(SetupError, match=r"gallery\.damaged"):
        work.tend()
    work.tend()
    assert search(services, world.as_("searcher"), request=world.approved(2, number="b")).compared == 3


@pytest.mark.parametrize(
    ("last", "now", "is_due"),
    [
        (None, "2026-03-02T01:00", True),
        ("2026-03-01T03:10", "2026-03-02T02:59", False),
        ("2026-03-01T03:10", "2026-03-02T03:00", True),
        ("2026-03-02T03:00", "2026-03-02T23:59", False),
        ("2026-02-20T03:10", "2026-03-02T02:00", True),
    ],
)
def test_a_night_is_due_once_after_its_hour_also_when_nothing_ran_then(
    last: str | None, now: str, is_due: bool
) -> None:
    moment = datetime.fromisoformat(last).replace(tzinfo=UTC) if last else None
    assert night_is_due(moment, datetime.fromisoformat(now).replace(tzinfo=UTC), 3) is is_due


def test_the_24th_hour_is_midnight() -> None:
    now = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    assert night_is_due(now - timedelta(hours=1), now, 24)
    assert not night_is_due(now - timedelta(minutes=20), now, 24)


def test_what_is_stated_of_the_night_is_counts_alone(kept: KeptLog) -> None:
    """AUD-05."""
    check_the_night(kept.world.services, new_context(), sample=1)
    entry = kept.world.services.entries.last_of("night.checked")
    assert entry is not None
    assert set(json.loads(entry.body)["facts"].values()) <= {True, 0}
