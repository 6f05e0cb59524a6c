"""`custodes serve`: the pages on this machine, from one process with threads; nothing else to start."""

from __future__ import annotations

import click

from custodes.cli.say import say
from custodes.text import N_


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port of this machine.")
@click.option(
    "--threads", type=click.IntRange(1, 64), default=8, show_default=True, help="Requests answered at the same time."
)
def command(port: int, threads: int) -> None:
    """Open the pages on this machine (127.0.0.1 only). Stop with Ctrl-C."""
    from custodes.app import open_services
    from custodes.config import Config

    open_services(Config.from_environment())
    from django.core.wsgi import get_wsgi_application
    from django.db import connections
    from gunicorn.app.base import BaseApplication

    from custodes.app import process

    class Server(BaseApplication):  # type: ignore[misc]
        """gunicorn with its settings given here instead of in a file."""

        def load_config(self) -> None:
            for name, value in {
                "bind": f"127.0.0.1:{port}",
                "workers": 1,
                "threads": threads,
                "timeout": 120,
                "accesslog": None,
                "loglevel": "warning",
                "control_socket_disable": True,
                "post_worker_init": lambda worker: process.services(),
                "worker_exit": lambda server, worker: process.close(),
            }.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> object:
            return get_wsgi_application()

    # A database connection must not be carried into the worker's process.
    connections.close_all()
    say(N_("Custodes is open at http://127.0.0.1:%(port)d/ — stop with Ctrl-C."), port=port)
    Server().run()
