"""The one place where the project's errors become notices of the app."""

import functools
import html
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import gradio as gr

from ..errors import MMAError, to_show

_P = ParamSpec("_P")
_R = TypeVar("_R")
_T = TypeVar("_T")


def notices(handler: Callable[_P, _R]) -> Callable[_P, _R]:
    """Turn a handler's error into a notice, unless it is a failure of ours; what the user typed stays as it is.

    Gradio renders a notice as HTML, and messages quote user input: they are escaped here.
    """

    @functools.wraps(handler)
    def noticed(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return handler(*args, **kwargs)
        except Exception as error:
            told = to_show(error)
            if told is None:
                raise
            raise gr.Error(html.escape(sentence(told)), title="Not done", print_exception=False) from error

    return noticed


def sentence(error: Exception) -> str:
    """An error's message with a capital first letter."""
    message = str(error)
    return message[:1].upper() + message[1:]


def laid_out(read: Callable[[], list[_T]]) -> list[_T]:
    """What a page is laid out with: nothing where it cannot be read, and the page's handlers will say why."""
    try:
        return read()
    except MMAError:
        return []
