"""Events of the audit trail in words: who did what, as one sentence, and each value before and after."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.shortcuts import resolve_url

from dataengine.access import Right
from dataengine.models import AuditEvent, Table
from dataengine.queries.activity import Happening
from webui.words import plural

_VIA = {
    "session": "", "jwt": "by the API", "token": "by the API token “{}”", "command": "by the command {}",
    "system": "",
}  # fmt: skip
_SENTENCES = {
    "table.created": "made the table",
    "table.remade": "made the table anew from a file",
    "table.renamed": "renamed the table",
    "table.relabelled": "changed the words about the table",
    "table.deleted": "put the table into the trash",
    "table.restored": "took the table out of the trash",
    "column.added": "added the column “{column}”",
    "column.changed": "changed the column “{column}”",
    "column.deleted": "put the column “{column}” into the trash",
    "column.restored": "took the column “{column}” out of the trash",
    "record.inserted": "added record {record}",
    "record.updated": "changed record {record}",
    "record.deleted": "deleted record {record}",
    "records.inserted": "added {records}",
    "records.updated": "changed {records}",
    "records.deleted": "deleted {records}",
    "records.copied": "copied {records} into the table",
    "records.exported": "exported records as {format}",
    "import.completed": "imported “{filename}”",
    "import.failed": "tried in vain to import “{filename}”",
    "import.cancelled": "cancelled the import of “{filename}”",
    "import.undone": "took back the import of “{filename}”",
    "import.redone": "made the import of “{filename}” again",
    "import.retried": "tried rejected rows of “{filename}” again",
    "import.referenced": "had records made by the import of “{filename}” into another table",
    "recipe.made": "kept the recipe “{recipe}”",
    "recipe.changed": "changed the recipe “{recipe}”",
    "recipe.deleted": "deleted the recipe “{recipe}”",
    "index.requested": "had an index made: {index}",
    "index.dropped": "dropped an index: {index}",
    "sharing.changed": "changed who may do what",
    "link.created": "made the public link “{name}”",
    "link.revoked": "revoked the public link “{name}”",
    "session.started": "logged in",
    "session.ended": "logged out",
    "session.revoked": "ended a session",
    "session.all_revoked": "ended all sessions",
    "sign_in.failed": "tried in vain to log in",
    "jwt.issued": "logged in to the API",
    "token.created": "made the API token “{name}”",
    "token.deleted": "revoked the API token “{name}”",
    "password.changed": "changed a password",
    "password.reset_sent": "had the link for a password sent",
    "second_factor.added": "added a second factor",
    "second_factor.removed": "removed a second factor",
    "user.address_verified": "verified the e-mail address",
    "user.created": "invited a user",
    "user.changed": "changed a user",
    "user.activated": "let a user in again",
    "user.deactivated": "shut a user out",
    "source.added": "added a source",
    "source.changed": "changed a source",
    "source.deleted": "deleted a source",
    "source.paused": "paused a source",
    "source.resumed": "resumed a source",
    "source.run": "ran a source",
    "webhook.created": "made a webhook",
    "webhook.changed": "changed a webhook",
    "webhook.stopped": "stopped a webhook whose maker may not design the table any more",
    "webhook.deleted": "deleted a webhook",
    "webhook.resent": "had a message of a webhook sent again",
    "table.purged": "deleted the table for good",
    "column.purged": "deleted the column “{column}” for good",
}
"""By action; an action that is not here is told as it is called."""
_UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Difference:
    """A value before and after, in words; None where there was none to tell."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """An event on a page."""

    event: AuditEvent
    who: str
    sentence: str
    via: str
    notes: list[str]
    differences: list[Difference]
    record_url: str
    import_url: str
    undo_url: str

    @property
    def day(self) -> date:
        """The day on which it was done."""
        return self.event.created_at.date()


_BY_ITSELF = ("index.requested",)
"""What Tablekeep does in a request that did not ask for it."""


def line(
    one: Happening, *, table: Table | None = None, rights: frozenset[Right] = frozenset(), able: bool = False
) -> Line:
    """An event of ``table`` (None: of any, without links into it). ``able`` tells whether it can be undone."""
    event, record = one.event, one.record
    needed: Right = "design" if event.action.startswith("column.") else "edit"
    of = table.name if table is not None else ""
    return Line(
        event=event,
        who=event.user_name
        or ("Somebody" if event.via == "session" and event.action not in _BY_ITSELF else "Tablekeep"),
        sentence=sentence(one),
        via=via(event),
        notes=_notes(one),
        differences=_rights(event) if event.action == "sharing.changed" else differences(one.before, one.after),
        record_url=resolve_url("console:record-history", of, record)
        if of and record is not None and record > 0
        else "",
        import_url=resolve_url("console:import", one.import_id) if of and one.import_id is not None else "",
        undo_url=resolve_url("console:undo", of, event.pk) if of and able and needed in rights else "",
    )


def sentence(one: Happening) -> str:
    """What was done, without who did it: ``changed record 5``."""
    told = one.told
    words = {
        "record": one.record if one.record is not None else _UNKNOWN,
        "records": plural(int(told.get("count", 0)), "record,records"),
        "format": str(told.get("format", "")).upper(),
        **{name: told.get(name, _UNKNOWN) for name in ("column", "filename", "index", "name", "recipe")},
    }
    text = _SENTENCES.get(one.event.action)
    done = one.event.action if text is None else text.format_map(words)
    says_so = one.event.action in ("import.undone", "import.redone")
    undoes = ("undoes" in told or one.event.undoes_id) and not says_so
    return f"{done}, taking back an earlier change" if undoes else done


def via(event: AuditEvent) -> str:
    """By what it was done, where that is not a page of the console: ``by the API token “nightly”``."""
    return _VIA.get(event.via, event.via).format(event.via_name)


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Difference]:
    """What is not the same before and after; where there is only one of both, the values that there are."""
    names: Iterable[str] = dict.fromkeys([*(before or {}), *(after or {})])
    return [
        Difference(
            name,
            None if before is None or name not in before else shown(before[name]),
            None if after is None or name not in after else shown(after[name]),
        )
        for name in names
        if (before or {}).get(name) != (after or {}).get(name)
    ]


def _rights(event: AuditEvent) -> list[Difference]:
    """Who had and has which right."""
    found = [
        Difference(
            grant["user"] if "user" in grant else f"{grant.get('group', '')} (group)",
            grant["before"] or "",
            grant["after"] or "",
        )
        for grant in event.details.get("grants", ())
    ]
    owner = event.details.get("owner")
    return [*found, Difference("owner", owner["before"], owner["after"])] if owner else found


def shown(value: Any) -> str:
    """A value of the API for people; '' is nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def _notes(one: Happening) -> list[str]:
    told = one.told
    notes = [
        plural(int(told[name]), forms)
        for name, forms in (
            ("rows_imported", "row imported,rows imported"), ("rows_updated", "updated,updated"),
            ("rows_removed", "removed,removed"), ("rows_rejected", "rejected,rejected"),
        )
        if told.get(name)
    ]  # fmt: skip
    if told.get("filter"):
        notes.append(f"only where {shown(told['filter'])}" if isinstance(told["filter"], dict) else "")
    notes += [str(told[name]) for name in ("because", "reason") if told.get(name)]
    if "username" in told:
        notes.append(f"account {told['username']}")
    return [note for note in notes if note]
