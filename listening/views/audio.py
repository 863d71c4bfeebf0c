"""Audio over HTTP, in pieces where a player asks for pieces (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.core.files.base import File
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from listening import access

CHUNK = 256 * 1024
ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@access.members
@require_safe
def signal(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """A signal by its hash; never shown to listeners, whom the hash would tell which stimuli are the same."""
    found = access.find_signal(request, sha256)
    return ranged(request, found.file.open("rb"), size=found.file.size)


def ranged(request: HttpRequest, file: File, *, size: int) -> HttpResponseBase:
    """Answer with the WAV `file` of `size` bytes: the whole (200), the one range asked for (206) or no such (416)."""
    wanted = wanted_range(request.headers.get("Range", ""), size)
    first, last = wanted or (0, size - 1)
    response: HttpResponseBase
    if first > last:
        file.close()
        response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    else:
        body = chunks(file, first, last)
        response = StreamingHttpResponse(
            body, status=206 if wanted else 200, content_type="audio/wav"
        )
        response["Content-Length"] = str(last - first + 1)
        if wanted:
            response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def wanted_range(header: str, size: int) -> tuple[int, int] | None:
    """The first and last byte that `header` asks for; None for the whole, first > last for what is not there."""
    match = ONE_RANGE.fullmatch(header.strip())
    if match is None or match.group() == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size - 1 if int(last) else -1
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last or size), size - 1)


def chunks(file: File, first: int, last: int) -> Iterator[bytes]:
    """Bytes `first` to `last` of `file`, which is closed afterwards."""
    with file:
        file.seek(first)
        left = last - first + 1
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
