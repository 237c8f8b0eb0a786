"""A population's questions with all their candidates as arrays: what a model is refitted, calibrated and judged on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np

from gateway.services.progress import silent
from linkage import batch
from linkage.compare import FIELDS
from linkage.compilers.meeting import SCORED
from linkage.decide import Matcher
from linkage.person import Security
from linkage.refine_contests import Contests

if TYPE_CHECKING:
    from gateway.services.progress import Report
    from gateway.services.quality.population import Population
    from linkage.model import Model


def contests_of(population: Population, model: Model, most: int | None = None, report: Report = silent) -> Contests:
    """Compare every question of a population, or the first ``most``, with its candidates, as the batch engine does.

    ``asked`` is the question's row. Rows that are superseded stand for another row, invalidated ones for nobody: both
    are left out, and so are questions that have no candidate.
    """
    told = population.told[:most]
    tables = population.tables
    matcher = Matcher(model, population.prepared.frequencies, population.prepared.people)
    with duckdb.connect() as connection:
        for name, path in (
            ("held", tables.index_people),
            ("held_keys", tables.index_keys),
            ("whose", population.whose),
        ):
            connection.read_parquet(str(path)).create_view(name)
        connection.read_parquet(str(tables.query_people)).filter(f"id < {len(told)}").create_view("asked")
        connection.read_parquet(str(tables.query_keys)).create_view("asked_keys")
        answers = batch.trace(
            connection, matcher, asked="asked", asked_keys="asked_keys", held="held", held_keys="held_keys", keep=True
        )
        for count, _ in enumerate(answers, 1):
            report(count, len(told))
        numbers = [row.nhs_number for row in told]
        connection.execute(
            "CREATE TABLE told AS SELECT unnest($rows) AS asked, unnest($numbers) AS number",
            {"rows": list(range(len(told))), "numbers": numbers},
        ).fetchall()
        columns = ", ".join(f"s.{field}" for field in FIELDS)
        found = connection.execute(
            f'SELECT s.asked, {columns}, s.adjustment, w.number = t.number AS "right" '  # noqa: S608 - our own names
            f"FROM {SCORED} s JOIN held h ON h.id = s.held JOIN whose w ON w.person = s.held "
            "JOIN told t ON t.asked = s.asked WHERE h.security <> $invalid AND h.superseded_by = '' "
            "ORDER BY s.asked, s.held",
            {"invalid": Security.INVALIDATED.value},
        ).fetchnumpy()
    return Contests(
        np.asarray(found["asked"], np.int32),
        np.stack([np.asarray(found[field], np.uint8) for field in FIELDS], axis=1),
        np.asarray(found["adjustment"], np.float64),
        np.asarray(found["right"], bool),
    )
