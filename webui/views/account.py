"""Logging in and out, the account page, passwords, the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from allauth.account.models import EmailConfirmationHMAC
from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView

from dataengine.http.devices import device_named
from dataengine.models.sessions import public_id_of
from dataengine.services import addresses, sessions
from webui import account_forms, htmx, reset_mail
from webui.htmx import ConsoleRequest
from webui.mail_links import console_url
from webui.views.view import console_view

if TYPE_CHECKING:
    from django.contrib.auth.models import User

THEMES = ("light", "dark", "auto")
FORM_PAGE = "account/form_page.html"
_SESSIONS_SHOWN = 50  # a program that logs in again for each of its runs leaves very many
_YEAR = 365 * 24 * 3600


class Login(auth_views.LoginView):
    """The log-in page. Users who are already logged in are redirected to their destination."""

    template_name = "account/login.html"
    authentication_form = account_forms.LoginForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the other way in, if there is one."""
        return {**super().get_context_data(**kwargs), "single_sign_on": settings.OIDC_ISSUER and settings.OIDC_NAME}

    def form_valid(self, form: account_forms.LoginForm) -> HttpResponse:  # type: ignore[override]
        """Ask for the second factor, if the user has one, or log in."""
        user = form.get_user()
        response: HttpResponse = perform_login(
            self.request,
            user,
            redirect_url=self.get_success_url(),
            email_verification=None if user.email else "none",  # there is nothing to verify
        )
        return response


def admin_login(request: HttpRequest) -> HttpResponse:
    """Log-in of Django's admin: the console's, which slows down guessing. Tells users who are not staff so."""
    if request.user.is_authenticated and not admin.site.has_permission(request):
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", "") or resolve_url("admin:index"), resolve_url(settings.LOGIN_URL))


class Logout(auth_views.LogoutView):
    """Logs out on POST only, since other sites could link to a GET, which asks first."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The question, with its button."""
        if not request.user.is_authenticated:
            return HttpResponseRedirect(resolve_url(settings.LOGIN_URL))
        return htmx.render(request, "account/logout.html")


class _GatePage:
    """A page with a small form for users who are not logged in; ``words`` are its heading, lede and button."""

    words: dict[str, str] = {}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the words."""
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]  # of the view mixed in
        return {**self.words, **context}


class PasswordReset(_GatePage, auth_views.PasswordResetView):
    """Request a mail with a link. Never tells whether the address is known."""

    template_name = FORM_PAGE
    form_class = account_forms.PasswordResetForm
    words = {
        "heading": "Set a new password",
        "lede": "Enter the e-mail address of your account. You will receive a link by e-mail.",
        "button": "Send the link",
    }

    def get_form_kwargs(self) -> dict[str, Any]:
        """Tell the form from where it is sent."""
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: account_forms.PasswordResetForm) -> HttpResponse:  # type: ignore[override]
        """Leave the rest to a worker: whether there is such an account must not show in how long this takes."""
        if not reset_mail.ask_for(form.cleaned_data["email"], console_url(self.request)):
            form.add_error(None, "No mail can be sent right now. Try again later.")
            return self.form_invalid(form)
        return HttpResponseRedirect(resolve_url("password_reset_done"))


class PasswordResetDone(_GatePage, auth_views.PasswordResetDoneView):
    """Confirms the request, whether or not the address is known."""

    template_name = FORM_PAGE
    words = {
        "heading": "Check your e-mail",
        "lede": "If the address belongs to an account, we have sent a link to it. It works once, within three days.",
    }


class PasswordResetConfirm(_GatePage, auth_views.PasswordResetConfirmView):
    """Choose the new password, after following the link in the mail."""

    template_name = FORM_PAGE
    form_class = account_forms.SetPasswordForm
    words = {"heading": "Choose a new password", "lede": "", "button": "Set password"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tell if the link is used up or too old."""
        context = super().get_context_data(**kwargs)
        if not context["validlink"]:
            context["heading"] = "This link no longer works"
            context["lede"] = "It has already been used, or it is too old."
        return context

    def form_valid(self, form: account_forms.SetPasswordForm) -> HttpResponse:  # type: ignore[override]
        """The link came by e-mail, so the address is the user's."""
        response: HttpResponse = super().form_valid(form)
        addresses.note_verified(cast("User", self.user))
        return response


