"""Which store, and which of its points, a command means.

Knows city.yaml's points and the store's register.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from cityctl.city.model import City
from cityctl.city.project import Project
from cityctl.errors import StoreProblem, UsageProblem, listed, near
from cityctl.store.folder import NO_READINGS
from cityctl.store.store import Store


def opened(project: Project) -> Store:
    """The project's store. Raises StoreProblem where there is none, or no reading in it."""
    store = Store.open(project.store_folder, create=False)
    if store.span() is None and not store.holds_anything():
        store.close()
        raise StoreProblem(f"there are no readings yet in {project.store_folder}", hint=NO_READINGS)
    return store


def chosen(store: Store, city: City, words: Sequence[str]) -> list[str] | None:
    """The points that words such as `hafen_inflow` or `b0_*` name, once each; None where there are no words.

    Raises UsageProblem with the near match for a word that names none.
    """
    if not words:
        return None
    known = dict.fromkeys([*city.points(), *store.series()])
    found: dict[str, None] = {}
    for word in words:
        if word in known:
            found[word] = None
            continue
        matching = [name for name in known if fnmatchcase(name, word)]
        if not matching:
            match = near(word, known)
            hint = f"did you mean `{match}`?" if match else f"there are: {listed(known) or 'none'}"
            raise UsageProblem(f"no point `{word}` in city.yaml, and none in the store", hint=hint)
        found.update(dict.fromkeys(matching))
    return list(found)
