"""Second factors, by django-allauth: its forms in our look, and how it keeps its secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms as base_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.forms import GenerateRecoveryCodesForm
from allauth.mfa.totp.forms import ActivateTOTPForm, DeactivateTOTPForm
from allauth.mfa.webauthn import forms as webauthn_forms
from cryptography.fernet import Fernet
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from dataengine.http.throttles import FailedAttempts
from webui.account_forms import throttled
from webui.forms import Styled

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Adapter(DefaultMFAAdapter):
    """Keeps what authenticator apps know encrypted, so that who reads the database cannot make codes."""

    def encrypt(self, text: str) -> str:
        """Allauth's hook."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Its counterpart."""
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_totp_label(self, user: User) -> str:
        """What authenticator apps call the account."""
        return user.get_username()

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002  allauth's name
        """What a new passkey is called at first: a word that says what it is, and how many there are before it."""
        before = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {before + 1}" if before else "Passkey"


def _cipher() -> Fernet:
    key = hmac.digest(settings.SECRET_KEY.encode(), b"tablekeep.second-factors", hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(key))


class _Code(Styled):
    """A field for a code, without the placeholder that would repeat its label."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["code"]
        field.label = "Code"
        field.widget.attrs.pop("placeholder", None)
        field.widget.attrs |= {"inputmode": "numeric", "spellcheck": "false"}


class AuthenticateForm(_Code, base_forms.AuthenticateForm):
    """The code at the log-in."""


class ReauthenticateForm(_Code, base_forms.ReauthenticateForm):
    """The code again, before a change."""


class ActivateForm(_Code, ActivateTOTPForm):
    """The first code of a new authenticator app."""


class DeactivateForm(Styled, DeactivateTOTPForm):
    """The question before an authenticator app is removed."""


class NewCodesForm(Styled, GenerateRecoveryCodesForm):
    """The question before the old recovery codes end."""


_NO_PASSKEY = "This was no answer of a passkey."
_NONSENSE = (KeyError, TypeError, ValueError, AttributeError)
"""What the library raises for some answers that no browser gives."""


class _Answer:
    """An answer of a passkey, or of whoever says so."""

    def clean_credential(self) -> Any:
        """Refuse nonsense instead of failing over it."""
        try:
            return super().clean_credential()  # type: ignore[misc]  # of the form mixed in
        except _NONSENSE as error:
            raise ValidationError(_NO_PASSKEY) from error


class LoginPasskeyForm(_Answer, webauthn_forms.LoginWebAuthnForm):
    """A passkey instead of a password."""


class AuthenticatePasskeyForm(_Answer, webauthn_forms.AuthenticateWebAuthnForm):
    """A passkey after the password."""


class ReauthenticatePasskeyForm(_Answer, webauthn_forms.ReauthenticateWebAuthnForm):
    """A passkey again, before a change."""


class AddPasskeyForm(Styled, webauthn_forms.AddWebAuthnForm):
    """A new passkey; the browser makes the rest of it."""

    def clean(self) -> Any:
        """Refuse nonsense instead of failing over it."""
        try:
            return super().clean()
        except _NONSENSE as error:
            raise ValidationError(_NO_PASSKEY) from error

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = "Name"
        self.fields["passwordless"].label = "Log in with it alone"
        self.fields["passwordless"].help_text = "Without a password; it will ask for a PIN, a finger or a face."


class PasskeyNameForm(Styled, webauthn_forms.EditWebAuthnForm):
    """Another name for a passkey."""


class ConfirmForm(Styled, forms.Form):
    """The password again, before something that a stranger at an open browser must not do."""

    password = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        """Check it, limited like a log-in."""
        password: str = self.cleaned_data["password"]
        attempts = FailedAttempts(context.request, self.user.get_username())
        if not attempts.may_try():
            raise throttled(attempts)
        if not self.user.check_password(password):
            raise ValidationError("This is not your password.") if attempts.failed() else throttled(attempts)
        return password
