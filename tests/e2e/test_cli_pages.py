"""Lists of all pages."""

from __future__ import annotations

from rum.operator.v1.operator_service_pb2 import ListErasuresRequest, ListErasuresResponse
from rum.v1.control_plane_service_pb2 import (
    GetAppMonitorDataRequest,
    GetAppMonitorDataResponse,
)
from rum_cli.pages import pages


def test_all_pages_of_an_operation_of_aws_are_read() -> None:
    following = {"": "second", "second": "third", "third": ""}

    def read(request: GetAppMonitorDataRequest) -> GetAppMonitorDataResponse:
        token = request.next_token
        return GetAppMonitorDataResponse(
            events=[f"{request.name} {token}"], next_token=following[token] or None
        )

    found = [[*page.events] for page in pages(read, GetAppMonitorDataRequest(name="shop"))]

    assert found == [["shop "], ["shop second"], ["shop third"]]


def test_all_pages_of_an_operation_for_operators_are_read() -> None:
    def read(request: ListErasuresRequest) -> ListErasuresResponse:
        token = request.page_token
        page = ListErasuresResponse(next_page_token="" if token else "last")
        page.erasures.add(erased_by=token)
        return page

    found = [page.erasures[0].erased_by for page in pages(read, ListErasuresRequest())]

    assert found == ["", "last"]
