"""The Attention menu: the menu ATTN in front of a session, which waits behind it as it is."""

from __future__ import annotations

from console.commands.menus import ATTENTION
from screens.panel import Ask, Reply, Request, Submission
from screens.panels.menu import Menu
from screens.panels.services import Services


class AttentionMenu(Menu):
    """The menu; F3 and F12 go back to the session."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, ATTENTION)

    def handle(self, submission: Submission) -> Reply:
        """Go back, or answer as any menu."""
        return Ask(Request.GO_BACK) if submission.key in ("F3", "F12") else super().handle(submission)
