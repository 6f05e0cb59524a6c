"""The addresses of the pages."""

from __future__ import annotations

from django.urls import path

from custodes.web import converters
from custodes.web.views import cases, images, public, records, requests, session, work

converters.register()

urlpatterns = [
    path("", work.work, name="work"),
    path("sign-in", session.sign_in, name="sign-in"),
    path("sign-out", session.sign_out, name="sign-out"),
    path("role", session.change_role, name="role"),
    path("language", session.change_language, name="language"),
    path("cases", work.open_case, name="open-case"),
    path("records", work.find_record, name="find-record"),
    path("case/<case:case>", cases.case, name="case"),
    path("case/<case:case>/probes", cases.add_probe, name="add-probe"),
    path("case/<case:case>/close", cases.close_case, name="close-case"),
    path("case/<case:case>/<probe:probe>/ask", requests.ask, name="ask"),
    path("request/<request:search_request>", requests.request_page, name="request"),
    path("request/<request:search_request>/decision", requests.decide, name="decide"),
    path("request/<request:search_request>/search", requests.run_search, name="search"),
    path("request/<request:search_request>/candidates", requests.candidates, name="candidates"),
    path("record/<subject:subject>", records.record, name="record"),
    path("probe/<probe:probe>/image", images.probe, name="probe-image"),
    path("photograph/<photograph:photograph>/image", images.photograph, name="photograph-image"),
    path("transparency", public.transparency, name="transparency"),
    path("log/keys", public.keys, name="log-keys"),
    path("log/tile/entries/<path:path>", public.entries, name="log-entries"),
    path("log/tile/<path:path>", public.tile, name="log-tile"),
    path("log/<str:name>", public.note, name="log-note"),
]

handler400 = "custodes.web.views.errors.bad_request"
handler403 = "custodes.web.views.errors.forbidden"
handler404 = "custodes.web.views.errors.not_found"
handler500 = "custodes.web.views.errors.unexpected"
