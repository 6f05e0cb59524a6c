"""Which poses a pack says it compares: the front, unless its manifest names more."""

from __future__ import annotations

from pathlib import Path

import pytest

from custodes.engine import OnnxFaceEngine, builtin_packs
from custodes.engine.manifest import parse_manifest
from custodes.errors import ModelPackError
from custodes.types import Pose


def test_no_pack_that_ships_claims_more_than_the_front() -> None:
    assert {pack.poses for pack in builtin_packs().values()} == {frozenset({Pose.FRONTAL})}


def test_a_pack_names_the_poses_it_compares(manifest_text: str, tmp_path: Path) -> None:
    pack = parse_manifest('poses = ["frontal", "left-profile"]\n' + manifest_text)
    assert pack.poses == {Pose.FRONTAL, Pose.LEFT_PROFILE}
    assert OnnxFaceEngine(pack, tmp_path).poses == pack.poses


def test_poses_are_not_part_of_what_makes_templates_comparable(manifest_text: str) -> None:
    """ENG-01: the same weights and preprocessing make the same templates, whatever may be compared."""
    pack = parse_manifest('poses = ["frontal", "three-quarter"]\n' + manifest_text)
    assert pack.contract == parse_manifest(manifest_text).contract


@pytest.mark.parametrize("poses", ['["left-profile"]', '["frontal", "tattoo"]', "[]", '"frontal"', "[1]"])
def test_a_list_of_poses_that_means_nothing_is_refused(manifest_text: str, poses: str) -> None:
    with pytest.raises(ModelPackError) as error:
        parse_manifest(f"poses = {poses}\n" + manifest_text)
    assert error.value.code == "pack.manifest-malformed"
