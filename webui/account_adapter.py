"""What django-allauth asks about accounts: who may sign up, whose address is verified, what the shut out are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url

from dataengine.http.throttles import FailedAttempts
from dataengine.services import addresses
from webui import reset_mail
from webui.mail_links import console_url

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves: administrators make users, and invite them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def pre_login(self, request: HttpRequest, user: User, **given: Any) -> HttpResponse | None:
        """Only the present address counts as verified."""
        addresses.forget_others(user)
        response: HttpResponse | None = super().pre_login(request, user, **given)
        return response

    def should_send_confirmation_mail(self, request: HttpRequest, email_address: Any, signup: bool) -> bool:
        """Limit how often, like mails for new passwords."""
        return FailedAttempts(request, email_address.email, kind="verifications").failed()

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """Have a worker send the link by which an address is verified."""
        path = resolve_url("account_confirm_email", emailconfirmation.key)
        link = console_url(request).rstrip("/") + path
        if not reset_mail.ask_to_verify(emailconfirmation.email_address.user, link):
            messages.error(request, "No mail could be sent. Log in again later.")

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Say of somebody who is shut out no more than of a wrong password."""
        messages.error(request, "You could not be logged in.")
        return HttpResponseRedirect(resolve_url("login"))
