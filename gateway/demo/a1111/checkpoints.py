"""The models that a stand-in pretends to have. As the real one (1.10.1): the option and the weights in memory are two
things. A picture may override the option; afterwards only the option is the old one again, and the weights stay."""

from __future__ import annotations

#: As the real one lists them: a file, and the beginning of its hash.
TITLES = ("stand-in.safetensors [0000000000]", "a.safetensors [aaaaaaaaaa]", "b.safetensors [bbbbbbbbbb]")


def name_of(title: str) -> str:
    """Without its ending and its hash."""
    return title.partition(".")[0]


class Checkpoints:
    """One process's."""

    def __init__(self) -> None:
        self.option = self.loaded = TITLES[0]

    def find(self, name: object) -> str | None:
        """The title of a model by any of its names. None: there is no such model."""
        return next((title for title in TITLES if name in (title, title.partition(" ")[0], name_of(title))), None)

    def needed(self, override: object) -> str:
        """The title of the model that a picture is painted with. A name that is not known is dropped without a word."""
        return self.find(override) or self.option

    def listed(self) -> list[dict[str, str]]:
        """As `/sdapi/v1/sd-models` has it."""
        return [{"title": title, "model_name": name_of(title)} for title in TITLES]
