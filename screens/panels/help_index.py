"""The help index: every text of data/help as topics, made when it is first asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from console.commands.registry import COMMANDS
from console.resources import data_path
from screens.panels.help_texts import read_help, section_title


@dataclass(frozen=True, slots=True)
class Topic:
    """One text to be found."""

    title: str
    text: str

    @property
    def searched(self) -> str:
        """Return what words are looked for in."""
        return f"{self.title}\n{self.text}".lower()


@cache
def topics() -> Sequence[Topic]:
    """Return every topic: the files by title, each with its sections behind it."""
    found = []
    for path in data_path("help").glob("*.md"):
        name = path.name.removesuffix(".md")
        file = read_help(name)
        title = f"{file.title} ({name})" if name.isupper() else file.title
        found.append((title, 0, Topic(title, file.text)))
        sections = enumerate(file.sections.items(), 1)
        found += [(title, at, Topic(f"{title}: {_section(name, key)}", text)) for at, (key, text) in sections]
    return [topic for _, _, topic in sorted(found, key=lambda each: (each[0].lower(), each[1])) if topic.text]


def _section(name: str, key: str) -> str:
    """Return what a section is headed by: in the help of a command as its prompt has it, ``Members (MBR)``."""
    cls = COMMANDS.get(name)
    prompts = {parameter.keyword: parameter.prompt for parameter in cls.parameters} if cls else {}
    return f"{prompts[key]} ({key})" if key in prompts else section_title(key)


def find_topics(words: str) -> Sequence[Topic]:
    """Return the topics that have all of some words, or parts of words; those with them in their title first.

    Args:
        words: With blanks between them, in any case; none for every topic that is no part of another.
    """
    wanted = words.lower().split()
    if not wanted:
        return [topic for topic in topics() if ": " not in topic.title]
    found = [topic for topic in topics() if all(word in topic.searched for word in wanted)]
    return sorted(found, key=lambda topic: not all(word in topic.title.lower() for word in wanted))
