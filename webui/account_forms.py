"""Forms of accounts: logging in, passwords."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import SetPasswordMixin
from django.core.exceptions import ValidationError

from dataengine.http.throttles import FailedLoginThrottle
from dataengine.services import passwords
from webui.forms import Styled


class LoginForm(Styled, auth_forms.AuthenticationForm):
    """User and password; one message for all errors, so that it does not reveal who exists."""

    error_messages = {
        "invalid_login": "The user name or password is wrong. Upper and lower case matter.",
        "inactive": "The user name or password is wrong. Upper and lower case matter.",
        "throttled": "Too many failed attempts from this address. Try again in a minute.",
    }

    def clean(self) -> dict[str, Any]:
        """Authenticate, limited like the API's log-in against guessing."""
        throttle = FailedLoginThrottle()
        throttled = ValidationError(self.error_messages["throttled"], code="throttled")
        assert self.request is not None
        if not throttle.allow_request(self.request, None):
            raise throttled
        try:
            cleaned = super().clean()
        except ValidationError as error:
            raise error if throttle.failed(self.request) else throttled from None
        # Check again: others may have failed from this address meanwhile.
        if not throttle.allow_request(self.request, None):
            raise throttled
        return cleaned


class _ByService(SetPasswordMixin):  # type: ignore[type-arg]
    """Has the new password set by the service, which writes the event."""

    def set_password_and_save(self, user: Any, password_field_name: str = "", commit: bool = True) -> Any:
        """Django's hook."""
        passwords.set_password(user=user, new=self.cleaned_data[password_field_name])  # type: ignore[attr-defined]
        return user


class PasswordChangeForm(_ByService, Styled, auth_forms.PasswordChangeForm):
    """The old password, and the new one twice."""

    field_order = ["old_password", "new_password1", "new_password2"]

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields["old_password"].label = "Current password"
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        _plain_password_help(self)


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
