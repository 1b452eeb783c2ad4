"""The words of a quality column as good, estimated, suspect or bad."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityctl import arrow
from cityctl.errors import UsageProblem, near
from cityctl.exports.table.cells import plain_name
from cityctl.reading import Quality

NO_READING = 255  # the source says that there is no reading, whatever stands in the cell
_NAMES = {"good": 0, "estimated": 1, "suspect": 2, "bad": 3, "missing": NO_READING}
_WORDS: dict[str, int] = {
    **dict.fromkeys(("", "a", "act", "actual", "r", "read", "measured", "ok", "good", "valid", "v", "validated",
                     "verified", "final", "approved", "true", "gut", "wahr", "real",
                     "w", "wahrer wert", "messwert", "målt", "mätt", "gemeten", "uitgelezen", "réel", "réelle",
                     "medido", "reale", "gemessen", "gemessener wert", "abgelesen", "gültig", "gevalideerd", "avlest",
                     "avläst", "aflæst", "mesuré", "mesurée", "medida", "leído", "misurato", "misurata", "letto",
                     "validé", "validée", "validado", "plausibel", "plausible", "confirmed", "normal",
                     "rzeczywisty", "rzeczywista", "rzeczywiste", "zmierzona", "naměřeno", "naměřená data",
                     "naměřená data ok", "consistido", "effettiva", "effettivo", "mitattu", "mért"), 0),
    **dict.fromkeys(("e", "est", "estimate", "estimated", "s", "sub", "substituted", "substitute", "interpolated",
                     "i", "forecast", "edited", "ersatzwert", "geschätzt", "provisional", "p",
                     "geschat", "estimé", "estimée", "estimado", "estimada", "beregnet", "beräknad", "estimert",
                     "stimato", "vorläufiger wert", "stimata", "berechnet", "interpoliert", "vorläufig", "ersatz",
                     "prognose", "prognosewert", "beräknat", "estimeret", "corrigé", "corrigée", "corrected",
                     "adjusted", "manual", "calculated", "computed", "filled", "imputed", "projected",
                     "szacowany", "szacowana", "szacowane", "odhad", "náhradní hodnota", "arvioitu", "becsült"), 1),
    **dict.fromkeys(("suspect", "questionable", "q", "uncertain", "doubtful", "unverified", "suspicious"), 2),
    **dict.fromkeys(("bad", "invalid", "failed", "fail", "error", "rejected", "ungültig", "falsch"), 3),
    **dict.fromkeys(("missing", "m", "null", "n", "no data", "nodata", "fehlt",
                     "saknas", "mangler", "geen verbruik", "ontbrekend", "manquant"), NO_READING),
}  # fmt: skip
# Quality bytes of OPC Data Access 3.0, 6.8: the upper two bits say bad, uncertain or good, the four below why, the
# last two whether a limit was reached. 216 is good by hand: somebody overrode the instrument.
_OPC = {str(code): Quality.BAD for code in range(64)} | {
    str(code): Quality.SUSPECT for code in range(64, 128)
}
_OPC |= {str(code): Quality.GOOD for code in range(192, 196)} | {
    str(code): Quality.SUSPECT for code in range(216, 220)
}
_OPC_GOOD = "192"  # means nothing else
# How much of a value of iFIX and Proficy Historian is good [%].
_PERCENT = {"0": Quality.BAD, "100": Quality.GOOD}
_YES = ("y", "yes", "true", "1", "ja", "oui", "si", "sí", "x")
_NO = ("n", "no", "false", "0", "nein", "nee", "non", "nej")
# What a column asks, by its name, and what the answers yes and no say of a reading.
_QUESTIONS = (
    (re.compile(r"estim|^est(?:flag)?$|substitut|ersatz|geschätzt"), Quality.ESTIMATED, Quality.GOOD),
    (re.compile(r"invalid|ungültig"), Quality.BAD, Quality.GOOD),
    (re.compile(r"valid|gültig"), Quality.GOOD, Quality.BAD),
)


def are_grades(cells: Sequence[str]) -> bool:
    """Whether all cells are words for how good a reading is, whatever their column is called."""
    said = {cell.strip().casefold() for cell in cells if cell.strip()}
    return len(said) > 1 and all(len(word) > 3 and word in _WORDS for word in said)


def are_codes(cells: Sequence[str]) -> bool:
    """Whether whole numbers are quality bytes of OPC, or shares of 0 and 100 %: they hold the one for good."""
    said = {cell.strip() for cell in cells if cell.strip()}
    return (said <= _OPC.keys() and _OPC_GOOD in said) or (said <= _PERCENT.keys() and "100" in said)


class QualityWords:
    """Reads a quality column; remembers the words that it does not know.

    A column that is called by a question, such as `Estimated`, is answered by yes and no.
    """

    def __init__(self, said: Mapping[str, str], column: str = "") -> None:
        self._words = dict(_WORDS)
        plain = plain_name(column)
        asked = next(((yes, no) for form, yes, no in _QUESTIONS if form.search(plain)), None)
        if asked is not None:
            self._words |= dict.fromkeys(_YES, asked[0]) | dict.fromkeys(_NO, asked[1])
        self._may_answer = asked is None and "n" not in {word.strip().casefold() for word in said}
        for word, name in said.items():
            if name not in _NAMES:
                match = near(name, _NAMES)
                raise UsageProblem(
                    f"`{name}` is no quality",
                    hint=f"did you mean `{match}`?" if match else f"one of: {', '.join(_NAMES)}",
                )
            self._words[word.strip().casefold()] = _NAMES[name]
        self.unknown: set[str] = set()

    def read(self, column: Any) -> npt.NDArray[np.uint8]:
        """The quality of each cell; unknown words make a reading suspect."""
        coded = column
        if not pa.types.is_dictionary(column.type):
            coded = pc.dictionary_encode(pc.cast(column, pa.string()))
        if self._may_answer and {str(text).strip().casefold() for text in coded.dictionary.to_pylist()} <= {
            "y",
            "n",
            "",
        }:
            self._words.pop("n", None)  # the answer no, to a question that is not known; else no reading
        said = {str(text).strip() for text in coded.dictionary.to_pylist() if text}
        if _OPC_GOOD in said:
            self._words = _OPC | self._words
        elif "100" in said and said <= _PERCENT.keys():
            self._words = _PERCENT | self._words
        known = [self._one(text) for text in coded.dictionary.to_pylist()]
        at = arrow.array_of(pc.fill_null(coded.indices, len(known)))
        graded: npt.NDArray[np.uint8] = np.array([*known, 0], np.uint8)[at]
        return graded

    def read_one(self, text: str) -> int:
        """The quality of one word."""
        return self._one(text)

    def _one(self, text: str) -> int:
        found = self._words.get(text.strip().casefold())
        if found is None:
            self.unknown.add(text.strip())
            return Quality.SUSPECT
        return found
