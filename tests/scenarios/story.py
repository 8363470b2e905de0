"""What came of a fault: incidents, what else was told, and when."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scenarios.capture import Tape, names_read
from scenarios.promtool import Sample, evaluate
from scenarios.sender import Subject
from scenarios.simulation import SCRAPE_SECONDS

ORDER: Final = (
    "identity",
    "traffic",
    "quality",
    "drift",
    "evidence",
    "performance",
    "slo",
    "symptoms",
    "incidents",
    "exporter",
    "alerts",
)
"""Files of rules, each after those that it reads."""
INCIDENTS: Final = 'ALERTS{alertname="ModelIncident",alertstate="firing"}'
SYMPTOMS: Final = 'model:symptom{level=~"page|ticket"}'
WARNINGS: Final = 'ALERTS{alertstate="firing",severity=~"warning|critical",alertname!~"ModelIncident.*|ModelWatchdog"}'
QUESTIONS: Final = (INCIDENTS, SYMPTOMS, WARNINGS)
GROUP_WAIT_SECONDS: Final = 30.0
"""How long Alertmanager waits before it notifies of a new group."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A series that was there without a gap.

    Attributes:
        labels: of the series.
        begin: seconds from the begin of the simulation.
        end: when it was last seen.
    """

    labels: Mapping[str, str]
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Story:
    """What was told of one model.

    Attributes:
        subject: the model.
        incidents: by labels.
        symptoms: the same, of level page and ticket.
        warnings: all other alerts that tell anybody.
    """

    subject: Subject
    incidents: Sequence[Episode]
    symptoms: Sequence[Episode]
    warnings: Sequence[Episode]

    @property
    def spells(self) -> list[tuple[float, float]]:
        """Begin and end of each incident, whatever its labels."""
        spells: list[tuple[float, float]] = []
        for one in sorted(self.incidents, key=lambda episode: episode.begin):
            if spells and one.begin <= spells[-1][1] + SCRAPE_SECONDS:
                spells[-1] = spells[-1][0], max(spells[-1][1], one.end)
            else:
                spells.append((one.begin, one.end))
        return spells

    def told(self, label: str) -> list[str]:
        """What the incidents said of `label`, each once, in order."""
        ordered = sorted(self.incidents, key=lambda episode: episode.begin)
        return list(dict.fromkeys(one.labels.get(label, "") for one in ordered))

    def first_symptoms(self) -> list[str]:
        """Symptoms with the minutes from the fault to each, in order."""
        starts = self.subject.fault.starts if self.subject.fault else 0.0
        ordered = sorted(self.symptoms, key=lambda episode: episode.begin)
        first: dict[str, float] = {}
        for one in ordered:
            name = f"{one.labels['category']}/{one.labels['signal']} {one.labels['level']}"
            first.setdefault(name, (one.begin - starts) / 60)
        return [f"{name} {minutes:+.0f} min" for name, minutes in first.items()]


def rule_files(folder: Path) -> list[Path]:
    """The files of the pack in `folder`, each after those that it reads."""
    return [folder / f"{name}.yml" for name in ORDER]


def metrics_read(folder: Path) -> frozenset[str]:
    """Every word in the rules of `folder`."""
    return names_read(rule_files(folder))


def tell(subjects: Sequence[Subject], tapes: Sequence[Tape], *, rules: Path, folder: Path) -> dict[str, Story]:
    """Evaluate the rules over what was scraped; what became of each of `subjects`, by name."""
    moments = [SCRAPE_SECONDS * number for number in range(1, tapes[0].scrapes)]
    series = (one for tape in tapes for one in tape.series([subject.name for subject in subjects]))
    answers = evaluate(rule_files(rules), series, dict.fromkeys(QUESTIONS, moments), folder=folder)
    found = {question: episodes(samples) for question, samples in answers.items()}

    def of(subject: Subject, question: str) -> list[Episode]:
        return [one for one in found[question] if one.labels.get("model", subject.name) == subject.name]

    return {one.name: Story(one, *(of(one, question) for question in QUESTIONS)) for one in subjects}


def episodes(samples: Iterable[Sample]) -> list[Episode]:
    """Stretches in which each series was there, of samples in order of time."""
    spans: defaultdict[frozenset[tuple[str, str]], list[list[float]]] = defaultdict(list)
    for sample in samples:
        own = spans[frozenset(sample.labels.items())]
        if own and sample.at - own[-1][1] <= SCRAPE_SECONDS:
            own[-1][1] = sample.at
        else:
            own.append([sample.at, sample.at])
    return [Episode(dict(labels), begin, end) for labels, own in spans.items() for begin, end in own]
