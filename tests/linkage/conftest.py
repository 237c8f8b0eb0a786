"""A town of invented people for the linkage tests, with the errors planted in its records and the truth beside.

Everything comes from one seed. The town is written by other rules than the model's and knows nothing of it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from linkage.decide import Candidate, Matcher
from linkage.keys import index_keys, probe_keys
from linkage.model import Frequencies, Model, load
from linkage.nhs_number import NhsNumber, check_digit
from linkage.normalise import normalise
from linkage.person import Demographics, Person

if TYPE_CHECKING:
    from collections.abc import Callable

_FAMILIES = {
    "english": "Smith Jones Taylor Brown Walker Wright Green Hall Wood Clarke Baker Hill Moore Cooper Ward Turner "
    "Parker Cook Bell Shaw Mason Palmer Rose Stone Webb Hunt Fox Chapman Ellis Gibson Orton Freer Tansley Measures",
    "gujarati": "Patel Patel Patel Patel Patel Patel Shah Shah Mistry Chauhan Solanki Parmar Desai Joshi Modi Thakrar",
    "punjabi": "Singh Kaur Gill Dhillon Sandhu Sidhu Grewal Bains Johal",
    "muslim": "Khan Hussain Ahmed Ali Begum Malik Sheikh Mohammed Hassan Iqbal Osman Yusuf Abdi",
    "polish": "Nowak Kowalski Wójcik Lewandowski Zieliński Wiśniewski Łukaszewicz",
}
_WOMEN = {
    "english": "Margaret Susan Elizabeth Mary Jean Patricia Sarah Emma Chloe Olivia Grace Amelia Dorothy Joan Alice",
    "gujarati": "Hansa Kanta Usha Jaya Priya Nisha Bhavna Meena Sonal Pooja Diya",
    "punjabi": "Harpreet Gurpreet Manjit Jaswinder Baljit Simran Kulwinder Amarjit",
    "muslim": "Fatima Aisha Khadija Maryam Zainab Amina Shabana Nasreen",
    "polish": "Anna Katarzyna Agnieszka Ewa Zofia Małgorzata",
}
_MEN = {
    "english": "John David Michael James Robert William Thomas George Harry Oliver Jack Arthur Albert Peter Alan",
    "gujarati": "Ramesh Dinesh Bharat Kishor Jayesh Nilesh Hitesh Rahul Amit Dev",
    "punjabi": "Harpreet Gurpreet Manjit Jaswinder Baljit Arjan Kulwinder Amarjit",
    "muslim": "Mohammed Ahmed Ali Imran Yusuf Omar Bilal Hamza Abdullah Ibrahim",
    "polish": "Piotr Tomasz Krzysztof Jan Andrzej Michał Paweł",
}
_COMMUNITIES = ("english",) * 13 + ("gujarati",) * 3 + ("muslim",) * 2 + ("punjabi", "polish")
_NICKNAMES = {"Margaret": "Peggy", "Susan": "Sue", "Elizabeth": "Betty", "William": "Bill", "Robert": "Bob"}
_STREETS = [
    "Hinckley",
    "Narborough",
    "Welford",
    "London",
    "Melton",
    "Uppingham",
    "Saffron",
    "Aylestone",
    "Fosse",
    "Tudor",
    "Harrow",
    "Evington",
]
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


@dataclass(frozen=True)
class Question:
    """What a source says about somebody, who it truly is (None: not in the index), and what went wrong."""

    said: Demographics
    truth: str | None
    tags: tuple[str, ...]
    community: str


@dataclass
class Town:
    """An index of people with its keys, and questions about them."""

    rows: dict[str, Candidate] = field(default_factory=dict)
    community: dict[str, str] = field(default_factory=dict)
    keys: dict[int, list[str]] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)

    def add(self, row: Candidate) -> None:
        """Put a row into the index, under its keys."""
        self.rows[row.person_id] = row
        for key in index_keys(row.person, row.security):
            self.keys.setdefault(key, []).append(row.person_id)

    def candidates(self, asked: Person) -> list[Candidate]:
        """Every row that shares a key with a person asked about."""
        found = dict.fromkeys(name for key in probe_keys(asked) for name in self.keys.get(key, ()))
        return [self.rows[name] for name in found]

    def matcher(self, model: Model) -> Matcher:
        """The matcher of this town's index."""
        return Matcher(model, Frequencies.of(row.person for row in self.rows.values()), len(self.rows))


