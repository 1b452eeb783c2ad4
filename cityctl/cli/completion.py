"""`cityctl completion SHELL`: the completion script of a shell; completions/ holds the same four files."""

from __future__ import annotations

from typing import Annotated

import typer

from cityctl.cli import names
from cityctl.cli.leaf import leaf
from cityctl.cli.run import Run
from cityctl.errors import ExitCode, UsageProblem, near

SHELLS = {"bash": "cityctl.bash", "zsh": "_cityctl", "fish": "cityctl.fish", "pwsh": "cityctl.ps1"}
"""Shell -> its file in completions/."""


_ZSH_REGISTERS = "\ncompdef _cityctl_completion cityctl\n"
# zsh loads the file from fpath at the first TAB, as the body of `_cityctl`: it has to answer that TAB as well.
_ZSH_COMPLETES = """
if [ "$funcstack[1]" = "_cityctl" ]; then
  _cityctl_completion
fi
compdef _cityctl_completion cityctl
"""


def script(shell: str) -> str:
    """A shell's completion script. Raises UsageProblem for an unknown shell."""
    from typer._completion_shared import get_completion_script

    if shell not in SHELLS:
        match = near(shell, SHELLS) or ("pwsh" if shell.lower().startswith("power") else None)
        hint = f"did you mean `{match}`?" if match else f"one of: {', '.join(SHELLS)}"
        raise UsageProblem(f"no completion for `{shell}`", hint=hint)
    text = get_completion_script(prog_name="cityctl", complete_var="_CITYCTL_COMPLETE", shell=shell)
    text = text.strip() + "\n"  # zsh wants #compdef on line 1
    return text.replace(_ZSH_REGISTERS, _ZSH_COMPLETES)


def register(app: typer.Typer) -> None:
    """Add `completion` to the root."""

    @leaf(app, example="cityctl completion bash > ~/.local/share/bash-completion/completions/cityctl")
    def completion(
        run: Run,
        shell: Annotated[
            str, typer.Argument(help="bash, zsh, fish or pwsh.", autocompletion=names.words(*SHELLS))
        ],
    ) -> ExitCode:
        """Print the completion script of a shell."""
        return run.show_text(script(shell), title=f"Completion for {shell}")
