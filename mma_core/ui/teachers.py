"""The choice of a teacher beside which recipes are measured."""

import gradio as gr

from .. import builtin
from .wiring import first

FIRST_TEACHER = "multi"


def teacher_choice() -> gr.Dropdown:
    """Lay out the choice among the built-in teachers; it is hidden where there is one only."""
    known = builtin.names()
    chosen = first(None, known, otherwise=FIRST_TEACHER)
    return gr.Dropdown(known, value=chosen, label="Teacher", visible=len(known) > 1, min_width=120)
