"""Who else may do what with a table: rights of users and groups, and whose it is. All of it that is written.

The rights are django-guardian's object permissions, one for each user or group, since each right includes the lesser
ones. Besides them a table has one owner, who has every right without a permission: so it never has none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from guardian.models import GroupObjectPermission, UserObjectPermission

from dataengine.access import RIGHTS, Right, rights_of
from dataengine.exceptions import AccessDenied, Conflict, InvalidInput, Path, shown
from dataengine.models import Table
from dataengine.models.shapes import GrantChange, SharingDetails
from dataengine.services import lost_rights
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User

type Kind = Literal["user", "group"]
KINDS: tuple[Kind, ...] = ("user", "group")
MOST_GRANTS = 1_000
_RIGHT_NAMES = ", ".join(f"“{right}”" for right in RIGHTS)


@dataclass(frozen=True, slots=True)
class Grant:
    """A right of a user or a group."""

    kind: Kind
    name: str
    right: Right


@dataclass(frozen=True, slots=True)
class Sharing:
    """Whose a table is, and who else has which right: people first, then groups, by name."""

    owner: str
    grants: Sequence[Grant]


type _Who = tuple[Kind, int]
type _Rights = dict[_Who, Right]


def sharing_of(table: Table) -> Sharing:
    """How the table is shared now."""
    rights = _rights(table)
    names = _names(rights)
    grants = [Grant(kind, names[kind, pk], right) for (kind, pk), right in rights.items() if (kind, pk) in names]
    grants.sort(key=lambda grant: (KINDS.index(grant.kind), grant.name.casefold(), grant.name))
    return Sharing(get_user_model().objects.get(pk=table.owner_id).get_username(), grants)


def replace_all(*, user: User, table: Table, grants: object, owner: object = None) -> Sharing:
    """Share the table exactly so: ``grants`` is ``[{"user" or "group": name, "right": right}, …]``.

    With ``owner`` (a user's name) the table becomes that user's; whoever owned it keeps no more than ``grants`` say.
    Raises InvalidInput that points to everything that is wrong.
    """
    faults: list[tuple[Path, str]] = []
    read = _read(grants, faults)
    wanted_owner = None if owner is None else _user(owner, ("owner",), faults)

    def change(rights: _Rights, owner_id: int) -> tuple[_Rights, int]:
        owned_by = owner_id if wanted_owner is None else wanted_owner
        for number, (who, right) in read.items():
            if who == ("user", owned_by) and right != "own":
                reason = "This is the table's owner, who has every right. Make somebody else the owner first."
                faults.append((("grants", number, "right"), reason))
        _refuse(faults)
        return {who: right for who, right in read.values() if who != ("user", owned_by)}, owned_by

    return _change(user, table, change)


def give(*, user: User, table: Table, kind: Kind, name: str, right: str) -> Sharing:
    """Give a user or a group a right instead of the one they have, if any. Raises InvalidInput."""
    faults: list[tuple[Path, str]] = []
    read = _read([{kind: name, "right": right}], faults)
    _refuse([(path[2:], text) for path, text in faults])
    [(who, granted)] = read.values()

    def change(rights: _Rights, owner_id: int) -> tuple[_Rights, int]:
        if who == ("user", owner_id):
            raise InvalidInput(f"“{name}” owns the table.", fields={kind: f"“{name}” owns the table."})
        return rights | {who: granted}, owner_id

    return _change(user, table, change)


def take(*, user: User, table: Table, kind: Kind, name: str) -> Sharing:
    """Take the right of a user or a group away; nothing happens if they have none."""
    model = get_user_model() if kind == "user" else Group
    field = get_user_model().USERNAME_FIELD if kind == "user" else "name"
    found = model._default_manager.filter(**{field: name.replace("\0", "")}).first()

    def change(rights: _Rights, owner_id: int) -> tuple[_Rights, int]:
        return {who: right for who, right in rights.items() if found is None or who != (kind, found.pk)}, owner_id

    return _change(user, table, change)


def hand_over(*, user: User, table: Table, name: str) -> Sharing:
    """Make another user the table's owner. Whoever owned it keeps the right ``own``. Raises InvalidInput."""
    faults: list[tuple[Path, str]] = []
    new = _user(name, ("owner",), faults)
    _refuse(faults)
    assert new is not None  # or there were faults

    def change(rights: _Rights, owner_id: int) -> tuple[_Rights, int]:
        kept: _Rights = {("user", owner_id): "own"} if owner_id != new else {}
        return {who: right for who, right in (rights | kept).items() if who != ("user", new)}, new

    return _change(user, table, change)


# What was asked for ---------------------------------------------------------------------------------------------------


def _read(grants: object, faults: list[tuple[Path, str]]) -> dict[int, tuple[_Who, Right]]:
    """The grants by their place in the list; what is wrong with them goes to ``faults``."""
    if not isinstance(grants, list):
        faults.append((("grants",), "Give a list."))
        return {}
    if len(grants) > MOST_GRANTS:
        faults.append((("grants",), f"Give at most {MOST_GRANTS} grants; groups are for more people."))
        return {}
    entries = {number: entry for number, grant in enumerate(grants) if (entry := _entry(number, grant, faults))}
    known = _known(entries.values())
    read: dict[int, tuple[_Who, Right]] = {}
    seen: dict[_Who, int] = {}
    for number, grant in entries.items():
        path = ("grants", number, grant.kind)
        pk = known.get((grant.kind, grant.name))
        if pk is None:
            faults.append((path, f"There is no {grant.kind} “{shown(grant.name)}”."))
        elif (who := (grant.kind, pk)) in seen:
            faults.append((path, f"“{shown(grant.name)}” is given twice, first at {seen[who]}."))
        else:
            seen[who] = number
            read[number] = (who, grant.right)
    return read


def _entry(number: int, grant: object, faults: list[tuple[Path, str]]) -> Grant | None:
    path = ("grants", number)
    if not isinstance(grant, Mapping):
        faults.append((path, "Give an object with user or group, and right."))
        return None
    before = len(faults)
    kinds: list[Kind] = [kind for kind in KINDS if kind in grant]
    unknown = [str(key) for key in grant if key not in ("user", "group", "right")]
    if unknown:
        faults.append(((*path, unknown[0]), "There is no such key; give user or group, and right."))
    if len(kinds) != 1:
        faults.append((path, "Give either user or group."))
    elif not isinstance(grant[kinds[0]], str):
        faults.append(((*path, kinds[0]), "Give a name."))
    if grant.get("right") not in RIGHTS:
        faults.append(((*path, "right"), f"Give one of {_RIGHT_NAMES}."))
    return None if len(faults) > before else Grant(kinds[0], grant[kinds[0]], grant["right"])


def _known(grants: Any) -> dict[tuple[Kind, str], int]:
    """The keys of all users and groups that are named."""
    names: dict[Kind, list[str]] = {kind: [] for kind in KINDS}
    for grant in grants:
        if "\0" not in grant.name:  # PostgreSQL refuses it
            names[grant.kind].append(grant.name)
    found: dict[tuple[Kind, str], int] = {}
    model = get_user_model()
    if names["user"]:
        users = model.objects.filter(**{f"{model.USERNAME_FIELD}__in": names["user"]})
        found |= {("user", one.get_username()): one.pk for one in users}
    if names["group"]:
        found |= {("group", one.name): one.pk for one in Group.objects.filter(name__in=names["group"])}
    return found


def _user(name: object, path: Path, faults: list[tuple[Path, str]]) -> int | None:
    """The key of an active user."""
    model = get_user_model()
    given = {model.USERNAME_FIELD: name, "is_active": True}
    found = model.objects.filter(**given).first() if isinstance(name, str) and "\0" not in name else None
    if found is None:
        faults.append((path, f"There is no user “{shown(name)}”." if isinstance(name, str) else "Give a user's name."))
        return None
    return int(found.pk)


def _refuse(faults: Sequence[tuple[Path, str]]) -> None:
    if not faults:
        return
    fields: dict[str, list[str]] = {}
    for path, text in faults:
        fields.setdefault(".".join(str(step) for step in path), []).append(text)
    [name, texts] = next(iter(fields.items()))
    message = (
        f"{name}: {texts[0]}" if len(faults) == 1 else f"Nothing was changed: {len(faults)} entries are not valid."
    )
    raise InvalidInput(message, code="invalid_grants", fields=fields, pointers=faults)


# What is stored -------------------------------------------------------------------------------------------------------


def _change(user: User, table: Table, change: Callable[[_Rights, int], tuple[_Rights, int]]) -> Sharing:
    """Let ``change`` say what is to be, store the differences, and write one event of them."""
    with transaction.atomic():
        # Two at once take turns. Not against imports, whose records refer to the table's row.
        locked = Table.objects.select_for_update(no_key=True).filter(pk=table.pk).first()
        if locked is None:
            raise Conflict("The table has been deleted meanwhile.", code="table_gone")
        # Whoever lost the right while this waited must not give it back, nor take the table over.
        if "own" not in rights_of(user, locked):
            raise AccessDenied(f"You may not delete or share the table “{locked.name}”.")
        before, owner_before = _rights(locked), locked.owner_id
        after, owner_after = change(before, owner_before)
        changed = {who for who in before.keys() | after.keys() if before.get(who) != after.get(who)}
        if owner_after != owner_before:
            locked.owner_id = table.owner_id = owner_after
            locked.save(update_fields=["owner", "updated_at"])
        if changed or owner_after != owner_before:
            _store(locked, after, changed)
            details = _details(before, after, changed, owner_before, owner_after)
            record_event(user=user, table=locked, action="sharing.changed", details=details)
            lost_rights.end_on(locked, by=user)
        return sharing_of(locked)


def _details(
    before: _Rights, after: _Rights, changed: set[_Who], owner_before: int, owner_after: int
) -> SharingDetails:
    owners: list[_Who] = [("user", owner_before), ("user", owner_after)]
    names = _names([*changed, *owners])
    changes: list[GrantChange] = [
        {kind: names.get((kind, pk), ""), "before": before.get((kind, pk)), "after": after.get((kind, pk))}  # type: ignore[misc]  # a literal of two
        for kind, pk in sorted(changed)
    ]
    details: SharingDetails = {"grants": changes}
    if owner_before != owner_after:
        details["owner"] = {"before": names[owners[0]], "after": names[owners[1]]}
    return details


def _rights(table: Table) -> _Rights:
    """The highest right of everybody who has one, the owner's aside."""
    kind = ContentType.objects.get_for_model(Table).pk
    found: _Rights = {}
    asked = {"content_type": kind, "object_pk": str(table.pk)}
    rows: list[tuple[Kind, int, str]] = [
        *(("user", *row) for row in UserObjectPermission.objects.filter(**asked).values_list(
            "user_id", "permission__codename").exclude(user_id=table.owner_id)),
        *(("group", *row) for row in GroupObjectPermission.objects.filter(**asked).values_list(
            "group_id", "permission__codename")),
    ]  # fmt: skip
    for who, pk, codename in rows:
        right = next((right for right in RIGHTS if f"{right}_table" == codename), None)
        if right is not None:
            found[who, pk] = max(right, found.get((who, pk), RIGHTS[0]), key=RIGHTS.index)
    return found


def _names(who: Any) -> dict[_Who, str]:
    model = get_user_model()
    keys = {kind: [pk for one, pk in who if one == kind] for kind in KINDS}
    found: dict[_Who, str] = {("user", one.pk): one.get_username() for one in model.objects.filter(pk__in=keys["user"])}
    if keys["group"]:
        found |= {("group", one.pk): one.name for one in Group.objects.filter(pk__in=keys["group"])}
    return found


def _store(table: Table, rights: _Rights, changed: set[_Who]) -> None:
    """Make the permissions of those whose right changed say what ``rights`` say. An owner has none."""
    content_type = ContentType.objects.get_for_model(Table)
    about = {"content_type": content_type, "object_pk": str(table.pk)}
    users = [pk for kind, pk in changed if kind == "user"]
    groups = [pk for kind, pk in changed if kind == "group"]
    UserObjectPermission.objects.filter(**about, user_id__in=[*users, table.owner_id]).delete()
    GroupObjectPermission.objects.filter(**about, group_id__in=groups).delete()
    permissions = {one.codename: one for one in Permission.objects.filter(content_type=content_type)}
    granted = {who: permissions[f"{rights[who]}_table"] for who in changed if who in rights}
    UserObjectPermission.objects.bulk_create(
        UserObjectPermission(**about, user_id=pk, permission=one)
        for (kind, pk), one in granted.items()
        if kind == "user"
    )
    GroupObjectPermission.objects.bulk_create(
        GroupObjectPermission(**about, group_id=pk, permission=one)
        for (kind, pk), one in granted.items()
        if kind == "group"
    )


def as_json(sharing: Sharing) -> dict[str, Any]:
    """The shape that the API answers with, and takes."""
    return {
        "owner": sharing.owner,
        "grants": [{grant.kind: grant.name, "right": grant.right} for grant in sharing.grants],
    }


def exists(kind: Kind, name: str) -> bool:
    """Whether there is such a user or group."""
    return (kind, name) in _known([Grant(kind, name, "view")])


def suggestions(text: str, most: int = 10) -> list[tuple[Kind, str]]:
    """Users and groups whose names begin with ``text``."""
    text = text.strip().replace("\0", "")
    if not text:
        return []
    model = get_user_model()
    name = model.USERNAME_FIELD
    users = model.objects.filter(is_active=True, **{f"{name}__istartswith": text}).order_by(name)[:most]
    groups = Group.objects.filter(name__istartswith=text).order_by("name")[:most]
    found: list[tuple[Kind, str]] = [("user", one.get_username()) for one in users]
    return [*found, *(("group", one.name) for one in groups)][:most]
