"""An analysis' answer in the clothes of its recipe: title, columns, plots and words.

Figures and findings are never touched.
"""

from __future__ import annotations

from dataclasses import replace

from cityctl.report.recipe import Loaded, Words, unknown
from cityctl.report.render.heading import findings_table
from cityctl.result import Plot, Result, Table


def dress(result: Result, loaded: Loaded, *, parameters: str = "") -> Result:
    """The result as its recipe wants it shown; `parameters` is one line that says what was asked with.

    Raises ConfigInvalid with file:line:column for a table, column or plot that the answer does not have.
    """
    recipe = loaded.recipe
    return replace(
        result,
        title=recipe.title,
        tables=_tables(result.tables, loaded),
        plots=_plots(result.plots, loaded),
        notes=[
            *said_words(loaded.recipe.words),
            *result.notes,
            *([f"Parameters: {parameters}"] if parameters else []),
        ],
    )


def only_findings(result: Result) -> Result:
    """The findings alone, as rows: for cron, where no news is no output."""
    return replace(result, tables=[findings_table(result)], plots=[])


def said_words(words: Words) -> list[str]:
    """A recipe's words as notes: each begins with what it is."""
    notes = [f"About: {words.intro}"] if words.intro else []
    notes += [f"Method: {words.method}"] if words.method else []
    notes += [f"Source: {source}" for source in words.sources]
    return notes + [f"Limit: {limit}" for limit in words.limits]


def _tables(tables: list[Table], loaded: Loaded) -> list[Table]:
    most = loaded.recipe.rows
    chosen = _chosen(_of_columns(tables, loaded), loaded)
    return [replace(table, most=most[table.key]) if table.key in most else table for table in chosen]


def _chosen(tables: list[Table], loaded: Loaded) -> list[Table]:
    """The tables that the recipe names, in its order; one that an answer leaves out where it is empty is no error.

    Whether there is such a table at all, only its answer can tell: where it has none of the names, that is said.
    """
    chosen = loaded.recipe.tables
    if chosen is None or not tables:
        return tables
    known = {table.key: table for table in tables}
    if not known.keys() & set(chosen):
        raise unknown(loaded, ("tables", 0), "table", chosen[0], list(known))
    return [known[key] for key in chosen if key in known]


def _of_columns(tables: list[Table], loaded: Loaded) -> list[Table]:
    chosen = loaded.recipe.columns
    if chosen is None or not tables:
        return tables
    if isinstance(chosen, list):
        return [_with_columns(tables[0], chosen, loaded, ("columns",)), *tables[1:]]
    known = [table.key for table in tables]
    for key in chosen:
        if key not in known:
            raise unknown(loaded, ("columns", key), "table", key, known)
    return [
        _with_columns(table, chosen[table.key], loaded, ("columns", table.key))
        if table.key in chosen
        else table
        for table in tables
    ]


def _with_columns(table: Table, keys: list[str], loaded: Loaded, trail: tuple[str, ...]) -> Table:
    known = [column.key for column in table.columns]
    for at, key in enumerate(keys):
        if key not in known:
            raise unknown(loaded, (*trail, at), "column", key, known)
    places = [known.index(key) for key in keys]
    return replace(
        table,
        columns=[table.columns[place] for place in places],
        rows=[tuple(row[place] for place in places) for row in table.rows],
    )


def _plots(plots: list[Plot], loaded: Loaded) -> list[Plot]:
    """The plots that the recipe names; `inflow` also names `inflow:hafen`, one of several of its kind."""
    chosen = loaded.recipe.plots
    if chosen is None or not plots:
        return plots
    kinds = [plot.key.partition(":")[0] for plot in plots]
    known = list(dict.fromkeys([*kinds, *(plot.key for plot in plots)]))
    for at, key in enumerate(chosen):
        if key not in known:
            raise unknown(loaded, ("plots", at), "plot", key, known)
    return [plot for plot, kind in zip(plots, kinds, strict=True) if plot.key in chosen or kind in chosen]
