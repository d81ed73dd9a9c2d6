"""What is said of one explained radiograph, in sentences: English, unless another language's words are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.methods import Explanation, Method
from pneumoscope.explanation.parts import EvidenceParts
from pneumoscope.explanation.sheet import Style
from pneumoscope.explanation.sheet_words import ENGLISH as ENGLISH_SHEET
from pneumoscope.explanation.sheet_words import SheetWords
from pneumoscope.inference.prediction import Prediction

METHOD_TITLES: Final = {
    Method.GRAD_CAM: "Grad-CAM",
    Method.GRAD_CAM_PLUS_PLUS: "Grad-CAM++",
    Method.HIRES_CAM: "HiResCAM",
    Method.LAYER_CAM: "LayerCAM",
    Method.OCCLUSION: "Occlusion sensitivity",
    Method.RISE: "RISE",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExplainedWords:
    """Sentences with {places} for values, and `sheet`, the words around them.

    `names` has what methods ("method_titles.rise"), their units ("units.rise"), decisions ("decisions.NORMAL"),
    operating points ("points.balanced") and labels ("labels.viral") are called; what is not in it keeps its English name.
    """

    title: str = (
        "Probability of pneumonia {probability} - {decision} at the operating point {point} (threshold {threshold})"
    )
    evidence: str = "Evidence for {speaks_for}, against {speaks_against}, bias {bias}: logit {logit}"
    lungs: str = "Right lung {right}, left lung {left}, outside {outside}, bias {bias}: logit {logit}"
    in_the_graph: str = "In the graph's map: {text}"
    trust: str = "The map: {text}"
    trust_in_the_graph: str = "The map in the graph: {text}"
    inside_lungs: str = "{share}% of the evidence for pneumonia inside the lungs"
    usual: str = "{text} (at least {least}% is usual)"
    agreement: str = "correlation with {method} {value}"
    method: str = "{method}: {unit}"
    equals: str = "{text}; the same map as {method} here"
    masks: str = "{text}; {masks} of {planned} masks"
    time_ran_out: str = "{text}, the time ran out"
    colors_end: str = "Colours end at {scale}, the same for every picture; {signs}."
    lines_beside: str = "Lines at the levels beside, the same for every picture; {signs}."
    both_signs: str = "above 0 speaks for, below 0 against"
    one_sign: str = "only what speaks for is drawn"
    sheet: SheetWords = ENGLISH_SHEET
    names: Mapping[str, str] = field(default_factory=dict)

    def call(self, kind: str, name: str, english: str | None = None) -> str:
        """What a name is called; else `english`, or the name itself."""
        return self.names.get(f"{kind}.{name}", english or name)


ENGLISH: Final = ExplainedWords()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExplainedSentences:
    """Of a bundle's answer and the map of a method; `prediction` and `parts` are None where there are none."""

    explanation: Explanation
    prediction: Prediction | None
    parts: EvidenceParts | None
    words: ExplainedWords = ENGLISH

    @property
    def answer(self) -> str | None:
        """Probability and decision."""
        if self.prediction is None:
            return None
        point = self.prediction.operating_point
        decision = str(self.prediction.decision)
        return self.words.title.format(
            probability=self._number(f"{self.prediction.probability:.3f}"),
            decision=self.words.call("decisions", decision),
            point=self.words.call("points", point.name),
            threshold=self._number(f"{point.threshold:.3f}"),
        )

    @property
    def sums(self) -> list[str]:
        """What adds up to the logit: for and against, then by place; both of the map in the graph."""
        found = []
        if self.parts:
            parts = self.parts
            found.append(
                self.words.evidence.format(
                    speaks_for=self._signed(parts.speaks_for),
                    speaks_against=self._signed(parts.speaks_against),
                    bias=self._signed(parts.bias),
                    logit=self._signed(parts.logit),
                )
            )
        lungs = self.prediction.lungs if self.prediction else None
        if lungs and lungs.evidence_logit:
            region = lungs.evidence_logit
            found.append(
                self.words.lungs.format(
                    right=self._signed(region.right_lung),
                    left=self._signed(region.left_lung),
                    outside=self._signed(region.outside),
                    bias=self._signed(region.bias),
                    logit=self._signed(region.right_lung + region.left_lung + region.outside + region.bias),
                )
            )
        return found if self._draws_the_graphs_map else [self.words.in_the_graph.format(text=text) for text in found]

    @property
    def trust(self) -> str | None:
        """What speaks for or against the map in the bundle's graph; None where nothing is known."""
        trust = self.prediction.map_trust if self.prediction else None
        told = []
        if trust and trust.heat_inside_lungs is not None:
            inside = self.words.inside_lungs.format(share=f"{100 * trust.heat_inside_lungs:.0f}")
            if trust.least_heat_inside is not None:
                inside = self.words.usual.format(text=inside, least=f"{100 * trust.least_heat_inside:.0f}")
            told.append(inside)
        if trust and trust.agreement is not None:
            method = self.words.call("method_titles", str(trust.agreement_with))
            told.append(self.words.agreement.format(method=method, value=self._signed(trust.agreement)))
        which = self.words.trust if self._draws_the_graphs_map else self.words.trust_in_the_graph
        return which.format(text="; ".join(told)) if told else None

    @property
    def method(self) -> str:
        """Method, unit, and what to know of it."""
        of, words = self.explanation, self.words
        line = words.method.format(method=self._title(of.method), unit=words.call("units", of.method, of.unit))
        if of.equals:
            line = words.equals.format(text=line, method=self._title(of.equals))
        if of.planned_masks:
            line = words.masks.format(text=line, masks=of.masks, planned=of.planned_masks)
            line = line if of.complete else words.time_ran_out.format(text=line)
        return line

    def key(self, coloring: Coloring, style: Style) -> str:
        """What colours or lines mean."""
        signs = self.words.both_signs if coloring.shows_both_signs else self.words.one_sign
        if style is Style.CONTOURS:
            return self.words.lines_beside.format(signs=signs)
        return self.words.colors_end.format(scale=self._number(f"{coloring.scale_logit:.3g}"), signs=signs)

    @property
    def _draws_the_graphs_map(self) -> bool:
        """Whether the map of the method is the one in the bundle's graph, which sums and trust are of."""
        return Method.GRAD_CAM in (self.explanation.method, self.explanation.equals)

    def _title(self, method: Method) -> str:
        return self.words.call("method_titles", method, METHOD_TITLES[method])

    def _number(self, text: str) -> str:
        return self.words.sheet.number(text)

    def _signed(self, value: float) -> str:
        return self._number(f"{round(value, 2) + 0.0:+.2f}")  # never "-0.00"
