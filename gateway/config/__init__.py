"""TOML in, frozen settings out; see `settings` for the tree and `load` for the way in."""

from gateway.config.account import Document, Fax, Gateway, Receive, Route, SenderRules, User, Voipms
from gateway.config.load import DEFAULT_PATH, Loaded, default_path, load
from gateway.config.mail import Listener, Log, Mail, Mailbox, SenderRule, Smtp
from gateway.config.problems import ConfigError, Problem
from gateway.config.settings import Settings, from_dict
from gateway.config.storage import Retention, Storage

__all__ = [
    "DEFAULT_PATH",
    "ConfigError",
    "Document",
    "Fax",
    "Gateway",
    "Listener",
    "Loaded",
    "Log",
    "Mail",
    "Mailbox",
    "Problem",
    "Receive",
    "Retention",
    "Route",
    "SenderRule",
    "SenderRules",
    "Settings",
    "Smtp",
    "Storage",
    "User",
    "Voipms",
    "default_path",
    "from_dict",
    "load",
]
