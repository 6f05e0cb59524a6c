"""What an installation is for, casework or evaluation: written down when it is made, and never changed (ENG-04).

It stands beside the keys and in the database, so that neither can be carried into an installation of the other kind.
The log states it as well, which is `workflows`' to do.
"""

from __future__ import annotations

from custodes.config import Config
from custodes.errors import SetupError
from custodes.text import N_


def mark(config: Config) -> None:
    """Write into a new database what the installation is for; hold an old one to what was written."""
    from custodes.store import installation

    installation.mark(for_evaluation=config.evaluation_mark.exists())
    check(config)


def check(config: Config) -> None:
    """Refuse an operational installation in evaluation mode, and the reverse (ENG-04): by its keys and its database.

    Raises:
        SetupError: ``installation.evaluation`` or ``installation.operational``.
    """
    from custodes.store import installation

    check_keys(config)
    _require(config, for_evaluation=installation.is_for_evaluation())


def check_keys(config: Config, *, is_new: bool = False) -> None:
    """Do the same by the keys alone; keys that are still to be made are for whatever the settings say."""
    is_marked = config.evaluation_mark.exists()
    if is_marked or not is_new:
        _require(config, for_evaluation=is_marked)


def _require(config: Config, *, for_evaluation: bool) -> None:
    if for_evaluation and not config.evaluation:
        raise SetupError(
            "installation.evaluation",
            N_("This installation was made for evaluation; it cannot serve casework."),
            why=N_("Research weights may have run in it, and its gallery and keys are not those of a service."),
            hint=N_("Set CUSTODES_EVALUATION=1 to go on evaluating, or choose the operational data folder."),
        )
    if config.evaluation and not for_evaluation:
        raise SetupError(
            "installation.operational",
            N_("This installation is operational; evaluation mode does not open it."),
            why=N_(
                "Evaluation runs research weights, which may touch neither operational keys nor a service's gallery."
            ),
            hint=N_(
                "Unset CUSTODES_EVALUATION, or set CUSTODES_DATA_DIR to a new folder and run “custodes init” for an "
                "installation that only evaluates."
            ),
        )
