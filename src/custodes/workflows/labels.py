"""Every value of a closed list in English words, marked for translation: what pages and commands show of it.

One table per list: members of different lists may be equal as strings.  Nothing here translates; `web` and `cli` do,
each in its own way.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping

from custodes.policy.actions import Action
from custodes.text import N_
from custodes.types import (
    Authority,
    Barrier,
    CorrectionState,
    Disposition,
    Ground,
    Phase,
    Pose,
    ProbeSource,
    Purpose,
    RecordFact,
    RequestState,
    Role,
    Sex,
    Youth,
)

_MEMBERS: Mapping[type[enum.StrEnum], Mapping[enum.StrEnum, str]] = {
    Role: {
        Role.SEARCHER: N_("Searcher"),
        Role.REVIEWER: N_("Reviewer"),
        Role.VERIFIER: N_("Verifier"),
        Role.SUPERVISOR: N_("Supervisor"),
        Role.RECORDS_OFFICER: N_("Records officer"),
        Role.AUDITOR: N_("Auditor"),
        Role.ADMINISTRATOR: N_("Administrator"),
    },
    Purpose: {
        Purpose.IDENTIFY_PERSON_OF_INTEREST: N_("A person of interest"),
        Purpose.IDENTIFY_VICTIM: N_("A victim"),
        Purpose.IDENTIFY_WITNESS: N_("A witness"),
        Purpose.FIND_MISSING_PERSON: N_("A missing person"),
        Purpose.IDENTIFY_DECEASED: N_("A deceased person"),
    },
    ProbeSource: {
        ProbeSource.CCTV_RECORDING: N_("Recording of a surveillance camera"),
        ProbeSource.SCENE_PHOTOGRAPH: N_("Photograph taken at the scene"),
        ProbeSource.VICTIM_OR_WITNESS_RECORDING: N_("Picture or recording by a victim or witness"),
        ProbeSource.SEIZED_DEVICE: N_("Seized device"),
        ProbeSource.ATM_OR_TRANSIT_RECORDING: N_("Recording of a bank machine or public transit"),
        ProbeSource.PHOTOGRAPH_OF_DECEASED: N_("Photograph of a deceased person"),
    },
    Authority: {
        Authority.WARRANT: N_("Warrant"),
        Authority.PRODUCTION_ORDER: N_("Production order"),
        Authority.STATUTE: N_("Statute"),
        Authority.COMMON_LAW: N_("Common law"),
        Authority.CONSENT: N_("Consent"),
    },
    RequestState: {
        RequestState.AWAITING: N_("Waiting for a decision"),
        RequestState.APPROVED: N_("Approved, not searched yet"),
        RequestState.DECLINED: N_("Declined"),
        RequestState.SEARCHED: N_("Searched"),
    },
    Sex: {
        Sex.FEMALE: N_("Female"),
        Sex.MALE: N_("Male"),
        Sex.OTHER: N_("Another gender"),
        Sex.UNKNOWN: N_("Not stated"),
    },
    Youth: {
        Youth.YES: N_("Under 18 at the time of the offence"),
        Youth.NO: N_("Adult at the time of the offence"),
        Youth.UNKNOWN: N_("Age at the time of the offence not known"),
    },
    Ground: {
        Ground.INDICTABLE: N_("In custody for an indictable offence"),
        Ground.SECURITY_OF_INFORMATION: N_(
            "Apprehended under the Foreign Interference and Security of Information Act"
        ),
        Ground.HYBRID: N_("In custody for an offence that may be prosecuted by indictment"),
        Ground.EXTRADITION: N_("Apprehended for extradition"),
        Ground.REQUIRED_TO_APPEAR: N_("Required to appear for an indictable offence"),
        Ground.TERRORISM_CUSTODY: N_("In custody under section 83.3 of the Criminal Code"),
    },
    Disposition: {
        Disposition.PENDING: N_("Not yet disposed of"),
        Disposition.CONVICTED: N_("Convicted"),
        Disposition.ACQUITTED: N_("Acquitted"),
        Disposition.WITHDRAWN: N_("Withdrawn"),
        Disposition.DISMISSED: N_("Dismissed"),
        Disposition.STAYED: N_("Stayed"),
        Disposition.QUASHED: N_("Quashed"),
        Disposition.NOT_CRIMINALLY_RESPONSIBLE: N_("Not criminally responsible"),
        Disposition.PEACE_BOND: N_("Peace bond"),
        Disposition.ABSOLUTE_DISCHARGE: N_("Absolute discharge"),
        Disposition.CONDITIONAL_DISCHARGE: N_("Conditional discharge"),
        Disposition.EXTRAJUDICIAL_SANCTION: N_("Extrajudicial sanction"),
    },
    Pose: {
        Pose.FRONTAL: N_("From the front"),
        Pose.LEFT_PROFILE: N_("Left profile"),
        Pose.RIGHT_PROFILE: N_("Right profile"),
        Pose.THREE_QUARTER: N_("Three-quarter view"),
        Pose.OTHER: N_("Another view"),
    },
    RecordFact: {
        RecordFact.PERSON: N_("person number"),
        RecordFact.YOUTH: N_("age at the time of the offence"),
        RecordFact.BIRTH_DATE: N_("birth date"),
        RecordFact.SEX: N_("sex"),
        RecordFact.OFFENCES: N_("offences"),
        RecordFact.DISPOSITIONS: N_("dispositions"),
        RecordFact.DISPUTE: N_("quarantine after a contradiction"),
        RecordFact.TAKEN_ON: N_("date of the photograph"),
        RecordFact.POSE: N_("pose"),
        RecordFact.VANISHED: N_("missing from an export"),
    },
    CorrectionState: {
        CorrectionState.APPLIED: N_("Made at once"),
        CorrectionState.WAITING: N_("Waiting for a second person"),
        CorrectionState.CONFIRMED: N_("Confirmed"),
        CorrectionState.DECLINED: N_("Not confirmed"),
        CorrectionState.WITHDRAWN: N_("Withdrawn: the records system has stated otherwise"),
    },
    Phase: {
        Phase.EFFECT: N_("done"),
        Phase.ALONE: N_("noted"),
        Phase.INTENDED: N_("about to be done"),
        Phase.DONE: N_("done as intended"),
        Phase.FAILED: N_("failed"),
        Phase.INTERRUPTED: N_("interrupted"),
    },
}

_BARRIERS: Mapping[Barrier, str] = {
    Barrier.NO_GROUND: N_("No offence of this booking has a ground in the Identification of Criminals Act."),
    Barrier.YOUTH: N_("The person was under 18 at the time of an offence."),
    Barrier.AGE_UNKNOWN: N_("It is not known whether the person was under 18."),
    Barrier.NO_DATE: N_("The date of the photograph is missing."),
    Barrier.POSE: N_("The face is not seen from the front, and the model pack compares no other view."),
    Barrier.VANISHED: N_("A complete export of the service no longer named this photograph."),
    Barrier.NOT_IN_GALLERY: N_("No template of this photograph is in the gallery."),
}

_ACTIONS: Mapping[Action, str] = {
    Action.CREATE_AGENCY: N_("register a service"),
    Action.REGISTER_AGREEMENT: N_("register a sharing agreement"),
    Action.CREATE_ACCOUNT: N_("create an account"),
    Action.GRANT_ROLE: N_("grant a role"),
    Action.WITHDRAW_ROLE: N_("withdraw a role"),
    Action.SUSPEND_ACCOUNT: N_("suspend an account"),
    Action.REINSTATE_ACCOUNT: N_("reinstate an account"),
    Action.END_ACCOUNT: N_("end an account"),
    Action.ADD_PACK: N_("add a model pack"),
    Action.REMOVE_PACK: N_("remove a model pack"),
    Action.ENROL: N_("enrol photographs"),
    Action.CHECK_ENROLMENT: N_("check a manifest"),
    Action.UPDATE_DISPOSITIONS: N_("update dispositions"),
    Action.CHECK_DISPOSITIONS: N_("check a file of dispositions"),
    Action.VIEW_CORRECTIONS: N_("see corrections"),
    Action.CONFIRM_CORRECTION: N_("confirm a correction"),
    Action.DECLINE_CORRECTION: N_("decline a correction"),
    Action.VIEW_RECORD: N_("see a record"),
    Action.OPEN_CASE: N_("open a case"),
    Action.CLOSE_CASE: N_("close a case"),
    Action.VIEW_CASE: N_("see a case"),
    Action.ADD_PROBE: N_("add a probe"),
    Action.REQUEST_SEARCH: N_("ask for a search"),
    Action.APPROVE_SEARCH: N_("approve a search"),
    Action.DECLINE_SEARCH: N_("decline a search"),
    Action.SEARCH: N_("run a search"),
    Action.VIEW_CANDIDATES: N_("see a candidate list"),
    Action.REPLAY_SEARCH: N_("replay a search"),
    Action.VIEW_WORK: N_("see one's work"),
    Action.VIEW_LOG: N_("read the log"),
    Action.CHECK_GALLERY: N_("compare the gallery with the log"),
    Action.VERIFY_LOG: N_("verify the log"),
    Action.ADOPT_THRESHOLD: N_("adopt a threshold"),
    Action.EXPORT_PROOF: N_("export a proof"),
    Action.DISCLOSE: N_("make a disclosure pack"),
    Action.EXTEND_QUORUM: N_("extend the time without witnesses"),
    Action.RESTORE_LOG: N_("put the log back"),
    Action.DECLARE_SUCCESSOR: N_("begin a successor log"),
    Action.VIEW_KEYS: N_("see which keys there are"),
    Action.PROTECT_KEY: N_("change a key's passphrase"),
    Action.ROTATE_KEY: N_("replace a key"),
}

_EVENTS: Mapping[str, str] = {
    "installation.created": N_("Installation created"),
    "agency.created": N_("Service registered"),
    "agreement.registered": N_("Sharing agreement registered"),
    "account.created": N_("Account created"),
    "role.granted": N_("Role granted"),
    "role.withdrawn": N_("Role withdrawn"),
    "account.suspended": N_("Account suspended"),
    "account.reinstated": N_("Account reinstated"),
    "account.ended": N_("Account ended"),
    "pack.added": N_("Model pack added"),
    "pack.removed": N_("Model pack removed"),
    "sign-in.succeeded": N_("Signed in"),
    "sign-in.failed": N_("Sign-in failed"),
    "sign-out": N_("Signed out"),
    "action.refused": N_("Action refused"),
    "input.rejected": N_("Input rejected"),
    "enrolment.started": N_("Enrolment started"),
    "enrolment.resumed": N_("Enrolment resumed"),
    "enrolment.finished": N_("Enrolment finished"),
    "photograph.enrolled": N_("Photograph enrolled"),
    "photograph.not-enrolled": N_("Photograph not enrolled"),
    "record.quarantined": N_("Record quarantined"),
    "record.corrected": N_("Record corrected"),
    "record.vanished": N_("Record missing from an export"),
    "correction.waiting": N_("Correction waiting for a second person"),
    "correction.confirmed": N_("Correction confirmed"),
    "correction.declined": N_("Correction declined"),
    "correction.withdrawn": N_("Correction withdrawn"),
    "dispositions.started": N_("Update of dispositions started"),
    "dispositions.resumed": N_("Update of dispositions resumed"),
    "dispositions.finished": N_("Update of dispositions finished"),
    "records.listed": N_("Records listed"),
    "case.opened": N_("Case opened"),
    "case.closed": N_("Case closed"),
    "probe.added": N_("Probe added"),
    "request.made": N_("Search asked for"),
    "request.approved": N_("Search approved"),
    "request.declined": N_("Search declined"),
    "search": N_("Search"),
    "candidates.viewed": N_("Candidate list shown"),
    "record.viewed": N_("Record shown"),
    "image.viewed": N_("Image shown"),
    "case.viewed": N_("Case shown"),
    "work.viewed": N_("Work list shown"),
    "search.replayed": N_("Search replayed"),
    "log.viewed": N_("Log shown"),
    "log.verified": N_("Log verified"),
    "night.checked": N_("Nightly check"),
    "threshold.set": N_("Threshold adopted"),
    "disclosure.made": N_("Disclosure pack made"),
    "log.restored": N_("Log put back"),
    "log.succeeded": N_("Successor log begun"),
    "gallery.changed": N_("Gallery changed"),
    "gallery.balanced": N_("Gallery compared with the log"),
    "clock.went-back": N_("Clock went back"),
    "proof.exported": N_("Proof exported"),
    "quorum.extended": N_("Time without witnesses extended"),
    "replay.started": N_("Replay of a sample started"),
    "replay.resumed": N_("Replay of a sample resumed"),
    "replay.finished": N_("Replay of a sample finished"),
    "key.rotated": N_("Key replaced"),
    "key.protected": N_("Passphrase of a key changed"),
}

REQUEST_FIELDS: Mapping[str, str] = {
    "case number": N_("case number"),
    "offence": N_("offence"),
    "purpose": N_("purpose"),
    "legal authority": N_("legal authority"),
    "necessity and proportionality": N_("necessity and proportionality"),
    "probe source": N_("probe source"),
    "how the probe was obtained": N_("how the probe was obtained"),
    "probe": N_("probe"),
    "face": N_("face"),
}
"""Policy's name of each field of LAW-01 → its name for people."""


