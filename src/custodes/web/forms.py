"""The form for a search. It reads what was typed; whether that is complete and lawful, policy decides (LAW-01)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import get_language, gettext, gettext_lazy

from custodes.errors import InputError
from custodes.ids import AgencyId, CaseId, ProbeId
from custodes.text import N_
from custodes.types import Authority, Filters, ProbeSource, Purpose, Sex
from custodes.web.labels import choices
from custodes.workflows.reference import AgencyRecord, serious_offences
from custodes.workflows.requests import RequestForm, unknown_value

_OLDEST = 120


def _day(**options: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(required=False, input_formats=["%Y-%m-%d"], widget=widget, **options)


def _age(**options: Any) -> forms.IntegerField:
    return forms.IntegerField(required=False, min_value=0, max_value=_OLDEST, **options)


def _written(rows: int, **options: Any) -> forms.CharField:
    return forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": rows}), **options)


class SearchForm(forms.Form):
    """What LAW-01 asks for, and the filters of SRCH-05. Nothing is required here: the gate says what is missing."""

    face = forms.ChoiceField(required=False)
    offence_code = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Offence under investigation"),
        help_text=gettext_lazy("Only these offences are serious enough for a face search."),
    )
    purpose = forms.ChoiceField(
        required=False,
        label=gettext_lazy("The person sought"),
        help_text=gettext_lazy("Who this person is to the investigation."),
    )
    authority = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Legal authority"),
        help_text=gettext_lazy("The law under which the probe is held and searched."),
    )
    authority_reference = forms.CharField(
        required=False,
        label=gettext_lazy("Reference of the authority"),
        help_text=gettext_lazy("Warrant or order number, section of the statute, or leading case."),
    )
    necessity = _written(
        4,
        label=gettext_lazy("Necessity and proportionality"),
        help_text=gettext_lazy("What else was tried, and why this search is not out of proportion to the offence."),
    )
    source = forms.ChoiceField(
        required=False,
        label=gettext_lazy("Where the probe comes from"),
        help_text=gettext_lazy("The open web, social media and live recordings are not sources."),
    )
    how_obtained = _written(
        2,
        label=gettext_lazy("How the probe was obtained"),
        help_text=gettext_lazy("From whom, when and under what authority or consent."),
    )
    agencies = forms.MultipleChoiceField(
        required=False,
        label=gettext_lazy("Only records of these services"),
        help_text=gettext_lazy("None ticked: every service whose records yours may search on the day."),
        widget=forms.CheckboxSelectMultiple,
    )
    sex = forms.ChoiceField(required=False, label=gettext_lazy("Sex as recorded at booking"))
    age_from = _age(label=gettext_lazy("Age today, from"))
    age_to = _age(label=gettext_lazy("Age today, to"))
    taken_from = _day(label=gettext_lazy("Photograph taken from"))
    taken_to = _day(label=gettext_lazy("Photograph taken until"))

    def __init__(self, *args: Any, faces: int, agencies: Sequence[AgencyRecord], **options: Any) -> None:
        super().__init__(*args, **options)
        locale = get_language() or "en"
        offences = [
            (offence.code, f"{offence.title(locale)} ({offence.code})") for offence in serious_offences().values()
        ]
        self._choose("face", [(str(index), str(index + 1)) for index in range(faces)], empty=False)
        self._choose("offence_code", offences)
        self._choose("purpose", choices(Purpose))
        self._choose("authority", choices(Authority))
        self._choose("source", choices(ProbeSource))
        self._choose("sex", [choice for choice in choices(Sex) if choice[0]], gettext("Any"))
        self._choose("agencies", [(agency.id, agency.name) for agency in agencies], empty=False)

    def _choose(self, name: str, options: list[tuple[str, str]], first: str = "", *, empty: bool = True) -> None:
        field = cast("forms.ChoiceField", self.fields[name])
        field.choices = ([("", first or gettext("Choose…"))] if empty else []) + options

    def clean(self) -> dict[str, Any]:
        """Hold the ends of a range in order."""
        values: dict[str, Any] = super().clean() or {}
        for first, last in (("age_from", "age_to"), ("taken_from", "taken_to")):
            low, high = values.get(first), values.get(last)
            if low is not None and high is not None and high < low:
                self.add_error(last, gettext("The end lies before the beginning."))
        return values

    def rejection(self) -> InputError:
        """Return the error that stands in the log for what the form itself could not use."""
        for name, errors in self.errors.as_data().items():
            if any(error.code == "invalid_choice" for error in errors):
                field = cast("forms.ChoiceField", self.fields[name])
                return unknown_value(str(value) for value, _ in cast("list[tuple[str, str]]", field.choices) if value)
        return InputError("request.unusable-value", N_("A field of the form cannot be used."))

    def mark_missing(self, names: Iterable[str]) -> None:
        """Say beside each field that policy misses it."""
        for name in names:
            if name == "face":
                self.add_error(name, gettext("Pick the one face that is to be searched for."))
            elif not self.cleaned_data.get(name):
                self.add_error(name, gettext("This is missing."))

    def to_request(self, case: CaseId, probe: ProbeId) -> RequestForm:
        """Return what was filled in as the workflow takes it."""
        given = self.cleaned_data
        return RequestForm(
            case=case,
            probe=probe,
            face=int(given["face"]) if given["face"] else None,
            offence_code=given["offence_code"],
            purpose=given["purpose"],
            authority=given["authority"],
            authority_reference=given["authority_reference"],
            necessity=given["necessity"],
            source=given["source"],
            how_obtained=given["how_obtained"],
            filters=Filters(
                agencies=frozenset(map(AgencyId, given["agencies"])) or None,
                sex=Sex(given["sex"]) if given["sex"] else None,
                age_from=given["age_from"],
                age_to=given["age_to"],
                taken_from=given["taken_from"],
                taken_to=given["taken_to"],
            ),
        )
