"""The data room of crossres: raw folders -> manifests -> pixel stores, protocols and twins.

Everything other rooms need is named here; the drawing of twins is loaded when first asked for.
"""

from typing import TYPE_CHECKING, Any

from datasets.cards import CARDS, Card, card
from datasets.draws import draw, ordered, pick
from datasets.errors import InputError
from datasets.fetch import Fetched, fetch_archive
from datasets.files import digest_of, replace_folder, write_atomically
from datasets.manifest import Manifest
from datasets.pixels import PixelStore, open_store
from datasets.places import default_cache
from datasets.protocols import PROTOCOLS, build_manifest, camera_sweep, gallery_rule
from datasets.readers import RawImage
from datasets.source import Raw, Source, open_admitted, open_raw
from datasets.verify import Verdict, verify_raw

if TYPE_CHECKING:
    from datasets.twins import draw_twin

__all__ = [
    "CARDS",
    "PROTOCOLS",
    "Card",
    "Fetched",
    "InputError",
    "Manifest",
    "PixelStore",
    "Raw",
    "RawImage",
    "Source",
    "Verdict",
    "build_manifest",
    "camera_sweep",
    "card",
    "default_cache",
    "digest_of",
    "draw",
    "draw_twin",
    "fetch_archive",
    "gallery_rule",
    "open_admitted",
    "open_raw",
    "open_store",
    "ordered",
    "pick",
    "replace_folder",
    "verify_raw",
    "write_atomically",
]


def __getattr__(name: str) -> Any:
    if name == "draw_twin":
        from datasets.twins import draw_twin

        return draw_twin
    raise AttributeError(f"module 'datasets' has no attribute {name!r}")
