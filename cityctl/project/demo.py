"""`cityctl demo`: the whole way on a simulated city, with the functions that the commands call.

Switches the city on, makes its project, polls, pulls, reports, and holds what was found against what was
hidden. Knows no terminal: what it says and shows goes through what it is given.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cityctl.city.load import FILE_NAME as CITY_FILE
from cityctl.city.project import Project
from cityctl.console import Console
from cityctl.disk import write_atomic
from cityctl.errors import CityctlError, InputRefused, Unreachable, UsageProblem
from cityctl.project import skeleton
from cityctl.result import Column, Completeness, Missing, Result, Table
from cityctl.sim.city_text import project_files
from cityctl.sim.plant import DEVICES
from cityctl.sim.simulator import FILE_NAME, Installation, Simulator
from cityctl.sim.town.scenario import Scenario
from cityctl.sim.town.whole import Town
from cityctl.sim.truth import truth
from cityctl.sim.verdict import held_against, missed
from cityctl.wording import counted, grouped

FOLDER = Path("cityctl-demo")
PAGE = "report.html"
LEAKS, SAVINGS = ("leaks", "7d"), ("savings", "365d")  # reports and how far back they look
STEPS = 7
LIVE = (
    *("hafen-inlet/flow", "altstadt-inlet/volume_flow", "weststadt-inlet/flow", "nordstadt-inlet/flow_rate"),
    *("hafen-pressure/p1", "tank-level/ch0", "pump-1/power", "town-hall-meter/active_power"),
)  # what is shown of the last round, of eight models
ROUNDS, PAUSE = 3, 1.0  # of polling; seconds between two rounds
SCADA_DAYS = 400  # of the historian's 15-minute series; the meters go back to the first baseline
FRESH_DAYS = (
    2  # for so long a demo's folder can be shown again: its burst is among the last seven nights then
)


@dataclass
class Demo:
    """One demo: where, as of when, and how it speaks: `show` gets each result, the console each step.

    `project` is there from the second step on.
    """

    folder: Path
    now: datetime
    console: Console
    show: Callable[[Result], object]
    project: Project | None = field(default=None, init=False)
    _step: int = field(default=0, init=False)
    _begun: float = field(default_factory=time.monotonic, init=False)

    def run(self) -> Result:
        """Do all steps; the result holds what was found against what was hidden.

        It is incomplete where something that the demo promises was not found. Raises UsageProblem for a folder
        that holds something else, and a step's own error with the step's name in front.
        """
        kept = kept_installation(self.folder, self.now)
        with ExitStack() as running:
            with self._doing("switching the city on"):
                there = self._switched_on(kept, running)
            with self._doing("making the project"):
                project = self._project(there)
            with self._doing("polling"):
                self._poll(project)
            with self._doing("pulling"):
                self._pull(project, there.scenario)
            with self._doing("looking for leaks"):
                leaks = self._report(*LEAKS, project)
            with self._doing("looking for savings"):
                savings = self._report(*SAVINGS, project)
        sheet = self._answer_sheet(there.scenario, leaks, savings)
        with self._doing("writing the page"):
            page = self._page(project, [leaks, savings, sheet])
        sheet.tables.append(next_steps(self.folder))
        sheet.notes.append(f"{page} holds both reports with their plots; open it in a browser.")
        sheet.summary += f", {time.monotonic() - self._begun:.0f} s in all"
        return sheet

    @contextmanager
    def _doing(self, what: str) -> Iterator[None]:
        """One step; an error in it is told with its number and name."""
        self._step += 1
        self.console.detail(f"{self._step}/{STEPS}  {what} ...")
        try:
            yield
        except CityctlError as problem:
            said = f"step {self._step} of {STEPS}, {what}: {problem.message}"
            raise type(problem)(said, tried=problem.tried, hint=problem.hint) from problem

    def _done(self, text: str) -> None:
        self.console.note(f"{self._step}/{STEPS}  {text}")

    def _switched_on(self, kept: Installation | None, running: ExitStack) -> Installation:
        if kept is not None and kept.answers():
            self._done(f"The simulated city of {kept.scenario.day} answers already on {kept.host}")
            return kept
        simulator = Simulator(kept or Installation(Scenario.at(self.now)), begin=self.now)
        try:
            running.enter_context(simulator)
        except Unreachable as problem:
            hint = f"`cityctl demo --folder {_beside(self.folder, self.now)}` takes ports that are free"
            raise Unreachable(problem.message, tried=problem.tried, hint=hint) from None
        there = simulator.installation
        self._done(
            f"A simulated city answers: {len(DEVICES)} PLCs and meters, {len(there.urls)} export services"
        )
        return there

    def _project(self, there: Installation) -> Project:
        kept = (self.folder / CITY_FILE).exists()
        if not kept:
            text, others = project_files(there)
            skeleton.make(self.folder, text=text, extra={**others, FILE_NAME: there.text})
            if os.name != "nt":
                (self.folder / "secrets" / "greenbutton.key").chmod(0o600)
        project = self.project = Project(self.folder)
        city = project.city
        self._done(
            f"{self.folder / CITY_FILE} {'is kept' if kept else 'says what it is'}: "
            f"{counted(len(city.zones), 'zone')}, {counted(len(city.points()), 'point')}"
        )
        return project

    def _poll(self, project: Project) -> None:
        from cityctl.collect.poll import poll
        from cityctl.modbus.look import live

        with self.console.progress("polling", ROUNDS * len(project.city.devices)) as progress:
            for each in range(ROUNDS):
                time.sleep(PAUSE if each else 0.0)
                result = poll(project, on_answer=lambda answer: progress.advance(1, answer.target.device))
        _insist(result)
        self._done(f"Polled {ROUNDS} times: {result.summary} each time")
        self.show(live(project.city, project.library, LIVE))

    def _pull(self, project: Project, scenario: Scenario) -> None:
        from cityctl.collect.pull import pull

        first = scenario.history_start.astimezone(scenario.zone).date()
        scada = scenario.day - timedelta(days=SCADA_DAYS)
        received = 0
        again = (self.folder / PAGE).exists()  # a demo was shown here: go on where its pull ended
        for names, since in ((["weather", "greenbutton"], first), (["historian"], scada)):
            result = pull(
                project,
                names,
                since=None if again else since.isoformat(),
                now=self.now,
                console=self.console,
            )
            _insist(result)
            received += sum(int(str(count)) for count in result.tables[0].cells("received"))
            self.console.detail(f"     {', '.join(names)}: {result.summary}")
        back = "since the last demo" if again else f"back to {first}"
        self._done(f"Pulled the exports {back}: {grouped(received)} readings, each accounted for")

    def _report(self, name: str, last: str, project: Project) -> Result:
        from cityctl.report.run import run

        result = run(name, project, now=self.now, last=last)
        self._done(f"cityctl report run {name} --last {last} --project {self.folder}")
        self.show(result)
        return result

    def _answer_sheet(self, scenario: Scenario, leaks: Result, savings: Result) -> Result:
        told = truth(Town(scenario, self.now.timestamp), self.now)
        table = held_against(told, leaks, savings, scenario.zone)
        lost = missed(table)
        return Result(
            "What was hidden, and what was found",
            [table],
            completeness=Completeness(
                missing=[Missing(subject, f"{hidden}: not found") for subject, hidden in lost]
            ),
            summary=f"{len(table.rows) - len(lost)} of {len(table.rows)} told right",
        )

    def _page(self, project: Project, results: list[Result]) -> Path:
        from cityctl.report.render.as_html import html_page

        city = project.city
        intro = (
            "The city is simulated and its faults are hidden in it on purpose; `cityctl demo` made this page."
        )
        page = html_page(results, f"{city.name}: leaks and savings", zone=city.zone_info, intro=intro)
        path = self.folder / PAGE
        write_atomic(path, page.encode())
        self._done(f"{path} written")
        return path


def kept_installation(folder: Path, now: datetime) -> Installation | None:
    """The city of an earlier demo in this folder, or None where there was none.

    Raises UsageProblem where the folder is another project's, where its demo is too old to be shown again, or
    where the environment would have the readings stored elsewhere.
    """
    if elsewhere := os.environ.get("CITYCTL_STORE"):
        raise UsageProblem(
            f"CITYCTL_STORE is {elsewhere}: simulated readings would go into that store",
            hint="unset CITYCTL_STORE for the demo",
        )
    if not (folder / FILE_NAME).is_file():
        if (folder / CITY_FILE).exists():
            raise UsageProblem(
                f"{folder} is a project of its own; the demo does not touch it",
                hint=f"`cityctl demo --folder {_beside(folder, now)}`",
            )
        return None
    kept = Installation.read(folder / FILE_NAME)
    age = (Scenario.at(now).day - kept.scenario.day).days
    if not 0 <= age <= FRESH_DAYS:
        raise UsageProblem(
            f"{folder} holds the demo of {kept.scenario.day}: what is hidden in it is no longer new",
            hint=f"`cityctl demo --folder {_beside(folder, now)}`, or remove {folder}",
        )
    return kept


def _beside(folder: Path, now: datetime) -> Path:
    """Another folder next to one that cannot be used."""
    return folder.with_name(f"{folder.name or FOLDER.name}-{Scenario.at(now).day}")


def next_steps(folder: Path) -> Table:
    """What to try after the demo: commands that run as they stand, in this order."""
    where = shlex.quote(str(folder)) if os.name != "nt" else f'"{folder}"'
    rows: list[tuple[object, ...]] = [
        (f"cd {where}", "city.yaml to learn from, readings, reports"),
        ("cityctl sim serve", "in another terminal: the city answers again"),
        ("cityctl read hafen-inlet", "ask a PLC now"),
        ("cityctl poll && cityctl pull", "collect what is new"),
        ("cityctl data status", "what the store holds"),
        (f"cityctl report run {LEAKS[0]} --last 30d", "a longer look"),
        ("cityctl sim truth", "all that is hidden, a worn pump too"),
        ("cityctl init my-city", "begin with your own city"),
    ]
    columns = [
        Column("command", "Command", meaning="to be run as it stands", priority=1),
        Column("use", "What it does", priority=2),
    ]
    return Table("next", "Try next", columns, rows)


def _insist(result: Result) -> None:
    """Everything answers in a demo: what is missing is the step's failure."""
    for missing in result.completeness.missing:
        raise InputRefused(f"{missing.what}: {missing.why}", hint="run it again with -v")
