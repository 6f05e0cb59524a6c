"""A disclosure pack: what the log says of one search, with proof, in one file for a court, a defence or a commissioner.

A ZIP whose members are stored, dated alike and in order, so that the same content is the same bytes::

    README.txt                  what this is and what it is not, in English and French
    pack.json                   what is in it, by position (RFC 8785)
    entries/POSITION.json       each entry of the log, byte for byte
    proofs/POSITION.tlog-proof  its proof (C2SP tlog-proof), all against one checkpoint
    openings/POSITION           where it was opened: the salt and the private part that the entry commits to

It is verified with ``verify.py pack`` and the log's public keys alone.  The first two members are the discloser's own
words and are proven by nothing; that nothing was left out is not proven either, and the first page says so.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from custodes.ledger.canonical import canonical
from custodes.ledger.proof import Proof

FORMAT: Final = "custodes/disclosure-pack@v1"
_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that a ZIP can state (APPNOTE.TXT 4.4.6)."""
README: Final = """\
DISCLOSURE PACK - LIASSE DE DIVULGATION

What this is.  Every entry that the log of a face-search system holds about one search request: who asked, who approved,
what was searched, what came out, who looked. Each entry comes with a proof that it is in the log.
What it is not.  A candidate list is an investigative lead, not an identification. It is not evidence that a person is
who, or was where, anybody says. That no candidate was listed says nothing about anybody either.
What is proven.  That each entry is in the log whose keys you have, at its position, as it is here; and, where an entry
was opened, that the private part is the one that it was written with. NOT proven: that no entry was left out of this
pack, and what this page and pack.json say. An auditor of the service can compare with the whole log.
How to verify it.  On any machine, without a network: python verify.py pack FILE --key KEY [--policy WITNESSES]. Take
verify.py and the keys from somebody other than whoever gave you this pack.

Ce que c'est.  Toutes les entrees que le journal d'un systeme de recherche de visages contient sur une demande de
recherche : qui a demande, qui a approuve, ce qui a ete cherche, ce qui en est sorti, qui a regarde. Chaque entree est
accompagnee de la preuve qu'elle est dans le journal.
Ce que ce n'est pas.  Une liste de candidats est une piste d'enquete, jamais une identification. Ce n'est pas la preuve
qu'une personne est celle, ou etait la, que quiconque affirme. Qu'aucun candidat ne figure sur la liste ne dit rien non
plus de personne.
Ce qui est prouve.  Que chaque entree est dans le journal dont vous avez les cles, a sa place, telle qu'elle est ici;
et, la ou une entree a ete ouverte, que sa partie privee est celle avec laquelle elle a ete ecrite. N'est PAS prouve :
qu'aucune entree n'a ete omise, ni ce que disent cette page et pack.json. Un auditeur du service peut comparer avec le
journal entier.
Comment verifier.  Sur n'importe quelle machine, sans reseau : python verify.py pack FICHIER --key CLE [--policy
TEMOINS]. Obtenez verify.py et les cles de quelqu'un d'autre que la personne qui vous a remis cette liasse.
"""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry with its proof; ``opening``: salt and private part, None where it stays closed or was destroyed."""

    body: bytes
    proof: Proof
    opening: bytes | None = None


def make_pack(items: Sequence[Item], *, origin: str, request: str, destroyed: int) -> bytes:
    """Return the pack of ``items``, in order of their positions.

    ``destroyed``: openings that were asked for and do not exist any more; the entries verify all the same (AUD-06).
    """
    listed = [{"opened": item.opening is not None, "position": item.proof.index} for item in items]
    index = {
        "destroyed_openings": destroyed,
        "entries": listed,
        "format": FORMAT,
        "origin": origin,
        "request": request,
    }
    members = {"README.txt": README.encode("ascii"), "pack.json": canonical(index)}
    for item in items:
        members[f"entries/{item.proof.index}.json"] = item.body
        members[f"proofs/{item.proof.index}.tlog-proof"] = bytes(item.proof)
        if item.opening is not None:
            members[f"openings/{item.proof.index}"] = item.opening
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            member = zipfile.ZipInfo(name, _DATE)
            member.create_system = 3  # the same on every system
            archive.writestr(member, data)
    return out.getvalue()
