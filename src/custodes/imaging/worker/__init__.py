"""The process in which untrusted bytes are decoded, and which may crash, hang or be taken over.

``main`` runs in it, ``confine`` and ``seccomp`` take from it what decoding does not need, ``wire`` is what it and its
parent say to each other.  The parent's side is :mod:`custodes.imaging.process` and :mod:`custodes.imaging.pool`.
"""
