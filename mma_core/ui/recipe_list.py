"""Several recipes in one line of text."""

from ..errors import RecipeError
from ..recipe import Recipe, parse


def read_recipes(spelled: str) -> list[Recipe]:
    """Recipes separated by white space, the teacher before them.

    Raises:
        RecipeError: one is not legal, or there are none.
    """
    given = spelled.split()
    if not given:
        raise RecipeError("type one recipe or more with spaces between, for example: int8 layers:6+int8")
    recipes = [parse(text) for text in ["teacher", *given]]
    return list(dict.fromkeys(recipes))


def legal(spelled: str) -> bool:
    """Whether a recipe of a table can be asked for: it is none of an older grammar, and not the teacher."""
    try:
        return not parse(spelled).is_teacher
    except RecipeError:
        return False
