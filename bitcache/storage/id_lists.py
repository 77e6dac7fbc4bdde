"""Any number of ids in one parameter: SQLite bounds the number of parameters, and each costs time.

Used with statements that are built once, because building one takes several times as long as running it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, func, select


def among_ids(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the column is one of the texts that :func:`ids` hands over."""
    texts = func.json_each(bindparam("ids", type_=Text)).table_valued("value")
    return column.in_(select(texts.c.value))


def ids(texts: Iterable[str]) -> dict[str, str]:
    """The parameter of a statement with :func:`among_ids`."""
    return {"ids": json.dumps(list(texts))}
