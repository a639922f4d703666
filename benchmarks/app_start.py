"""How long the app takes to start and to draw all its charts: `python -m benchmarks.app_start`, in a fresh process."""

import json
import sys
import time
from dataclasses import replace


def main() -> None:
    """Import the app, lay it out, draw what each tab shows first, question by question; print the seconds as JSON."""
    began = time.perf_counter()
    from mma_core.charts import ALL_SETS, SPEEDUP
    from mma_core.charts.by_language import ALL_TYPES
    from mma_core.ui import build_app, compare, filters, insights, languages, questions, robustness
    from mma_core.ui.teachers import FIRST_TEACHER

    build_app()
    laid_out = time.perf_counter()
    compare.refresh(SPEEDUP.name, ALL_SETS, compare.BOTH, filters.ANY)
    for question in questions.QUESTIONS:
        asked, _ = questions.offered(replace(insights.START, question=question))
        questions.answer(asked).draw()
    languages.refresh(FIRST_TEACHER, languages.FIRST_RECIPE, languages.GOLD, ALL_TYPES)
    robustness.refresh(FIRST_TEACHER, robustness.FIRST_PERTURBATION, ALL_SETS)
    drawn = time.perf_counter()
    json.dump({"start": laid_out - began, "charts": drawn - laid_out}, sys.stdout)


if __name__ == "__main__":
    main()
