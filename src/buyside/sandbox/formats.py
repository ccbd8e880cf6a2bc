"""The creative formats the seller takes, as named formats (3.0) and as format options (3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from buyside.sandbox import Doc

AGENT_URL = "https://creative.adcontextprotocol.org"


@dataclass(frozen=True)
class Format:
    id: str
    name: str
    kind: str
    needs: tuple[str, ...]
    """A creative must bring an asset of one of these types."""
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def ref(self) -> Doc:
        return {"agent_url": AGENT_URL, "id": self.id}

    def option(self) -> Doc:
        size = {"width": self.width, "height": self.height} if self.width else {}
        length = {"duration_ms_exact": self.duration_ms} if self.duration_ms else {}
        return {
            "format_option_id": self.id,
            "display_name": self.name,
            "format_kind": self.kind,
            "params": {**size, **length, **self.params},
            "v1_format_ref": [self.ref],
        }

    def doc(self) -> Doc:
        dimensions: Doc = (
            {"width": self.width, "height": self.height} if self.width else {"width": 1920, "height": 1080}
        )
        # One of several kinds is enough, so none of them alone is required; list_creative_formats knows no cards.
        assets = [
            {
                "item_type": "individual",
                "asset_id": f"{kind}_main",
                "asset_type": kind,
                "required": len(self.needs) == 1,
            }
            for kind in self.needs
            if kind != "card"
        ]
        return {
            "format_id": self.ref,
            "name": self.name,
            "renders": [{"role": "primary", "dimensions": dimensions}],
            "assets": assets,
            "canonical": {"kind": self.kind},
        }


FORMATS = {
    fmt.id: fmt
    for fmt in (
        Format("display_300x250_image", "Medium rectangle, image", "image", ("image",), 300, 250),
        Format("display_728x90_image", "Leaderboard, image", "image", ("image",), 728, 90),
        Format("display_970x250_image", "Billboard, image", "image", ("image",), 970, 250),
        Format("social_1080x1080_image", "Square post, image", "image", ("image",), 1080, 1080),
        Format("display_300x250_html", "Medium rectangle, HTML5", "html5", ("zip", "html", "url"), 300, 250),
        Format("display_300x250_tag", "Medium rectangle, tag", "display_tag", ("url", "javascript", "html"), 300, 250),
        Format("video_standard_15s", "Video, 15 seconds", "video_hosted", ("video",), duration_ms=15000),
        Format("video_standard_30s", "Video, 30 seconds", "video_hosted", ("video",), duration_ms=30000),
        Format("video_vast", "Video by VAST", "video_vast", ("vast", "url"), params={"vast_version": "4.2"}),
        Format("audio_standard_30s", "Audio, 30 seconds", "audio_hosted", ("audio",), duration_ms=30000),
        Format("audio_daast", "Audio by DAAST", "audio_daast", ("daast", "url"), params={"daast_version": "1.1"}),
        Format("native_standard", "Native in the feed", "native_in_feed", ("text", "image")),
        Format("image_carousel", "Carousel of images", "image_carousel", ("image", "card")),
        Format(
            "newsletter_text",
            "Paragraph that the publisher writes",
            "native_in_feed",
            ("text",),
            params={"asset_source": "seller_human_designed"},
        ),
    )
}


def known(ref: object) -> Format | None:
    """The format that a `format_id` names; None for another agent's, or an id or size that there is not."""
    if not isinstance(ref, dict) or str(ref.get("agent_url", "")).rstrip("/") != AGENT_URL:
        return None
    fmt = FORMATS.get(str(ref.get("id")))
    if fmt is None or (fmt.width and ref.get("width") not in (None, fmt.width)):
        return None
    return fmt if not fmt.height or ref.get("height") in (None, fmt.height) else None
