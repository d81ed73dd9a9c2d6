"""What an evaluation was made of, as the report opens with it; keys that an older document lacks are said to be missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.report.chosen_here import chosen_here
from pneumoscope.report.words import counted, times

Document = Mapping[str, Any]

NOT_RECORDED: Final = "not recorded"
TEST: Final = "test"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The document with what a bundle adds to it.

    `openings` is how often this bundle's line opened the test split, None where that is not known or another split was
    evaluated; `opened` are the times that are known. `chosen_here` are the parts of the bundle that were chosen on these
    very radiographs; `scale_logit` is where the colours of overlays end, `training_data` what the card says of its data.
    """

    document: Document
    model: str
    default_point: str | None
    openings: int | None
    opened: tuple[str, ...]
    bundle_sha256: str | None
    chosen_here: tuple[str, ...] = ()
    scale_logit: float | None = None
    training_data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def part(self) -> str:
        """What was measured on, in words."""
        split = self.document.get("split")
        return f"the {split} split" if split else "the radiographs of a score table"

    @property
    def point(self) -> Mapping[str, Any] | None:
        """The operating point that stands for the system where only one can be told."""
        return self.document["operating_points"][self.default_point] if self.default_point else None


def evaluated(document: Document, bundle: Bundle | None) -> Evaluated:
    """The document, and of the bundle (where one is given) its default operating point, its hash and its openings."""
    names = list(document.get("operating_points") or {})
    wanted = bundle.card.default_operating_point if bundle else "balanced"
    identity = document.get("bundle") or {}
    model = " ".join(str(identity[key]) for key in ("name", "version") if identity.get(key))
    return Evaluated(
        document=document,
        model=model or (f"{bundle.card.name} {bundle.card.version}" if bundle else ""),
        default_point=wanted if wanted in names else next(iter(names), None),
        openings=openings_of(document, bundle),
        opened=opened_at(document, bundle),
        bundle_sha256=identity.get("sha256") or (bundle.sha256 if bundle else None),
        chosen_here=chosen_here(document, bundle.card if bundle else None),
        scale_logit=bundle.card.saliency.scale_logit if bundle else None,
        training_data=(bundle.card.provenance.get("training_data") or {}) if bundle else {},
    )


def openings_of(document: Document, bundle: Bundle | None) -> int | None:
    """As the document records it, or as the card does by now, which knows of those that came after."""
    if document.get("split") != TEST:
        return None
    recorded = (document.get("test_openings") or {}).get("recorded")
    known = [] if recorded is None else [int(recorded)]
    if bundle:
        known.append(len(bundle.card.provenance.get("test_openings", [])))
    return max(known, default=None)


def opened_at(document: Document, bundle: Bundle | None) -> tuple[str, ...]:
    """When, by the card; and the time of this evaluation where it is one that the card did not hold yet."""
    if document.get("split") != TEST or bundle is None:
        return ()
    times_known = [str(opening.get("opened")) for opening in bundle.card.provenance.get("test_openings", [])]
    if (document.get("test_openings") or {}).get("this_one"):
        times_known.append(str(document.get("made")))
    return tuple(dict.fromkeys(times_known))


def facts(subject: Evaluated) -> list[tuple[str, str]]:
    """(name, value) of everything that tells one evaluation from another."""
    document = subject.document
    interval = document.get("interval") or {}
    identity, data = document.get("bundle") or {}, document.get("data") or {}
    return [
        ("Model", subject.model or NOT_RECORDED),
        ("SHA-256 of the model", str(identity.get("model_sha256") or NOT_RECORDED)),
        ("SHA-256 of the bundle, when this was written", str(subject.bundle_sha256 or NOT_RECORDED)),
        ("SHA-256 of the manifest", str(data.get("manifest_sha256") or "no manifest was given")),
        *(
            [("SHA-256 of the list of radiographs", str(data["radiographs_sha256"]))]
            if data.get("radiographs_sha256")
            else []
        ),
        *([("SHA-256 of the scores", str(data["scores_sha256"]))] if data.get("scores_sha256") else []),
        *([("Data", f"folder {data['folder']}")] if data.get("folder") else []),
        ("Split", str(document.get("split") or NOT_RECORDED)),
        ("Radiographs", radiographs_in_words(document)),
        ("Evaluated", str(document.get("made") or NOT_RECORDED)),
        *([("Test split opened", openings_in_words(subject))] if document.get("split") == TEST else []),
        (
            "Intervals",
            (
                f"{100 * interval.get('level', 0.95):.0f} %, {interval.get('method', NOT_RECORDED)}, resampling "
                f"{interval.get('unit', NOT_RECORDED)}s, {interval.get('resamples', 0):,} resamples"
            ),
        ),
    ]


def radiographs_in_words(document: Document) -> str:
    """`624 radiographs of 428 patients: 390 with pneumonia, 234 without`."""
    found = document["with_finding"]
    return (
        f"{counted(document['radiographs'], 'radiograph')} {patients_in_words(document)}: "
        f"{found:,} with pneumonia, {document['radiographs'] - found:,} without"
    )


def patients_in_words(document: Document) -> str:
    """`of 428 patients`; who is whose is not known where radiographs were resampled."""
    if (document.get("interval") or {}).get("unit") == "radiograph":
        return "(patients unknown)"
    return f"of {counted(document['patients'], 'patient')}"


def openings_in_words(subject: Evaluated) -> str:
    """How often, and when."""
    if subject.openings is None:
        return NOT_RECORDED
    if not subject.openings:
        return "no opening is recorded in the card"
    when = f": {', '.join(subject.opened)}" if len(subject.opened) == subject.openings else ""
    return f"{times(subject.openings)} by this bundle's line, as its card records{when}"
