"""Run by the test of erasure, in processes of their own: ``erasure_driver.py search|destroy UID``.

``search`` looks for the picture whose number each line of its input is, and prints the photographs on the list.
``destroy`` destroys the template of that id.  The installation is that of CUSTODES_DATA_DIR.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ["DJANGO_SETTINGS_MODULE"] = "custodes.settings"

from tests.workflows.casework_driver import acting, say, services_of

from custodes.app import set_up_django
from custodes.config import Config
from custodes.engine.fake import picture
from custodes.ids import AgencyId, RequestId, TemplateId
from custodes.imaging import LocalDecoder
from custodes.types import Context, Filters, Scope

if TYPE_CHECKING:
    from custodes.workflows.services import Services


def search(services: Services, context: Context, agency: AgencyId, number: int) -> None:
    pixels = LocalDecoder().decode(picture(number), name=None, limits=services.limits).pixels
    face = services.engine.detect(pixels)[0]
    found = services.gallery.search(
        services.engine.embed([(pixels, face)])[0],
        scope=Scope(frozenset({agency}), context.now()),
        filters=Filters(),
        threshold=0.9,
        request=RequestId.new(os.urandom),
    )
    say(" ".join(photograph for candidate in found.candidates for photograph in candidate.photographs))


def main() -> None:
    set_up_django()
    from custodes.store.fence import acting_for
    from custodes.workflows.erasure import erase

    config = replace(Config.from_environment(), threads=1)
    services, context = services_of(config), acting("officer")
    assert context.agency is not None
    with acting_for(context.agency, context.now().date()):
        if sys.argv[1] == "destroy":
            say(str(erase(services, context, [TemplateId(sys.argv[2])])))
            return
        for line in sys.stdin:
            search(services, context, context.agency, int(line))


if __name__ == "__main__":
    main()
