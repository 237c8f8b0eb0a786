"""Charts: what they say without colours and eyes, that they fetch nothing, and that they are always the same."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

import pytest

from gateway import charts
from linkage.explain import Evidence

SVG = "{http://www.w3.org/2000/svg}"
EVIDENCE = (
    Evidence("family", "exact", 9.31),
    Evidence("given", "differs", -7.0),
    Evidence("phone", "missing", 0.0),
    Evidence("twin-or-sibling", "applies", -12.0),
)
CURVES = {"house": [(place / 999, 1 - place / 9990) for place in range(1000)], "peer": [(0.5, 0.9)]}


@dataclass(frozen=True)
class Bin:
    """A bin as the calibration table has it."""

    count: int
    mean: float
    share: float


def drawn() -> dict[str, str]:
    """One of each."""
    return {
        "waterfall": charts.waterfall(EVIDENCE, prior_bits=-21.0, title="Weight", posterior=0.25),
        "reliability": charts.reliability([Bin(5, 0.1, 0.15), Bin(0, 0, 0), Bin(9, 0.95, 1.0)], title="Calibration"),
        "curves": charts.curves(CURVES, x="Recall", y="Precision", title="Curves"),
        "bars": charts.bars([("A & B <i>", 12_345), ("C", -3.5)], x="Cases", title="Outcomes"),
    }


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    """One of each, drawn once."""
    return drawn()


def texts(svg: str) -> list[str]:
    """Every word that stands in the picture."""
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("kind", ["waterfall", "reliability", "curves", "bars"])
def test_a_chart_may_stand_in_a_page_under_the_strict_policy(kind: str, pictures: dict[str, str]) -> None:
    root = ET.fromstring(pictures[kind])
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {"svg", "title", "desc", "g", "rect", "path", "line", "text"}
        assert not {"style", "id", "class", "href", "onclick"} & set(element.attrib)
    assert "http" not in pictures[kind].replace("http://www.w3.org/2000/svg", "")
    assert "url(" not in pictures[kind]


@pytest.mark.parametrize("kind", ["waterfall", "reliability", "curves", "bars"])
def test_a_chart_is_one_image_with_a_name_and_a_description(kind: str, pictures: dict[str, str]) -> None:
    root = ET.fromstring(pictures[kind])
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("role") == "img"
    assert title is not None
    assert title.text == root.get("aria-label")
    assert description is not None
    assert description.text
    assert not [element for element in list(root.iter())[1:] if "role" in element.attrib]


def test_the_same_values_are_drawn_the_same(pictures: dict[str, str]) -> None:
    assert drawn() == pictures


def test_a_waterfall_writes_each_step_signed_and_its_total_with_the_probability(pictures: dict[str, str]) -> None:
    words = texts(pictures["waterfall"])
    assert [word for word in words if word[0] in "+-"] == [
        "-21.0",
        "+9.3",
        "-7.0",
        "-12.0",
        "-30.7 · probability 25.00%",
    ]
    assert [
        word for word in words if word in {"Before comparing", "Last name", "First name", "Twin or sibling", "Total"}
    ]
    assert "Telephone" not in words


def test_a_description_gives_the_figures(pictures: dict[str, str]) -> None:
    assert "Bits: Before comparing -21.0, Last name +9.3, First name -7.0" in pictures["waterfall"]
    assert "10.0% claimed 15.0% right, 95.0% claimed 100.0% right." in pictures["reliability"]
    assert "house from Recall 0, Precision 1 to 1, 0.9" in pictures["curves"]
    assert "Cases: A &amp; B &lt;i&gt; 12,345, C -3.5." in pictures["bars"]


def test_charts_of_nothing_say_so() -> None:
    assert "Nothing was answered" in charts.reliability([], title="Calibration")
    assert "No points" in charts.curves({"none": []}, x="x", y="y", title="Empty")
    assert "nothing to show" in charts.bars([], x="x", title="Empty")


def test_a_waterfall_without_a_posterior_names_no_probability() -> None:
    assert "probability" not in charts.waterfall(EVIDENCE, prior_bits=0, title="Weight")
