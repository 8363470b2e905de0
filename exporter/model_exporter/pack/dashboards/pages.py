"""All pages by uid, and how a site's labels and addresses come into them."""

from collections.abc import Mapping
from typing import Final

from model_exporter.pack.dashboards import detail, drift, exporter_health, fleet, incidents, performance, quality
from model_exporter.pack.dashboards.dashboard import Dashboard
from model_exporter.pack.dashboards.links import page_links
from model_exporter.pack.dashboards.site import for_site
from model_exporter.pack.dashboards.style import Json
from model_exporter.pack.rules import Site

PAGES: Final[Mapping[str, Dashboard]] = {
    page.DASHBOARD.uid: page.DASHBOARD
    for page in (fleet, detail, drift, quality, performance, incidents, exporter_health)
}
"""Every page by uid, which is also the name of its file, in the order of the links between them."""


def render(page: Dashboard, site: Site | None = None) -> Json:
    """A page as Grafana keeps it.

    Args:
        page: one of `PAGES`.
        site: labels and addresses of where it is used; without it those of the committed files.
    """
    return for_site(page.render(page_links(page.uid)), site or Site())
