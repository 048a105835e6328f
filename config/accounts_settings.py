"""Settings of accounts: Django's, and those of django-allauth, which has the second factors."""

from __future__ import annotations

from typing import Any

from config import environment as env

_FORMS = "webui.second_factors"


def accounts(*, https: bool, issuer: str, provider_name: str) -> dict[str, Any]:
    """Them all, for an installation that is reached by ``https``, or is not. ``issuer`` is empty without one."""
    return {
        **_DJANGO,
        **_SECOND_FACTORS,
        # Nobody gets in by the password before the link in a mail was followed, if it is mandatory.
        "ACCOUNT_EMAIL_VERIFICATION": env.choice("EMAIL_VERIFICATION", "none", ("none", "mandatory")),
        "ACCOUNT_RATE_LIMITS": {"confirm_email": None},  # such mails have our own limit, which works without Redis
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": not https,
        **_single_sign_on(issuer, provider_name),
    }


def _single_sign_on(issuer: str, name: str) -> dict[str, Any]:
    app = {
        "provider_id": "sso",
        "name": name,
        "client_id": env.text("OIDC_CLIENT_ID"),
        "secret": env.text("OIDC_CLIENT_SECRET"),
        "settings": {"server_url": issuer},
    }
    return {
        "SOCIALACCOUNT_ADAPTER": "webui.single_sign_on.Adapter",
        "SOCIALACCOUNT_EMAIL_VERIFICATION": "none",
        # A link leads there: the content security policy lets no form lead to other hosts.
        "SOCIALACCOUNT_LOGIN_ON_GET": True,
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}} if issuer else {},
    }


_DJANGO = {
    "PASSWORD_HASHERS": [
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ],
    "AUTH_PASSWORD_VALIDATORS": [
        *(
            {"NAME": f"django.contrib.auth.password_validation.{name}"}
            for name in (
                "UserAttributeSimilarityValidator",
                "MinimumLengthValidator",
                "CommonPasswordValidator",
                "NumericPasswordValidator",
            )
        ),
        {"NAME": "config.accounts.EndsTheOld"},
    ],
    "AUTHENTICATION_BACKENDS": ["config.accounts.Backend", "guardian.backends.ObjectPermissionBackend"],
    "ANONYMOUS_USER_NAME": None,  # guardian: nothing is shared with people who are not logged in
    "LOGIN_REDIRECT_URL": "/",
    "LOGOUT_REDIRECT_URL": "login",
}

# The log-in page and its limits are our own; what follows the right password is allauth's.
_SECOND_FACTORS = {
    "ACCOUNT_ADAPTER": "webui.account_adapter.AccountAdapter",
    "ACCOUNT_FORMS": {"reauthenticate": f"{_FORMS}.ConfirmForm"},
    "MFA_ADAPTER": f"{_FORMS}.Adapter",
    "MFA_ALLOW_UNVERIFIED_EMAIL": True,  # administrators make users, so nobody has a stranger's address
    "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
    # Without https (MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN) browsers have passkeys for http://localhost alone.
    "MFA_PASSKEY_LOGIN_ENABLED": True,
    "MFA_TOTP_ISSUER": "Tablekeep",
    "MFA_TOTP_TOLERANCE": 1,  # periods: clocks of telephones differ
    "MFA_FORMS": {
        "authenticate": f"{_FORMS}.AuthenticateForm",
        "reauthenticate": f"{_FORMS}.ReauthenticateForm",
        "activate_totp": f"{_FORMS}.ActivateForm",
        "deactivate_totp": f"{_FORMS}.DeactivateForm",
        "generate_recovery_codes": f"{_FORMS}.NewCodesForm",
        "add_webauthn": f"{_FORMS}.AddPasskeyForm",
        "login_webauthn": f"{_FORMS}.LoginPasskeyForm",
        "authenticate_webauthn": f"{_FORMS}.AuthenticatePasskeyForm",
        "reauthenticate_webauthn": f"{_FORMS}.ReauthenticatePasskeyForm",
        "edit_webauthn": f"{_FORMS}.PasskeyNameForm",
    },
}