class Invitation(PasswordResetConfirm):
    """Choose the first password, after following the link in an invitation."""

    words = {
        "heading": "Welcome to Tablekeep",
        "lede": "Choose a password. Then log in with it and the user name in the e-mail.",
        "button": "Set password",
    }


class PasswordResetComplete(_GatePage, auth_views.PasswordResetCompleteView):
    """Confirms the new password."""

    template_name = FORM_PAGE
    words = {"heading": "Your password is set", "lede": "You can log in with it now."}


class AddressLinkSent(_GatePage, TemplateView):
    """Tells who has logged in with an address that is not verified yet what to do."""

    template_name = FORM_PAGE
    words = {
        "heading": "Check your e-mail",
        "lede": "Your address is not verified yet. We have sent a link to it: follow it, then log in.",
    }


class AddressLink(_GatePage, TemplateView):
    """Verifies an address. Not by following the link alone: programs that scan mails do that."""

    template_name = FORM_PAGE

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The question, or that the link is too old."""
        user = self._user()
        if user is None:
            lede = "It is too old, or the address has been verified or changed. Log in to get a new one."
            words = {"heading": "This link no longer works", "lede": lede}
        else:
            words = {"heading": "Is this your address?", "lede": user.email, "button": "Confirm the address"}
        return {**super().get_context_data(**kwargs), **words, "form": user and Form()}

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Verify it."""
        user = self._user()
        if user is None:
            return self.get(request, **kwargs)
        addresses.note_verified(user)
        if addresses.must_verify(user):
            messages.error(request, "Another account has this address.")
            return HttpResponseRedirect(resolve_url("login"))
        messages.success(request, "Your e-mail address is verified. Log in now.")
        return HttpResponseRedirect(resolve_url("login"))

    def _user(self) -> User | None:
        """Whose present address the link is about."""
        found = EmailConfirmationHMAC.from_key(self.kwargs["key"])
        address = None if found is None else found.email_address
        is_present = address is not None and address.email.casefold() == address.user.email.casefold()
        return cast("User", address.user) if address is not None and is_present else None


@console_view("GET", "POST")
def account(request: ConsoleRequest) -> HttpResponse:
    """Change the password; see where one is logged in; choose the theme."""
    listed = sessions.sessions_of(request.user)
    form = account_forms.PasswordChangeForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, "Your password has been changed.")
        return htmx.redirect(request, request.path)
    context = {
        "form": form,
        "sessions": [
            (session, device_named(session.device), session.id == public_id_of(request.session.session_key or ""))
            for session in map(sessions.shown, listed[:_SESSIONS_SHOWN])
        ],
        "more_sessions": max(0, listed.count() - _SESSIONS_SHOWN),
    }
    return htmx.render(request, "account/account.html", context, status=422 if form.errors else 200)


@console_view("POST")
def end_session(request: ConsoleRequest, pk: str) -> HttpResponse:
    """Log out one other browser, or a program."""
    sessions.end_session(user=request.user, public_id=pk)
    messages.success(request, "That session has ended.")
    return htmx.redirect(request, resolve_url("account"))


@console_view("POST")
def log_out_everywhere(request: ConsoleRequest) -> HttpResponse:
    """Log out every other browser and all programs."""
    sessions.log_out_everywhere(user=request.user, but=request.session.session_key)
    messages.success(request, "You are logged out everywhere but here.")
    return htmx.redirect(request, resolve_url("account"))


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Store the theme in a cookie, so that the first paint is right without a script."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = htmx.redirect(request, target)
    chosen = request.POST.get("theme")
    if chosen in THEMES[:2]:
        response.set_cookie("theme", chosen, max_age=_YEAR, samesite="Lax")
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
