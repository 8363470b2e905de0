"""The exporter's series about itself."""

import platform
from typing import Final

from model_exporter.expose import catalogue
from model_exporter.expose.catalogue import BY_NAME, CATALOGUE
from model_exporter.expose.metric import Labels
from model_exporter.expose.process import ProcessUsage
from model_exporter.expose.text import Lines, Prefixes
from model_exporter.telemetry import TelemetrySnapshot
from model_exporter.window.snapshot import Snapshot

_ZEROS: Final[dict[tuple[str, Labels], float]] = {
    (metric.name, labels): 0.0 for metric in CATALOGUE for labels in metric.zeros
}


class OwnWriter:
    """Writes the series of everything that is not about a model; `version` is the exporter's."""

    def __init__(self, version: str) -> None:
        self._build = version, platform.python_version()
        self._prefixes: Prefixes = {}

    def write(self, telemetry: TelemetrySnapshot, snapshot: Snapshot | None, process: ProcessUsage | None) -> Lines:
        """Lines of `telemetry`, of the size of `snapshot` and of what the `process` uses.

        Raises:
            LookupError: the telemetry has a name that is not in the catalogue.
            ValueError: it has label values in another number than the catalogue has labels.
        """
        values = _ZEROS | {(catalogue.BUILD_INFO.name, self._build): 1.0}
        if snapshot:
            values[catalogue.SERIES.name, ()] = snapshot.series
            values[catalogue.MODELS.name, ()] = len(snapshot.models)
            for model in snapshot.models:
                values[catalogue.MODEL_SERIES.name, (model.name,)] = model.series
                values[catalogue.MODEL_MEMORY.name, (model.name,)] = model.estimated_bytes
        if process:
            values[catalogue.PROCESS_CPU.name, ()] = process.cpu_seconds
            values[catalogue.PROCESS_RESIDENT.name, ()] = process.resident_bytes
            values[catalogue.PROCESS_VIRTUAL.name, ()] = process.virtual_bytes
            values[catalogue.PROCESS_OPEN_FDS.name, ()] = process.open_fds
            values[catalogue.PROCESS_MAX_FDS.name, ()] = process.max_fds
            values[catalogue.PROCESS_START.name, ()] = process.started_at
        values |= telemetry.counters
        values |= telemetry.gauges
        lines = Lines(self._prefixes)
        for (name, labels), value in sorted(values.items()):
            lines.sample(BY_NAME[name], labels, value)
        self._prefixes = lines.prefixes
        return lines
