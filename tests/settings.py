"""Custodes' own Django settings over a throw-away data folder, so that no test can touch an installation."""

import atexit
import os
import shutil
import tempfile

_DATA_DIR = tempfile.mkdtemp(prefix="custodes-tests-")
atexit.register(shutil.rmtree, _DATA_DIR, ignore_errors=True)
os.environ["CUSTODES_DATA_DIR"] = _DATA_DIR
for _name in ("CUSTODES_KEY_DIR", "CUSTODES_MASTER_KEY_FILE", "CUSTODES_SESSION_FILE", "CUSTODES_LANGUAGE"):
    os.environ.pop(_name, None)
# of installations made here and of those that child processes make: nothing of a test stays in the machine's memory
_SHM = "/dev/shm"  # noqa: S108
_MEMORY = tempfile.mkdtemp(prefix="custodes-tests-", dir=_SHM if os.access(_SHM, os.W_OK) else None)
atexit.register(shutil.rmtree, _MEMORY, ignore_errors=True)
os.environ["CUSTODES_SEGMENT_DIR"] = _MEMORY

from pathlib import Path  # noqa: E402

from tests import postgresql  # noqa: E402

import custodes.config  # noqa: E402

custodes.config.MEMORY_FOLDER = Path(_MEMORY)

# read once, here: what tests start themselves has a SQLite file of its own unless it asks for another
os.environ["DATABASE_URL"] = postgresql.settings_url()
from custodes.settings import *  # noqa: E402, F403

del os.environ["DATABASE_URL"]

# in a file, as in an installation: pages that are served beside a test share an in-memory database's very connection
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": f"{_DATA_DIR}/test.sqlite3"}  # noqa: F405
else:
    DATABASES["default"]["OPTIONS"]["options"] += " -c custodes.tests=all"  # noqa: F405
# argon2 is slow on purpose; tests of sign-in need a hash, not a slow one
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# manifest storage answers 404 under live_server (whitenoise)
SECRET_KEY = "signs nothing but tests"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
