"""Settings of django-allauth, which has the second factors; the log-in and its limits are our own."""

from __future__ import annotations

from typing import Any

_FORMS = "webui.second_factors"


def second_factors(*, https: bool) -> dict[str, Any]:
    """Its settings in an installation that is reached by ``https``, or is not."""
    return {
        "ACCOUNT_ADAPTER": f"{_FORMS}.AccountAdapter",
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_FORMS": {"reauthenticate": f"{_FORMS}.ConfirmForm"},
        "MFA_ADAPTER": f"{_FORMS}.Adapter",
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_TOTP_ISSUER": "Tablekeep",
        "MFA_TOTP_TOLERANCE": 1,  # periods: clocks of telephones differ
        # For http://localhost, the only place without https where browsers have passkeys.
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": not https,
        "MFA_FORMS": {
            "authenticate": f"{_FORMS}.AuthenticateForm",
            "reauthenticate": f"{_FORMS}.ReauthenticateForm",
            "activate_totp": f"{_FORMS}.ActivateForm",
            "deactivate_totp": f"{_FORMS}.DeactivateForm",
            "generate_recovery_codes": f"{_FORMS}.NewCodesForm",
            "add_webauthn": f"{_FORMS}.AddPasskeyForm",
            "edit_webauthn": f"{_FORMS}.PasskeyNameForm",
        },
    }
