"""What `custodes doctor` asks of the processes that decode images: what confines them, and what they can decode.

Both are asked of a true worker, started as the service starts its own, and not of this process: a kernel, a container
or a missing library shows there alone.
"""

from __future__ import annotations

from collections.abc import Callable

from custodes.config import Config
from custodes.imaging import DecodingPool, Limits, Measure
from custodes.text import N_, Text
from custodes.workflows.finding import Finding


def one_worker(config: Config) -> DecodingPool:
    """Return a pool as this installation's service has it, of one worker, which starts when it is first asked."""
    return DecodingPool(Limits.from_config(config))


def _confinement(pool: DecodingPool) -> Finding:
    """SEC-05: whoever takes a worker over by a file has taken over nothing else."""
    name, in_force = Text(N_("Image decoder")), pool.confinement()
    held = tuple(Text(measure.template) for measure in Measure if measure in in_force)
    missing = tuple(Text(measure.absence) for measure in Measure if measure not in in_force)
    if not missing:
        return Finding(name, True, Text(N_("Everything that should confine it is in force.")), points=held)
    return Finding(
        name,
        False,
        Text(N_("Not everything that should confine it is in force.")),
        Text(N_("Allow what it lacks (seccomp, prctl, a change of user) in the container's or the kernel's settings.")),
        points=missing + held,
    )


def _formats(pool: DecodingPool) -> Finding:
    """Every format but HEIC comes with Custodes, so that one that does not work is a fault."""
    refusals = pool.tried_formats()
    decoded = ", ".join(name for name, refusal in refusals.items() if refusal is None)
    extras = {name for name, refusal in refusals.items() if refusal and refusal.code == "image.format-not-installed"}
    broken = ", ".join(name for name, refusal in refusals.items() if refusal and name not in extras)
    hint = Text("")
    if broken:
        hint = Text(N_("Install Custodes again, which should decode these too: %(formats)s."), {"formats": broken})
    elif extras:
        hint = Text(N_("HEIC, the format of many phones, needs an extra: run “pip install custodes[heif]”."))
    return Finding(Text(N_("Image formats")), not broken, Text("%(formats)s.", {"formats": decoded}), hint)


CHECKS: tuple[tuple[str, Callable[[DecodingPool], Finding]], ...] = (
    (N_("Image decoder"), _confinement),
    (N_("Image formats"), _formats),
)
