"""Where webMUSHRA's own front end hands in its sessions.

It counts a session as taken when the answer is 200 and empty, and it may stand on another server: any origin may post,
and read what became of it. Nothing of this site is given away, and no cookie is looked at.
"""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from listening.collecting import NotTaken, UnknownTest, collect
from listening.exchange import collect as exchange
from listening.exchange.errors import ExchangeError


@csrf_exempt
@require_http_methods(["POST", "OPTIONS"])
def collected(request: HttpRequest, test_id: str = "") -> HttpResponse:
    """200 and empty once the session is committed; otherwise one sentence that says why not."""
    if request.method == "OPTIONS":
        return _answer("", 204)
    try:
        submission = exchange.parse(request.body)
        if test_id and test_id != submission.test_id:
            raise UnknownTest(
                f"expected a session of {test_id!r}, found one of {submission.test_id!r}"
            )
        collect(submission)
    except RequestDataTooBig:
        return _answer("expected a session of some kilobytes, found one that is too long", 413)
    except UnknownTest as error:
        return _answer(str(error), 404)
    except (ExchangeError, NotTaken) as error:
        return _answer(str(error), 400)
    return _answer("", 200)


def _answer(text: str, status: int) -> HttpResponse:
    response = HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Headers"] = "Content-Type"
    return response
