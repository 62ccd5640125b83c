"""Reads ComfyUI's bodies: who submits a graph, under which name, and what it loads; which jobs are to be stopped. A
graph is an object of nodes: `{"4": {"class_type": ..., "inputs": {...}}, ...}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.names import file_name
from gateway.profiles.bodies import look
from gateway.profiles.webui_events import model_name

if TYPE_CHECKING:
    from gateway.profiles.bodies import Path
    from gateway.profiles.treatment import Asked

#: Nodes that load a network, and which of their inputs names it: whole checkpoints, and the bare ones of newer models.
_LOADERS = {
    "CheckpointLoaderSimple": "ckpt_name",
    "CheckpointLoader": "ckpt_name",
    "unCLIPCheckpointLoader": "ckpt_name",
    "ImageOnlyCheckpointLoader": "ckpt_name",
    "UNETLoader": "unet_name",
    "UnetLoaderGGUF": "unet_name",
}

#: Nodes that read a file which was sent to the pod, and which of their inputs names it.
_FILE_LOADERS = {
    "LoadImage": "image",
    "LoadImageMask": "image",
    "LoadImageOutput": "image",
    "LoadAudio": "audio",
    "LoadVideo": "file",
    "VHS_LoadVideo": "video",
    "VHS_LoadAudioUpload": "audio",
}

_NAMING = frozenset((*_LOADERS.values(), *_FILE_LOADERS.values()))

_LONGEST_ID = 128


@dataclass(frozen=True, slots=True)
class PromptFacts:
    """Facts of a submitted graph."""

    client: str | None  # the name its page's websocket has
    prompt_id: str | None  # newer clients choose it
    model: str | None  # the first that is loaded, in the order of the graph
    files: tuple[str, ...] = ()  # of the pod's own that it loads, by `names.file_name`


def prompt_facts(asked: Asked) -> PromptFacts:
    """Facts of the body of `POST /prompt`."""
    found = look(asked.body, _is_of_prompt, 4, whole=asked.whole)
    classes = {path[1]: kind for path, kind in found.values.items() if len(path) == 3 and isinstance(kind, str)}
    names = (found.text("prompt", node, "inputs", _LOADERS[kind]) for node, kind in classes.items() if kind in _LOADERS)
    return PromptFacts(
        client=_id(found.text("client_id")),
        prompt_id=_id(found.text("prompt_id")),
        model=next((model for name in names if (model := model_name(name))), None),
        files=tuple(
            file
            for node, kind in classes.items()
            if kind in _FILE_LOADERS
            for given in (found.text("prompt", node, "inputs", _FILE_LOADERS[kind]),)
            if given and (file := _loaded_file(given))
        ),
    )


def listed_jobs(asked: Asked) -> tuple[str, ...]:
    """`POST /jobs/cancel`: the ids that its body lists, under whatever name."""
    found = look(asked.body, lambda path: len(path) == 2, 2, whole=asked.whole)
    return tuple(job for job in found.values.values() if isinstance(job, str) and _id(job))


def _loaded_file(given: str) -> str | None:
    """`folder/name.png [input]`, as a node that loads a picture has it. What stands in no brackets is an input."""
    path, _, kind = given.removesuffix("]").rpartition(" [") if given.endswith("]") else (given, "", "input")
    folder, _, name = path.rpartition("/")
    return file_name(name, folder, kind) if name else None


def interrupted(asked: Asked) -> tuple[str, ...]:
    """`POST /interrupt`: the prompt it names; none: whatever runs."""
    found = look(asked.body, lambda path: path == ("prompt_id",), 1, whole=asked.whole)
    named = _id(found.text("prompt_id"))
    return (named,) if named is not None else ()


def unqueued(asked: Asked) -> tuple[str, ...] | None:
    """`POST /queue`: those it deletes; none: all of the client's, as with `clear` or if it cannot be seen. None: it
    asks for nothing."""
    found = look(asked.body, _is_of_queue, 2, whole=asked.whole)
    if found.values.get(("clear",)) or not found.sure:
        return ()
    return tuple(job for job in found.values.values() if isinstance(job, str) and _id(job)) or None


def _is_of_queue(path: Path) -> bool:
    return path == ("clear",) or (len(path) == 2 and path[0] == "delete")


def _is_of_prompt(path: Path) -> bool:
    match path:
        case ("client_id",) | ("prompt_id",):
            return True
        case ("prompt", _, "class_type"):
            return True
        case ("prompt", _, "inputs", name):
            return name in _NAMING
    return False


def _id(given: str | None) -> str | None:
    return given if given and len(given) <= _LONGEST_ID else None
