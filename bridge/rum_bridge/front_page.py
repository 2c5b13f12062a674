"""The answer at `/`: leads browsers to the page at `/ui/`, and tells others what runs here.

The text has the first commands for sending an event. It loads nothing else, not even from this
server, and runs no script.
"""

from __future__ import annotations

__all__ = ["front_page"]

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

_STYLE = (
    "body{max-width:44rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;"
    "color:#1c2733;background:#fff}"
    "pre{padding:.75rem;overflow-x:auto;background:#f2f4f7}"
    "@media(prefers-color-scheme:dark){body{color:#e3e8ee;background:#14191f}"
    "pre{background:#1f2730}a{color:#8ab8ff}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # The text shows the address of the request, so a shared cache must not keep it.
    "Cache-Control": "no-store",
}
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_UNKNOWN_HOST = "THIS-HOST"
# @URL@ is replaced, not formatted: the examples contain braces.
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>OpenRUM</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<h1>OpenRUM is running</h1>
<p>This server receives real user monitoring events. It speaks <code>PutRumEvents</code> of Amazon
CloudWatch RUM, so aws-rum-web, the AWS SDKs and the AWS CLI can send events here.
<a href="/readyz">Check whether events can be stored now.</a>
<a href="ui/">Look at what the events say.</a></p>
<h2>Send an event</h2>
<p>Run this on the server. It sends a sample event and prints the command that shows it:</p>
<pre>openrum send --sample</pre>
<p>In a web page, use aws-rum-web with the ID of your app monitor
(<code>openrum monitors list</code> prints it):</p>
<pre>import {{ AwsRum }} from 'aws-rum-web';

new AwsRum('YOUR-APP-MONITOR-ID', '1.0.0', 'us-east-1', {{
    endpoint: '@URL@',
    signing: false,
    allowCookies: true,
    telemetries: ['performance', 'errors', 'http'],
}});</pre>
<p><code>openrum help clients</code> prints the lines for other clients.</p>
<h2>Read more</h2>
<p>These files are in the source repository:</p>
<ul>
<li><code>docs/tutorial/first-hour.md</code>: from the first event to your own application</li>
<li><code>docs/reference/compatibility.md</code>: which clients work, with which settings</li>
<li><code>docs/how-to/secure.md</code>: who may send events</li>
</ul>
</body>
</html>
"""


def front_page(public_url: str) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint. Browsers are those who prefer HTML by name: curl and monitors do not.

    Args:
        public_url: The URL in the example. If it is empty, the address that the browser used.
    """

    async def page(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            # Relative: a proxy may serve the bridge under another path.
            return RedirectResponse("ui/", 303, {"Cache-Control": "no-store", "Vary": "Accept"})
        url = escape(public_url or _address_of(request))
        return HTMLResponse(_PAGE.replace("@URL@", url), headers=_HEADERS)

    return page


def _address_of(request: Request) -> str:
    host = request.headers.get("host", "")
    return f"{request.url.scheme}://{host if _HOST.fullmatch(host) else _UNKNOWN_HOST}"
