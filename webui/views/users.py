"""The administrators' pages of users: who there is, inviting, shutting out, groups, new passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import resolve_url

from dataengine import access
from dataengine.services import users
from webui import htmx, reset_mail
from webui.errors import errors_into
from webui.htmx import ConsoleRequest
from webui.mail_links import console_url
from webui.user_forms import InvitationForm, UserForm
from webui.views.view import console_view

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_PAGE = 50


@console_view("GET")
def index(request: ConsoleRequest) -> HttpResponse:
    """Who there is."""
    search = request.GET.get("search", "").strip()
    page = Paginator(users.users_for(request.user, search), _PAGE).get_page(request.GET.get("page"))
    return htmx.render(request, "users/index.html", {"page": page, "search": search})


@console_view("GET", "POST")
def invite(request: ConsoleRequest) -> HttpResponse:
    """Make a user, who gets a mail with the link for a password."""
    users.users_for(request.user)
    tables = list(access.tables_for(request.user, "own").order_by("name"))
    form = InvitationForm(request.POST or None, tables=tables)
    if request.method == "POST" and form.is_valid():
        with errors_into(form):
            made = users.invite(by=request.user, **form.wanted())
            _send_link(request, made, f"“{made.get_username()}” is invited.")
            return htmx.redirect(request, resolve_url("users"))
    return htmx.render(request, "users/new.html", {"form": form}, status=422 if form.errors else 200)


@console_view("GET", "POST")
def edit(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One of them."""
    user = users.get_user(request.user, pk)
    form = UserForm.of(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with errors_into(form):
            users.change(by=request.user, user=user, **form.wanted())
            messages.success(request, "Saved.")
            return htmx.redirect(request, request.path)
    context = {
        "form": form,
        "who": users.get_user(request.user, pk),
        "is_self": user == request.user,
        "has_factor": users.has_second_factor(user),
    }
    return htmx.render(request, "users/user.html", context, status=422 if form.errors else 200)


@console_view("POST")
def set_active(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Shut somebody out, or let somebody in again."""
    user = users.get_user(request.user, pk)
    is_active = request.POST.get("active") == "yes"
    users.set_active(by=request.user, user=user, is_active=is_active)
    done = "can log in again" if is_active else "cannot log in any more, and is logged out everywhere"
    messages.success(request, f"“{user.get_username()}” {done}.")
    return htmx.redirect(request, resolve_url("user", pk))


@console_view("POST")
def reset(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Have the link for a new password sent."""
    user = users.get_user(request.user, pk)
    users.note_reset(by=request.user, user=user)
    _send_link(request, user, "")
    return htmx.redirect(request, resolve_url("user", pk))


@console_view("POST")
def remove_second_factors(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Let somebody in by the password alone."""
    user = users.get_user(request.user, pk)
    users.remove_second_factors(by=request.user, user=user)
    messages.success(request, f"“{user.get_username()}” logs in by the password alone now.")
    return htmx.redirect(request, resolve_url("user", pk))


def _send_link(request: ConsoleRequest, user: User, done: str) -> None:
    """Have it sent, and tell."""
    if user.email and reset_mail.ask_to_invite(user, request.user, console_url(request)):
        messages.success(request, f"{done} The link for a password is on its way to {user.email}.".strip())
    else:
        messages.error(request, f"{done} No mail could be sent. Send the link again later.".strip())
