"""Routes of AUTOMATIC1111's web UI and its descendants that do not work: lists, the page's own, and those that nobody
may use through a gateway.

Below /sdapi what is not named is counted. Any other GET is the page's or an extension's: ControlNet's, ADetailer's,
Segment Anything's and the tagger's lists, image browsers, Forge's built-in ones. None that is widespread paints by a
GET.
"""

from __future__ import annotations

import re

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.gradio_files import fetches
from gateway.profiles.rules import rule

_SHUTDOWN = ("server-kill", "server-restart", "server-stop")
#: They show the command line, and with it the passwords of --gradio-auth and --api-auth.
_TELLING = ("/internal/sysinfo*", "/sdapi/v1/cmd-flags")

#: Files that no page needs. Gradio serves whatever is below the directory that the web UI was started in, and what is
#: below its --data-dir: settings with the tokens of extensions, SD.Next's secrets, the command line in a script or a
#: log, and what the web UI keeps about other people's files. A regular expression for a name, with or without
#: directories before it; to Windows `config.json.` and `config.json::$DATA` are the same.
_CLOSED = (
    r"(?:(?:(?:.*/)?\.{1,2}/)?cache/.*|(?:.*[/:])?(?:"
    r"(?:ui-)?config\.json|secrets\.json|cache\.(?:json|db)|webui-user\.|webui-macos-env\.|sdnext\.log|config_states/"
    r"|cache/(?:hashes|hashes-addnet|safetensors-metadata|extensions-git)/).*)"
)


def is_closed(file: str) -> bool:
    """A file that no page needs, by its name with or without directories."""
    return re.fullmatch(_CLOSED, file.replace("\\", "/").lower(), re.DOTALL) is not None


#: Asked again and again by every open page. They must not keep a pod alive, and are worth nothing without one.
_POLLED = (
    *("GET /sdapi/v1/memory", "GET /internal/ping", "GET /internal/pending-tasks", "GET /queue/status"),
    #: Asked by machines, of any site: no reason to start a pod.
    *("GET /robots.txt", "GET /sitemap.xml", "GET /.well-known/*", "GET /apple-touch-icon*"),
)

_API_LISTS = (
    *("samplers", "schedulers", "upscalers", "latent-upscale-modes", "sd-models", "sd-vae", "sd-modules"),
    *("hypernetworks", "face-restorers", "realesrgan-models", "prompt-styles", "embeddings", "loras"),
    *("scripts", "script-info", "extensions"),
)
_API_REFRESHES = ("refresh-checkpoints", "refresh-vae", "refresh-embeddings", "refresh-loras")

#: The page's, and those of extensions that draw or look something up without the GPU: the image browser's, the prompt
#: completion's.
_POSTS = (
    *("/upload", "/reset", "/login"),
    *("/controlnet/render_openpose_json", "/infinite_image_browsing/*", "/tacapi/*"),
)

LIGHT = (
    *(rule(f"* /sdapi/v1/{name}", Lane.DENIED) for name in _SHUTDOWN),
    *(rule(f"* {path}", Lane.DENIED) for path in _TELLING),
    *(rule(f"* {path}", Lane.DENIED, rest=_CLOSED) for path in ("/file=*", "/file/*")),
    *(rule(match, Lane.PASSIVE) for match in _POLLED),
    *(rule(f"GET /sdapi/v1/{name}", Lane.EXEMPT) for name in _API_LISTS),
    *(rule(f"POST /sdapi/v1/{name}", Lane.EXEMPT) for name in _API_REFRESHES),
    *(rule(f"POST {path}", Lane.EXEMPT) for path in _POSTS),
    fetches(),
    rule("POST /sdapi/v1/png-info", Lane.EXEMPT, repeatable=True),
    rule("OPTIONS /*", Lane.EXEMPT),  # a browser's question before a call from another site
)

#: Behind all others.
REST = (
    rule("GET /*", Lane.EXEMPT),
    rule("* /*", Lane.COUNTED, WhenBusy.WAIT, names_no_route=True),  # a page's calls speak of what its pod knows
)
