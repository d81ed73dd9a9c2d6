"""The page, and the addresses that its scripts ask: answers, further maps, layers, pictures and reports to take along."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, Response

from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.explanation.coloring import DEFAULT_ALPHA, DEFAULT_COLORMAP, Coloring
from pneumoscope.explanation.methods import Method
from pneumoscope.explanation.sheet import Style
from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.language import chosen_language, languages
from pneumoscope.web.page import rendered_page
from pneumoscope.web.page_answer import (
    Choices,
    PageModel,
    full_picture,
    page_answer,
    page_explanation,
)
from pneumoscope.web.page_layer import Layer, key_png, layer_png
from pneumoscope.web.page_report import report_html
from pneumoscope.web.page_sheet import sheet_png
from pneumoscope.web.page_values import page_values
from pneumoscope.web.service import Service
from pneumoscope.web.upload import small_json

PNG = "image/png"
CONTENT_NAME: Final = "X-Content-SHA256"
"""Tells which file was read: what lies at a URL may have changed since the first answer."""
VALUES: Final = "X-Values"
"""Tells what the numbers of a body mean."""

Answer = TypeVar("Answer")

ColorMap = Annotated[str, Field(max_length=60)]


class Chosen(BaseModel):
    """What the page's controls stand at, as the query of an address."""

    operating_point: str | None = None
    method: Method = Method.GRAD_CAM
    color_map: ColorMap = DEFAULT_COLORMAP
    alpha: float = DEFAULT_ALPHA
    style: Style = Style.OVERLAY
    language: str | None = None

    def choices(self, predictor: Predictor) -> Choices:
        """Checked against the bundle; `UnusableOption` says what there is to choose from."""
        card = predictor.bundle.card
        return Choices(
            operating_point=card.operating_point(self.operating_point or predictor.operating_point.name),
            method=self.method,
            coloring=Coloring(scale_logit=card.saliency.scale_logit, colormap=self.color_map, alpha=self.alpha),
            style=self.style,
        )


def page_router(service: Service) -> APIRouter:
    """All addresses of the page. None of them keeps anything of a radiograph."""
    router = APIRouter(include_in_schema=False)
    model = PageModel(service.model, service.cases, budget_seconds=service.settings.explaining_seconds)
    _show(router, service, model)
    _answer(router, service, model)
    _draw(router, service)
    _take_along(router, service, model)
    return router


def _show(router: APIRouter, service: Service, model: PageModel) -> None:
    pages = {code: rendered_page(model, service.settings, language) for code, language in languages().items()}

    @router.get("/")
    def show_page(language: str | None = None, accept_language: Annotated[str | None, Header()] = None) -> HTMLResponse:
        code = chosen_language(language, accept_language).code
        return HTMLResponse(pages[code], headers={"Content-Language": code, "Vary": "Accept-Language"})


def _answer(router: APIRouter, service: Service, model: PageModel) -> None:
    @router.post("/page/prediction")
    async def predict_for_page(
        request: Request, accept_language: Annotated[str | None, Header()] = None
    ) -> dict[str, Any]:
        words = chosen_language(None, accept_language)
        answer = await service.answered(request, lambda data: page_answer(data, model, words))
        service.metrics.count_prediction(Decision(answer["result"]["decision"]))
        return answer

    @router.post("/page/map")
    async def map_for_page(request: Request, response: Response, method: Method) -> dict[str, Any]:
        found, named = await _named(service, request, lambda data: page_explanation(data, model, method))
        response.headers.update(named)
        return found

    @router.post("/page/values")
    async def values_for_page(request: Request) -> Response:
        values, named = await _named(service, request, page_values)
        if values is None:
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=named)
        meaning = {**named, VALUES: values.meaning, "Content-Encoding": "gzip"}
        return Response(values.content, media_type="application/octet-stream", headers=meaning)

    @router.post("/page/radiograph.png")
    async def full_radiograph(request: Request) -> Response:
        picture, named = await _named(service, request, lambda data: full_picture(data, model))
        return Response(picture, media_type=PNG, headers=named)


def _draw(router: APIRouter, service: Service) -> None:
    scale_logit = service.scale_logit

    @router.get("/page/key.png")
    def show_key(color_map: ColorMap = DEFAULT_COLORMAP) -> Response:
        coloring = Coloring(scale_logit=scale_logit, colormap=color_map)
        return Response(key_png(coloring), media_type=PNG)

    @router.post("/page/layer.png")
    async def draw_layer(request: Request) -> Response:
        with service.workers.place():
            layer = await small_json(request, Layer)
            content = await service.run(lambda: layer_png(layer, scale_logit=scale_logit))
        return Response(content, media_type=PNG)


def _take_along(router: APIRouter, service: Service, model: PageModel) -> None:
    @router.post("/page/sheet.png")
    async def draw_sheet(request: Request, chosen: Annotated[Chosen, Query()]) -> Response:
        choices = chosen.choices(service.predictor)
        words = chosen_language(chosen.language, request.headers.get("accept-language"))
        sheet, named = await _named(service, request, lambda data: sheet_png(data, model, choices, words))
        return Response(sheet, media_type=PNG, headers=named)

    @router.post("/page/report.html")
    async def write_report(request: Request, chosen: Annotated[Chosen, Query()]) -> HTMLResponse:
        choices = chosen.choices(service.predictor)
        words = chosen_language(chosen.language, request.headers.get("accept-language"))
        made = datetime.now(UTC)
        report, named = await _named(service, request, lambda data: report_html(data, model, choices, words, made))
        return HTMLResponse(report, headers=named)


async def _named(service: Service, request: Request, work: Callable[[bytes], Answer]) -> tuple[Answer, dict[str, str]]:
    """What `work` makes of the radiograph of a request, with the header that names the file."""
    return await service.answered(request, lambda data: (work(data), {CONTENT_NAME: sha256(data).hexdigest()}))
