"""A pack tried in a process of its own before it is added: what hangs, crashes or devours memory is an error here.

``python -m custodes.engine.apart FOLDER`` reads a manifest on standard input, loads the weights from ``FOLDER`` and
answers with one line of JSON.  The same weights are loaded in the service later, by the same code.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

from custodes.engine.packs import Pack
from custodes.errors import ModelPackError
from custodes.text import N_

_SECONDS = 300
_MEMORY = 6_000_000_000
_COPIES = 8
"""Address space: what onnxruntime reserves for any network, and copies of this one while it is loaded."""


def try_apart(manifest: str, pack: Pack, models_dir: Path, *, seconds: float = _SECONDS) -> None:
    """Do nothing if ``pack``, whose manifest's text is ``manifest``, loads from ``models_dir`` and answers as stated.

    Raises:
        ModelPackError: whatever is wrong with the weights or their networks, or ``pack.trial-died``.
    """
    command = [sys.executable, "-P", "-m", "custodes.engine.apart", str(models_dir)]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, own arguments
            command, input=manifest.encode(), capture_output=True, check=False, timeout=seconds
        )
        answer = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
        raise ModelPackError(
            "pack.trial-died",
            N_("The model pack “%(pack)s” stopped the process in which it was tried."),
            why=N_("It crashed, hung, or asked for more time or memory than any face network needs."),
            hint=N_("Do not use this pack; tell whoever made it."),
            pack=pack.name,
        ) from error
    if answer:
        raise ModelPackError(answer["code"], answer["what"], why=answer["why"], hint=answer["hint"], **answer["values"])


def _main() -> None:
    from custodes.engine.manifest import parse_manifest

    pack = parse_manifest(sys.stdin.buffer.read().decode())
    limit = _MEMORY + _COPIES * sum(file.size for file in pack.files)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answer = {}
    try:
        _try(pack, Path(sys.argv[1]))
    except ModelPackError as error:
        answer = {
            "code": error.code,
            "what": error.what.template,
            "why": error.why.template,
            "hint": error.hint.template,
            "values": {name: value if isinstance(value, int) else str(value) for name, value in error.values.items()},
        }
    sys.stdout.write(json.dumps(answer) + "\n")


def _try(pack: Pack, models_dir: Path) -> None:
    from custodes.engine.onnx_engine import OnnxFaceEngine
    from custodes.engine.vetting import read_model, require_sound
    from custodes.engine.weights import read_weights

    for file in pack.files:
        data = read_weights(pack, models_dir, file.role)
        read_model(data)
        require_sound(data)
    OnnxFaceEngine(pack, models_dir).try_out()


if __name__ == "__main__":
    _main()
