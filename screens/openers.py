"""Which panel a command opens; the module of a panel is loaded when the panel is first opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import cast

from screens.panels.services import Opener

_PACKAGE = "screens.panels"

PANELS: Mapping[str, str] = {
    "ChangePassword": "change_password:open_change_password",
    "CommandEntry": "command_entry",
    "ConfigureSocks": "work_with_socks_entries",
    "ConfirmActivation": "confirm_activation",
    "DisplayAddressGroup": "display_groups",
    "DisplayAlert": "display_alert",
    "DisplayAlertTest": "display_alert_test",
    "DisplayAuditReport": "display_audit_report",
    "DisplayComparison": "display_comparison",
    "DisplayCoverage": "display_coverage",
    "DisplayJournal": "display_journal",
    "DisplayKeys": "display_keys",
    "DisplayMessages": "display_messages",
    "DisplayPolicy": "display_policy",
    "DisplayRule": "display_rule",
    "DisplaySecurityAuditing": "display_security_auditing",
    "DisplaySocksEntry": "display_socks_entry",
    "DisplaySocksTest": "display_socks_test",
    "DisplaySystemValue": "display_system_value",
    "DisplayTest": "display_test",
    "DisplayTimeGroup": "display_groups",
    "DisplayUserProfile": "display_user_profile",
    "MainMenu": "main_menu:open_main_menu",
    "Menu": "menu:open_menu",
    "SearchHelp": "search_help:open_search",
    "ThreatModel": "threat_model",
    "WorkWithAddressGroups": "work_with_groups",
    "WorkWithAlertDestinations": "work_with_alert_destinations",
    "WorkWithAlerts": "work_with_alerts",
    "WorkWithExitPrograms": "work_with_exit_programs",
    "WorkWithForwarding": "work_with_forwarding",
    "WorkWithJobs": "work_with_jobs",
    "WorkWithJournalAttributes": "work_with_journal_attributes",
    "WorkWithPolicies": "work_with_policies",
    "WorkWithReceivers": "work_with_receivers",
    "WorkWithRegistrationInformation": "work_with_registration_information",
    "WorkWithRules": "work_with_rules",
    "WorkWithSocksEntries": "work_with_socks_entries",
    "WorkWithSshSessions": "work_with_ssh_sessions",
    "WorkWithSystemValues": "work_with_system_values",
    "WorkWithTcpStatus": "work_with_tcp_status",
    "WorkWithTimeGroups": "work_with_groups",
    "WorkWithUserKeys": "work_with_user_profiles",
    "WorkWithUserProfiles": "work_with_user_profiles",
    "WorkWithWorkers": "work_with_workers",
}
"""Name of a panel, as commands give it -> its module; behind a colon what makes it, where that is no class so named."""


class Openers(Mapping[str, Opener]):
    """How panels are made, by name."""

    def __getitem__(self, name: str) -> Opener:
        module, _, maker = PANELS[name].partition(":")
        return cast("Opener", getattr(import_module(f"{_PACKAGE}.{module}"), maker or name))

    def __contains__(self, name: object) -> bool:
        return name in PANELS

    def __iter__(self) -> Iterator[str]:
        return iter(PANELS)

    def __len__(self) -> int:
        return len(PANELS)


OPENERS = Openers()
"""Name of a panel -> how it is made."""
