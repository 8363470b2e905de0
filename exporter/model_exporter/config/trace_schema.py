"""What a configuration file may say about traces."""

from typing import Annotated

from msgspec import Meta

from model_exporter.config.keys import Keys
from model_exporter.config.paths import MAX_PATHS


class TraceKeys(Keys, frozen=True):
    """`traces`."""

    paths: Annotated[
        tuple[str, ...],
        Meta(
            description="Paths of requests for predictions, which also tell the model: `{model}` and `{version}` stand "
            "for a part between slashes, `*` for any part; a pattern matches whole parts anywhere in the path. They "
            "count whatever the method, and come before those built in for known servers.",
            max_length=MAX_PATHS,
            examples=[["/score/{model}/{version}"]],
        ),
    ] = ()
    other_paths: Annotated[
        bool,
        Meta(
            description="Whether a POST or PUT to any other path counts, for the model that its service hosts. Paths "
            "of probes never do."
        ),
    ] = True
