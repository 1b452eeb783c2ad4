"""What a TAB asks, beyond what Typer understands: options before the command, and values behind `--option=`.

bash takes `--option=value` apart into three words; zsh and fish want it whole, in the word and in what is offered.
"""

from __future__ import annotations

import re

from typer._click.shell_completion import CompletionItem, ShellComplete, add_completion_class
from typer._completion_classes import BashComplete, FishComplete, PowerShellComplete, ZshComplete

from cityctl.cli.root import VALUED, options_last


def joined(words: list[str]) -> list[str]:
    """The words with `--option`, `=`, `value` as the one word that was typed; a `=` at the end goes."""
    whole: list[str] = []
    rest = words[:-1] if words[-1:] == ["="] else list(words)
    while rest:
        word = rest.pop(0)
        if word == "=" and whole:
            word = f"{whole.pop()}={rest.pop(0) if rest else ''}"
        whole.append(word)
    return whole


def _before(incomplete: str) -> str:
    """`--option=` of a word that begins so, else nothing."""
    option, equals, _ = incomplete.partition("=")
    return option + equals if equals and option.startswith("-") else ""


def _zsh_quoted(text: str) -> str:
    """A text between double quotes between single quotes, in a list where `:` divides."""
    escaped = re.sub(r'(["$`\\])', r"\\\1", text).replace(":", r"\\:")
    return escaped.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")


class _Words(ShellComplete):
    """The words before the one at the cursor as the command itself would see them."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        words = options_last(joined(args))
        of_option = (words[-1:] and words[-1] in VALUED) or _before(incomplete)
        if of_option and (not words or words[0].startswith("-")):
            words = ["help", *words]  # before any command: a value of what each command takes
        return super().get_completions(words, incomplete)


class _WholeWord(_Words):
    """A shell that replaces the whole word, the option's name included."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        before = _before(incomplete)
        return [  # a line of help each: Typer would fold it, and the shell take the rest for another offer
            CompletionItem(before + str(one.value), one.type, " ".join((one.help or "").split()) or None)
            for one in super().get_completions(args, incomplete)
        ]


class _Bash(_Words, BashComplete):
    """bash replaces what stands behind the `=`."""


class _Fish(_WholeWord, FishComplete):
    """fish finds files behind a `=` by itself."""

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.value}\t{item.help}" if item.help else str(item.value)


class _PowerShell(_WholeWord, PowerShellComplete):
    """PowerShell takes three columns, none of them empty."""

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.value}:::{item.help or ' '}"


class _Zsh(_WholeWord, ZshComplete):
    """zsh reads the answer as a line of its own language, and is told to look for a file behind the `=`."""

    def format_completion(self, item: CompletionItem) -> str:
        return ":".join(f'"{_zsh_quoted(text)}"' for text in (str(item.value), item.help) if text)

    def complete(self) -> str:
        told = super().complete()
        return (
            f"compset -P '*='; {told}"
            if told == "_files" and _before(self.get_completion_args()[1])
            else told
        )


_ANSWERS = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish, "powershell": _PowerShell}


def register() -> None:
    """Let the program answer the shells of completions/."""
    for shell, answer in _ANSWERS.items():
        add_completion_class(answer, shell)