class _Builder:
    """Households, one after another."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.serial = 0
        self.taken: set[str] = set()
        self.people: list[tuple[Demographics, str, bool]] = []

    def pick(self, words: str) -> str:
        """A word, the earlier ones oftener."""
        names = words.split()
        return names[min(int(self.random.expovariate(4 / len(names))), len(names) - 1)]

    def number(self) -> str:
        """The next well-formed number."""
        while True:
            nine = f"999{self.serial:06d}"
            self.serial += 7
            if last := check_digit(nine):
                return nine + last

    def date(self, first: int, last: int) -> str:
        """A day of one of these years."""
        return f"{self.random.randint(first, last)}-{self.random.randint(1, 12):02d}-{self.random.randint(1, 28):02d}"

    def household(self) -> None:
        """One address with its people."""
        community = self.random.choice(_COMMUNITIES)
        inward = "".join(self.random.choices(_LETTERS, k=2))
        postcode = f"LE{self.random.randint(1, 9)} {self.random.randint(1, 9)}{inward}"
        street = f"{self.random.randint(1, 90)} {self.random.choice(_STREETS)} Road"
        home = Demographics(
            family=self.pick(_FAMILIES[community]),
            postcode=postcode,
            address=(street, "Leicester"),
            gp_practice=f"C82{self.random.randint(1, 40):03d}",
        )
        self.taken = set()
        born = self.random.randint(1930, 1985)
        first = self.person(home, community, self.date(born, born))
        if self.random.random() < 0.6:
            self.person(home, community, self.date(born - 3, born + 3))
        for _ in range(self.random.choice((0, 0, 1, 2, 3))):
            child = self.person(home, community, self.date(born + 22, born + 35), namesake=first)
            if self.random.random() < 0.06:
                self.person(home, community, child.birth_date)

    def person(
        self, home: Demographics, community: str, born: str, namesake: Demographics | None = None
    ) -> Demographics:
        """Somebody of this household, perhaps named after somebody."""
        sex = self.random.choice(("female", "male"))
        names = (_WOMEN if sex == "female" else _MEN)[community]
        given = self.pick(names)
        while given in self.taken and len(self.taken) < len(set(names.split())):
            given = self.random.choice(names.split())
        if namesake is not None and namesake.gender == sex and self.random.random() < 0.08:
            given = namesake.given
        self.taken.add(given)
        family = home.family
        if community == "punjabi" and self.random.random() < 0.6:
            family = "Kaur" if sex == "female" else "Singh"
        other = (self.pick(names),) if self.random.random() < 0.5 else ()
        phone = (f"077{self.random.randint(0, 10**8 - 1):08d}",) if self.random.random() < 0.7 else ()
        named = replace(home, family=family, given=given, other_given=other, gender=sex)
        someone = replace(named, nhs_number=self.number(), birth_date=born, phone=phone)
        self.people.append((someone, community, self.random.random() < 0.06))
        return someone

    def spoil(self, said: Demographics) -> tuple[Demographics, tuple[str, ...]]:
        """The same person as a hurried clerk writes them down."""
        tags: list[str] = []
        chance = self.random.random
        number = said.nhs_number if chance() < 0.38 else ""
        said = replace(said, nhs_number=number, phone=said.phone if chance() < 0.5 else (), gp_practice="")
        for tag, rate, change in self.errors():
            if chance() < rate:
                said = change(said)
                tags.append(tag)
        return said, tuple(tags)

    def errors(self) -> list[tuple[str, float, Callable[[Demographics], Demographics]]]:
        """Each error with its tag and how often it happens."""
        anywhere = f"LE{self.random.randint(10, 19)} {self.random.randint(1, 9)}AB"
        return [
            ("moved", 0.15, lambda said: replace(said, postcode=anywhere, address=("7 Moved Lane",))),
            ("family-typo", 0.07, lambda said: replace(said, family=self.typo(said.family))),
            ("given-typo", 0.06, lambda said: replace(said, given=self.typo(said.given))),
            ("postcode-missing", 0.05, lambda said: replace(said, postcode="", address=())),
            ("family-changed", 0.03, lambda said: replace(said, family=self.pick(_FAMILIES["english"]))),
            ("birth-digit", 0.03, lambda said: replace(said, birth_date=said.birth_date[:-1] + self.digit())),
            ("nickname", 0.1, lambda said: replace(said, given=_NICKNAMES.get(said.given, said.given))),
            ("names-swapped", 0.015, lambda said: replace(said, given=said.family, family=said.given)),
            ("given-missing", 0.015, lambda said: replace(said, given="")),
            ("initial", 0.01, lambda said: replace(said, given=said.given[:1])),
            ("day-month", 0.006, lambda said: replace(said, birth_date=_exchange(said.birth_date))),
        ]

    def digit(self) -> str:
        """A digit that leaves a day of the month a day."""
        return str(self.random.randint(1, 8))

    def typo(self, name: str) -> str:
        """A letter dropped, doubled or wrong."""
        place = self.random.randrange(1, len(name)) if len(name) > 1 else 0
        before, letter, after = name[:place], name[place : place + 1], name[place + 1 :]
        return self.random.choice((before + after, before + letter + letter + after, before + "e" + after))


def _exchange(born: str) -> str:
    year, month, day = born.split("-")
    return f"{year}-{day}-{month}" if int(day) <= 12 else born


@cache
def _town(households: int, seed: int) -> Town:
    builder = _Builder(seed)
    for _ in range(households):
        builder.household()
    town = Town()
    for said, community, absent in builder.people:
        if not absent:
            town.add(Candidate(said.nhs_number, normalise(said)))
            town.community[said.nhs_number] = community
    for said, community, absent in builder.people:
        spoilt, tags = builder.spoil(said)
        if absent:
            tags, spoilt = (*tags, "absent"), replace(spoilt, nhs_number="")
        town.questions.append(Question(spoilt, None if absent else said.nhs_number, tags, community))
    return town


@pytest.fixture(scope="session")
def town() -> Town:
    """Some 4,000 people in 1,500 households."""
    return _town(1_500, 20_26)


@pytest.fixture(scope="session")
def town_of() -> Callable[[int, int], Town]:
    """A town of so many households from such a seed."""
    return _town


@pytest.fixture(scope="session")
def model_file() -> bytes:
    """A model of the tests' own, with round weights and no calibration: refitting the shipped one moves no test."""
    return Path(__file__).with_name("round_model.json").read_bytes()


@pytest.fixture(scope="session")
def model(model_file: bytes) -> Model:
    return load(model_file)


@pytest.fixture(scope="session")
def shipped_file() -> bytes:
    """The shipped model as the gateway reads it."""
    return files("linkage").joinpath("house_model.json").read_bytes()


@pytest.fixture(scope="session")
def shipped(shipped_file: bytes) -> Model:
    """The model that people are joined by: what must hold however it is refitted is asserted of this one."""
    return load(shipped_file)


@pytest.fixture(scope="session", params=["round", "shipped"])
def each_model(request: pytest.FixtureRequest, model: Model, shipped: Model) -> Model:
    """The tests' own model, then the shipped one."""
    return model if request.param == "round" else shipped


@pytest.fixture(scope="session")
def number() -> Callable[[int], NhsNumber]:
    """The well-formed number of the 999 range nearest above a serial."""

    def make(serial: int) -> NhsNumber:
        nine = f"999{serial:06d}"
        last = check_digit(nine)
        return NhsNumber(nine + last) if last else make(serial + 1)

    return make
