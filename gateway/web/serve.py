"""Gunicorn, run from here: threads in a few workers, no access log, and an error log without addresses."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from gateway.web.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

THREADS: Final = 4
_METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


class QuietLogger(Logger):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn's own messages name the request's address; these name the kind of trouble and nothing else."""

    def exception(self, _message: str, *_args: object, **_kwargs: object) -> None:
        """Say that a worker met an exception outside the application."""
        log.error("server-exception")

    def warning(self, _message: str, *_args: object, **_kwargs: object) -> None:
        """Say that something was odd about a connection or a worker."""
        log.warning("server-warning")


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """A gunicorn application that makes the Flask application in each worker."""

    def __init__(self, load: Callable[[], Flask], options: dict[str, Any]) -> None:
        self._load = load
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Take our options and read no file and no environment variable."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application; called in the worker, after the fork."""
        return self._load()


def run(load: Callable[[], Flask], *, host: str, port: int, workers: int) -> None:
    """Serve the application that ``load`` makes, until told to stop."""
    # set before any worker imports prometheus_client's values, so that /metrics counts over all workers
    folder = os.environ[_METRICS_FOLDER] = tempfile.mkdtemp(prefix="gateway-metrics-")
    log.info("serving", host=host, port=port, workers=workers)
    try:
        Server(load, options(host, port, workers)).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def options(host: str, port: int, workers: int) -> dict[str, Any]:
    """Return gunicorn's settings."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return {
        "bind": address,
        "workers": workers,
        "threads": THREADS,
        "worker_class": "gthread",
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108 - a heartbeat file, not data
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "logger_class": QuietLogger,
        "keepalive": 15,
        "timeout": 60,
        "graceful_timeout": 10,
        "forwarded_allow_ips": "",
        "child_exit": _forget_worker,
    }


def _forget_worker(_server: object, worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - after the folder is set

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call] # untyped in prometheus-client