def member_words(member: enum.StrEnum) -> str:
    """Return a member of a closed list in words."""
    return _MEMBERS[type(member)][member]


def barrier_words(barriers: Barrier) -> list[str]:
    """Return every reason for a quarantine as a sentence; none if the photograph may be searched."""
    return [text for barrier, text in _BARRIERS.items() if barrier in barriers]


def action_words(action: str) -> str:
    """Return what a person tried to do, in words."""
    return _ACTIONS[Action(action)]


def event_words(kind: str) -> str:
    """Return the kind of a log entry in words; a kind without words is shown as it is."""
    return _EVENTS.get(kind, kind)


def values_in_words(values: Mapping[str, object], translate: Callable[[str], str]) -> dict[str, object]:
    """Return an error's values with the code words among them (roles, actions, missing fields) in words."""
    return {name: _value(name, value, translate) for name, value in values.items()}


def _value(name: str, value: object, translate: Callable[[str], str]) -> object:
    if name in ("role", "held", "asked"):
        return translate(member_words(Role(str(value))))
    if name == "action":
        return translate(action_words(str(value)))
    if name == "missing":
        known = [REQUEST_FIELDS[part] for part in str(value).split(", ") if part in REQUEST_FIELDS]
        return ", ".join(translate(part) for part in known)
    return value
