"""Filters of the designer's templates."""

from __future__ import annotations

from django import template

from webui.designer.rules import rules_of

register = template.Library()
register.filter("rules", rules_of)
