"""Gunicorn, run from here: threads in a few workers, no access log, and an error log without addresses."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from prometheus_client import values
from prometheus_client.multiprocess import mark_process_dead

from gateway.web.logs import configure_logs, log

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

THREADS: Final = 4
_VALUE: Final = re.compile(r"%\w|[^\w .:-]", re.ASCII)
_METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


class QuietLogger(Logger):  # type: ignore[misc] # gunicorn has no types
    """Gunicorn fills its messages with addresses and exceptions; of those only the bare sentence is written."""

    def critical(self, message: str, *_args: object, **_kwargs: object) -> None:
        """Say that a worker hangs."""
        log.critical("server", fault=_bare(message))

    def error(self, message: str, *_args: object, **_kwargs: object) -> None:
        """Say that the server could not do something, such as listen."""
        log.error("server", fault=_bare(message))

    def exception(self, message: str, *_args: object, **_kwargs: object) -> None:
        """Say that something was raised outside the application."""
        log.error("server", fault=_bare(message))

    def warning(self, message: str, *_args: object, **_kwargs: object) -> None:
        """Say that something was odd about a connection or a worker."""
        log.warning("server", fault=_bare(message))


def _bare(message: str) -> str:
    """Return a message without its values."""
    return _VALUE.sub("", message).strip()


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
    configure_logs()
    folder = os.environ[_METRICS_FOLDER] = tempfile.mkdtemp(prefix="gateway-metrics-")
    # prometheus_client looks at the folder when it is imported, which was long ago: look again, for all workers
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call] # untyped in prometheus-client
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
        "control_socket_disable": True,
        "child_exit": _forget_worker,
    }


def _forget_worker(_server: object, worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call] # untyped in prometheus-client
