"""Forms of the administrators' page of users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import Group

from dataengine.models import ApiToken, Table
from webui.forms import Styled

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_BOXES = forms.CheckboxSelectMultiple({"class": "form-check-input"})


class UserForm(Styled, forms.Form):
    """What an administrator sets of a user."""

    email = forms.EmailField(label="E-mail", max_length=254)
    groups = forms.MultipleChoiceField(label="Groups", required=False, widget=_BOXES)
    new_group = forms.CharField(label="A new group", required=False, max_length=150)
    is_admin = forms.BooleanField(
        label="Administrator", required=False, help_text="Manages users. Sees no table without a right on it."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = Group.objects.order_by("name").values_list("name", flat=True)
        self.fields["groups"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    @classmethod
    def of(cls, user: User, data: Any = None) -> UserForm:
        """The form filled with ``user``, or with what was sent."""
        groups = [group.name for group in user.groups.all()]
        return cls(data, initial={"email": user.email, "groups": groups, "is_admin": user.is_superuser})

    def wanted(self) -> dict[str, Any]:
        """The arguments of the service."""
        given = self.cleaned_data
        new = given["new_group"].strip()
        return {
            "email": given["email"],
            "groups": sorted({*given["groups"], *([new] if new else [])}),
            "is_admin": given["is_admin"],
        }


class InvitationForm(UserForm):
    """The same of a new user, with a right on tables."""

    username = forms.CharField(label="User name", max_length=150)
    right = forms.ChoiceField(label="May", choices=ApiToken.Right.choices, required=False)
    tables = forms.MultipleChoiceField(label="On the tables", required=False, widget=_BOXES)
    field_order = ["username", "email", "groups", "new_group", "is_admin", "right", "tables"]

    def __init__(self, *args: Any, tables: Sequence[Table], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tables"].choices = [(table.name, table.title) for table in tables]  # type: ignore[attr-defined]

    def wanted(self) -> dict[str, Any]:
        """The arguments of the service."""
        given = self.cleaned_data
        return {
            **super().wanted(),
            "username": given["username"],
            "right": given["right"] or "view",
            "tables": given["tables"],
        }
