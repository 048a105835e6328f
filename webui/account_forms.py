"""Forms of accounts: logging in, passwords."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

from dataengine.http.throttles import FailedLoginThrottle
from webui.forms import Styled


class LoginForm(Styled, auth_forms.AuthenticationForm):
    """User and password; one message for whatever is wrong, so that it does not tell who exists."""

    error_messages = {
        "invalid_login": "That name and password do not go together. Mind upper and lower case.",
        "inactive": "That name and password do not go together. Mind upper and lower case.",
        "throttled": "Too many failed attempts from this address. Try again in a minute.",
    }

    def clean(self) -> dict[str, Any]:
        """Authenticate, with the API's brake on guessing."""
        throttle = FailedLoginThrottle()
        throttled = ValidationError(self.error_messages["throttled"], code="throttled")
        assert self.request is not None
        if not throttle.allow_request(self.request, None):
            raise throttled
        try:
            cleaned = super().clean()
        except ValidationError as error:
            raise error if throttle.failed(self.request) else throttled from None
        # Once more: others may have guessed wrong from this address meanwhile.
        if not throttle.allow_request(self.request, None):
            raise throttled
        return cleaned


class PasswordChangeForm(Styled, auth_forms.PasswordChangeForm):
    """The old password and twice the new one."""

    field_order = ["old_password", "new_password1", "new_password2"]

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields["old_password"].label = "Present password"
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        _plain_password_help(self)


class SetPasswordForm(Styled, auth_forms.SetPasswordForm):  # type: ignore[type-arg]
    """Twice the new password."""

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        _plain_password_help(self)


def _plain_password_help(form: forms.BaseForm) -> None:
    form.fields["new_password1"].help_text = "At least 8 characters, not only digits, nothing that everybody uses."
    form.fields["new_password2"].label = "New password, once more"
    form.fields["new_password2"].help_text = ""


class PasswordResetForm(Styled, auth_forms.PasswordResetForm):
    """The address of an account."""
