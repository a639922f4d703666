"""The errors that a user can cause and mend.

MMAError
├── RecipeError      a recipe that the grammar or a step refuses
├── DataError        text, CoNLL data or a language that cannot be used
└── ArtifactError    a checkpoint or artifact that is missing, damaged or not trusted

Each message names the thing at fault, its value, and what is accepted. The command line turns them into
exit status 2 and one line; the app into a notice.
"""


class MMAError(Exception):
    """Base of all errors that bad input or a bad environment causes."""


class RecipeError(MMAError):
    """A recipe or one of its steps is not legal."""


class DataError(MMAError):
    """Text, labelled data or a language code cannot be used."""


class ArtifactError(MMAError):
    """A checkpoint or an artifact is missing, damaged or not trusted."""
