"""The application for a WSGI server of your own: ``gunicorn wsgi:app`` with settings from ``GATEWAY_*``."""

from gateway.app import create_app

app = create_app()
