"""How the OpenAPI schema describes what authenticates a request."""

from __future__ import annotations

from typing import Any

from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme


class AuthenticationScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]  # registers itself for the schema
    """A bearer, as simplejwt has it; here it may also be an API token."""

    target_class = "dataengine.http.authentication.Authentication"

    def get_security_definition(self, auto_schema: Any) -> Any:
        """The same with a description."""
        described = "An access token of `POST /api/token/`, or an API token of `POST /api/account/tokens/`"
        definition: dict[str, Any] = super().get_security_definition(auto_schema)  # type: ignore[no-untyped-call]
        return {**definition, "description": described}
