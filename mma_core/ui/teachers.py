"""The choice of a teacher beside which recipes are measured."""

import gradio as gr

from .. import builtin

FIRST_TEACHER = "multi"


def teacher_choice() -> gr.Dropdown:
    """Lay out the choice among the built-in teachers; it is hidden where there is one only."""
    known = builtin.names()
    first = FIRST_TEACHER if FIRST_TEACHER in known else next(iter(known), None)
    return gr.Dropdown(known, value=first, label="Teacher", visible=len(known) > 1, min_width=120)
