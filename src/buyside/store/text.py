"""Searching in names: both sides are case-folded by us, since the databases fold letters differently."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement


def contains(folded: Column[str], text: str) -> ColumnElement[bool]:
    return folded.contains(text.casefold(), autoescape=True)
