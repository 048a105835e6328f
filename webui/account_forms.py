"""Forms of accounts: logging in, passwords."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import SetPasswordMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from dataengine.http.throttles import FailedAttempts
from dataengine.models import ApiToken, Table
from dataengine.services import passwords
from webui.forms import Styled

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class LoginForm(Styled, auth_forms.AuthenticationForm):
    """User and password; one message for all errors, so that it does not reveal who exists."""

    error_messages = {
        "invalid_login": "The user name or password is wrong. Upper and lower case matter.",
        "inactive": "The user name or password is wrong. Upper and lower case matter.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound and self.data.get("username"):  # the password has to be typed again, the name hardly
            self.fields["username"].widget.attrs.pop("autofocus", None)
            self.fields["password"].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        """Authenticate, limited like the API's log-in against guessing."""
        assert self.request is not None
        attempts = FailedAttempts(self.request, self.cleaned_data.get("username") or "")
        if not attempts.may_try():
            raise throttled(attempts)
        try:
            cleaned = super().clean()
        except ValidationError as error:
            raise error if attempts.failed() else throttled(attempts) from None
        # Check again: others may have failed meanwhile.
        if not attempts.may_try():
            raise throttled(attempts)
        return cleaned


def throttled(attempts: FailedAttempts) -> ValidationError:
    """What is said after too many failures."""
    minutes = max(1, round(attempts.wait() / 60))
    when = "in a minute" if minutes == 1 else f"in {minutes} minutes"
    return ValidationError(f"Too many failed attempts. Try again {when}.", code="throttled")


class _ByService(SetPasswordMixin):  # type: ignore[type-arg]
    """Has the new password set by the service, which writes the event."""

    def set_password_and_save(self, user: Any, password_field_name: str = "", commit: bool = True) -> Any:
        """Django's hook."""
        passwords.set_password(user=user, new=self.cleaned_data[password_field_name])  # type: ignore[attr-defined]
        return user


class PasswordChangeForm(_ByService, Styled, auth_forms.PasswordChangeForm):
    """The old password, and the new one twice."""

    field_order = ["old_password", "new_password1", "new_password2"]

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(cast("User", request.user), *args, **kwargs)
        self._attempts = FailedAttempts(request, request.user.get_username())
        self.fields["old_password"].label = "Current password"
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        _plain_password_help(self)

    def clean_old_password(self) -> str:
        """Check it, limited like a log-in: whoever found a browser open must not find the password, too."""
        if not self._attempts.may_try():
            raise throttled(self._attempts)
        try:
            return super().clean_old_password()
        except ValidationError as error:
            raise error if self._attempts.failed() else throttled(self._attempts) from None


class SetPasswordForm(_ByService, Styled, auth_forms.SetPasswordForm):  # type: ignore[type-arg]
    """The new password, twice."""

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        _plain_password_help(self)


def _plain_password_help(form: forms.BaseForm) -> None:
    form.fields["new_password1"].help_text = "At least 8 characters, not only digits, and not a common password."
    form.fields["new_password2"].label = "New password, again"
    form.fields["new_password2"].help_text = ""


class PasswordResetForm(Styled, auth_forms.PasswordResetForm):
    """The address of an account."""

    def __init__(self, *args: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request

    def clean(self) -> dict[str, Any]:
        """Limit how often mails are asked for, from an address and to one, whether or not anybody has it."""
        cleaned = super().clean() or {}
        if self._request is not None:
            attempts = FailedAttempts(self._request, str(cleaned.get("email", "")).casefold(), kind="resets")
            if not attempts.failed():
                raise throttled(attempts)
        return cleaned


class TokenForm(Styled, forms.Form):
    """What an API token is for, and what it may."""

    name = forms.CharField(label="Name", max_length=100, help_text="What the token is for, such as “nightly report”.")
    right = forms.ChoiceField(
        label="It may",
        choices=ApiToken.Right.choices,
        help_text="Each includes those before it. It never has more than you have.",
    )
    expires = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: it does not expire.",
    )
    reach = forms.ChoiceField(
        label="Tables",
        choices=[("all", "All my tables, new ones too"), ("some", "Only these:")],
        initial="all",
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    tables = forms.MultipleChoiceField(
        label="Only these tables",
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )

    def __init__(self, *args: Any, tables: Sequence[Table], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tables"].choices = [(table.name, table.title) for table in tables]  # type: ignore[attr-defined]
        self.fields["expires"].initial = (timezone.now() + _USUAL_LIFE).date()

    def clean(self) -> dict[str, Any]:
        """Refuse what contradicts itself: a token for all tables that was meant for some would be a bad surprise."""
        cleaned = super().clean() or {}
        chosen = cleaned.get("tables")
        if cleaned.get("reach") == "some" and not chosen:
            self.add_error("tables", "Choose at least one table.")
        if cleaned.get("reach") == "all" and chosen:
            self.add_error("reach", "You have chosen tables. Say “Only these”, or choose none.")
        return cleaned

    def wanted(self) -> dict[str, Any]:
        """The arguments of the service."""
        given = self.cleaned_data
        day: date | None = given["expires"]
        return {
            "name": given["name"],
            "right": given["right"],
            "tables": given["tables"] if given["reach"] == "some" else None,
            "expires_at": None if day is None else datetime.combine(day, time.max, UTC),
        }


_USUAL_LIFE = timedelta(days=90)
