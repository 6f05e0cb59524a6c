"""Checkpoints: C2SP tlog-checkpoint, one spelling each."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sealing import code_of
from tests.ledger.test_keys import SOFA, SOFA_NOTE

from custodes.ledger.checkpoint import Checkpoint
from custodes.ledger.note import SignedNote
from custodes.ledger.tree import EMPTY_ROOT

ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def test_the_example_of_the_specification_is_read_and_written() -> None:
    checkpoint = Checkpoint.parse(SignedNote.parse(SOFA_NOTE).text)
    assert checkpoint == Checkpoint("example.com/behind-the-sofa", 20_852_163, base64.b64decode(ROOT))
    assert str(checkpoint) == SOFA


def test_extension_lines_are_kept() -> None:
    text = SOFA + "an extension\n— another\n"
    assert Checkpoint.parse(text).extensions == ("an extension", "— another")
    assert str(Checkpoint.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"o\n1\n{ROOT}",
        "o\n1\n",
        f"\n1\n{ROOT}\n",
        f"o\n\n{ROOT}\n",
        f"o\n01\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n1.0\n{ROOT}\n",
        f"o\n1 \n{ROOT}\n",
        f"o\n٣\n{ROOT}\n",
        f"o\n{2**62 + 1}\n{ROOT}\n",
        f"o\n{'9' * 5000}\n{ROOT}\n",
        f"o\n1\n{ROOT[:-1]}\n",
        f"o\n1\n{ROOT[:-2]}J=\n",
        f"o\n1\n{ROOT} \n",
        "o\n1\nAAAA\n",
        f"o\n1\n{ROOT}\n\n",
        f"o\n1\n{ROOT}\n\nextension\n",
        f"o\n0\n{ROOT}\n",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    assert code_of(lambda: Checkpoint.parse(text)) == "ledger.checkpoint-malformed"


def test_a_log_without_entries_has_the_empty_root() -> None:
    text = f"o\n0\n{base64.b64encode(EMPTY_ROOT).decode()}\n"
    assert str(Checkpoint.parse(text)) == text


@given(
    st.text(max_size=60)
    | st.builds(lambda *lines: "\n".join(lines) + "\n", st.text(max_size=5), st.text(max_size=5), st.just(ROOT))
)
def test_any_text_is_a_checkpoint_or_a_domain_error(text: str) -> None:
    if not code_of(lambda: Checkpoint.parse(text)):
        assert str(Checkpoint.parse(text)) == text
