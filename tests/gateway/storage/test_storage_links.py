"""Links are facts: what undoes one restores exactly what stood before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Conflict
from gateway.storage.links import Basis, Chain, LinkKind, NewLink
from linkage.explain import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.storage import Permit, Stores
    from gateway.storage.links import Link
    from linkage.nhs_number import NhsNumber

A, B = "person-a", "person-b"
S = "source-person"


def says(person: str = A, kind: LinkKind = LinkKind.IS, basis: Basis = Basis.ALGORITHMIC, **given: Any) -> NewLink:  # noqa: ANN401
    return NewLink(given.pop("source_person_id", S), person, kind, basis, given.pop("actor", "system"), **given)


def add(stores: Stores, *facts: NewLink) -> list[Link]:
    with stores.transaction() as tx:
        return stores.links.append(tx, facts)


def who(stores: Stores, permit: Permit) -> str | None:
    link = stores.links.standing(permit, [S]).get(S)
    return link.person_id if link else None


def test_a_link_keeps_its_evidence_and_its_model(
    stores: Stores, permit: Permit, nth_number: Callable[[int], NhsNumber]
) -> None:
    evidence = (Evidence("family", "exact", 9.5), Evidence("postcode", "differs", -2.0))
    number = nth_number(0)
    (fact,) = add(
        stores, says(model="house@1", bits=21.5, posterior=0.999, evidence=evidence, nhs_number=number.digits)
    )
    (held,) = stores.links.of_person(permit, A)
    assert held == fact
    assert stores.links.number_of(permit, A) == number
    assert stores.links.number_of(permit, B) is None
    assert stores.links.counts() == {"algorithmic": 1}


def test_another_model_says_anew_who_it_is_and_not_that_nobody_is_known(stores: Stores) -> None:
    assert len(add(stores, says(model="house@1"), says(model="house@2"))) == 2
    alone = [says(source_person_id="another", basis=Basis.OWN, model=model) for model in ("house@1", "house@2")]
    assert len(add(stores, *alone)) == 1


def test_saying_it_again_says_nothing_new(stores: Stores, permit: Permit) -> None:
    assert len(add(stores, says(), says())) == 1
    before = stores.digest()
    assert add(stores, says()) == []
    assert add(stores) == []
    assert stores.digest() == before


def test_a_newer_link_supersedes_and_taking_it_back_restores(stores: Stores, permit: Permit) -> None:
    (first,) = add(stores, says(A, model="house@1"))
    (second,) = add(stores, says(B, model="house@2"))
    assert second.supersedes == first.link_id
    assert who(stores, permit) == B
    with stores.transaction() as tx:
        stores.links.unlink(tx, S, "reviewer", never=False)
    assert stores.links.standing(permit, [S])[S] == first
    assert stores.links.of_person(permit, B) == []
    with stores.transaction() as tx:
        stores.links.unlink(tx, S, "reviewer", never=False)
    assert who(stores, permit) is None
    assert [fact.kind for fact in stores.links.history(permit, S)] == ["is", "is", "withdrawn", "withdrawn"]


def test_unlinking_remembers_that_they_are_never_the_same(stores: Stores, permit: Permit) -> None:
    add(stores, says(A))
    with stores.transaction() as tx:
        withdrawn, never = stores.links.unlink(tx, S, "reviewer")
    assert (withdrawn.kind, never.kind, never.basis) == (LinkKind.WITHDRAWN, LinkKind.NEVER, Basis.PERSON)
    assert stores.links.nevers(permit, [S, "unknown"]) == {S: frozenset({A}), "unknown": frozenset()}
    with pytest.raises(Conflict) as refused:
        add(stores, says(B, source_person_id="another"), says(A))
    assert refused.value.reason == "never-link"
    assert stores.links.standing(permit, ["another", S]) == {}


def test_there_must_be_a_link_to_take_back(stores: Stores) -> None:
    with pytest.raises(Conflict), stores.transaction() as tx:
        stores.links.unlink(tx, S, "reviewer")


def test_a_person_decides_over_the_model_and_over_an_earlier_never(stores: Stores, permit: Permit) -> None:
    add(stores, says(A), says(A, LinkKind.NEVER, Basis.PERSON, actor="reviewer"))
    assert who(stores, permit) is None
    add(stores, says(A, LinkKind.NEVER, Basis.PERSON, actor="reviewer"))
    add(stores, says(A, basis=Basis.PERSON, actor="guardian"))
    assert who(stores, permit) == A
    assert stores.links.nevers(permit, [S])[S] == frozenset()
    assert add(stores, says(B, model="house@2")) == []
    assert who(stores, permit) == A


def test_a_sealed_never_is_kept_as_such(stores: Stores, permit: Permit) -> None:
    (fact,) = add(stores, says(A, LinkKind.NEVER, Basis.PERSON, sealed=True))
    assert stores.links.history(permit, S, sealed=True) == [fact]
    assert fact.sealed
    assert stores.links.history(permit, S) == []


def test_a_number_learnt_later_is_kept(stores: Stores, permit: Permit, nth_number: Callable[[int], NhsNumber]) -> None:
    add(stores, says(A, LinkKind.NEVER, Basis.PERSON, source_person_id="other"))
    add(stores, says(A, nhs_number=nth_number(1).digits))
    assert stores.links.number_of(permit, A) == nth_number(1)


def test_facts_cannot_be_changed_or_removed(stores: Stores) -> None:
    add(stores, says())
    for sql in ("UPDATE link SET actor = 'someone else'", "DELETE FROM link"):
        with pytest.raises(Conflict), stores.transaction() as tx:
            tx.change(sql)


STEPS = st.lists(
    st.one_of(
        st.builds(lambda person: ("is", person), st.sampled_from([A, B, "person-c"])),
        st.builds(lambda person: ("never", person), st.sampled_from([A, B])),
        st.just(("unlink", "")),
    ),
    max_size=8,
)


@given(STEPS, st.sampled_from([A, B, "person-d"]))
def test_whatever_happened_unlinking_restores_the_links_before(steps: list[tuple[str, str]], another: str) -> None:
    """The reason links are facts: no history makes undo lossy."""
    chain = Chain()
    for kind, person in steps:
        standing = chain.person()
        if kind == "unlink" and standing:
            chain.withdraw(standing, "reviewer")
        elif kind != "unlink":
            chain.add(says(person, LinkKind(kind), Basis.PERSON))
    before, nevers = chain.person(), chain.nevers()
    added = chain.add(says(another, basis=Basis.PERSON))
    if added is not None:
        assert chain.person() == added
        chain.withdraw(added, "reviewer")
    assert chain.person() == before
    assert chain.nevers() == nevers
