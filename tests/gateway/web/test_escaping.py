"""A hostile value is text wherever it turns up: in our pages, and in every component they are made of."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from flask import render_template_string

from gateway.services.governance.audit import Access
from gateway.web.accesses import report_of
from tests.gateway.web.small_house import AMINA

if TYPE_CHECKING:
    from flask import Flask

    from gateway.house import House
    from tests.gateway.web.front import Browser

HOSTILE = "\"'><script>alert(1)</script>"
COMPONENTS = sorted(
    folder.name
    for folder in files("nhsuk_frontend_jinja").joinpath("templates/nhsuk/components").iterdir()
    if folder.joinpath("macro.jinja").is_file()
)
TEXTS = (
    *("text", "name", "value", "label", "hint", "legend", "heading", "href", "id", "idPrefix", "classes", "caption"),
    *("description", "titleText", "errorMessage", "visuallyHiddenText", "labelText", "src", "alt", "imgURL"),
    *("action", "placeholder", "prefix", "suffix", "meta", "copyright", "ariaLabel", "key"),
)


def hostile(depth: int = 0) -> dict[str, Any]:
    """Every text parameter there is, hostile, also inside items, rows and options."""
    told: dict[str, Any] = dict.fromkeys(TEXTS, HOSTILE)
    if depth < 2:
        inner = hostile(depth + 1)
        told |= {"items": [inner], "rows": [[inner]], "head": [inner], "errorList": [inner], "fieldset": inner}
        told |= {"organisation": inner, "service": inner, "logo": inner, "navigation": inner, "account": inner}
        told |= {"button": inner, "summary": inner, "previous": inner, "next": inner, "card": inner, "tag": inner}
    return told


@pytest.mark.parametrize("component", COMPONENTS)
def test_no_component_prints_a_hostile_value_as_markup(app: Flask, component: str) -> None:
    macro = "".join(part if place == 0 else part.capitalize() for place, part in enumerate(component.split("-")))
    macro = {"tables": "table", "images": "image", "doDontList": "list"}.get(macro, macro)
    source = f'{{% from "nhsuk/components/{component}/macro.jinja" import {macro} %}}{{{{ {macro}(params) }}}}'
    with app.test_request_context():
        shown = render_template_string(source, params=hostile())
    assert shown.strip(), component
    assert "<script>" not in shown


def test_what_is_typed_comes_back_as_text(worker: Browser) -> None:
    names = ("nhs_number", "family", "given", "birth_day", "birth_month", "birth_year", "postcode", "gender")
    response = worker.post("/verify", **dict.fromkeys(names, HOSTILE))
    assert response.status_code == 400
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;alert" in response.text


def test_a_hostile_name_in_a_successful_search_comes_back_as_text(worker: Browser) -> None:
    born = {"birth_day": "1", "birth_month": "1", "birth_year": "1970"}
    response = worker.post("/verify", nhs_number=AMINA.number, family="<b onx=1>O'x", **born)
    assert response.status_code == 200
    assert "<b onx" not in response.text


@pytest.mark.parametrize("path", ["/audit", "/sign-in"])
def test_every_form_field_is_text(officer: Browser, path: str) -> None:
    names = ("nhs_number", "staff", "since_day", "until_year", "persona", "purpose", "next")
    response = officer.post(path, **dict.fromkeys(names, HOSTILE))
    assert "<script>alert" not in response.text


def test_the_rows_of_the_ledger_are_text(app: Flask, house: House) -> None:
    row = Access(1, house.now(), *[HOSTILE] * 9, (HOSTILE,), 1)  # type: ignore[arg-type,call-arg] # a list of texts
    with app.test_request_context():
        report = report_of([row])
        source = '{% from "nhsuk/components/tables/macro.jinja" import table %}{{ table({"rows": rows}) }}'
        shown = render_template_string(source, rows=report.rows)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_our_own_templates_are_escaped_whatever_their_name(app: Flask) -> None:
    assert app.jinja_env.autoescape is True
    assert app.jinja_env.from_string("{{ value }}").render(value="<i>") == "&lt;i&gt;"
