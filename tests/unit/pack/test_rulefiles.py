from pathlib import Path

import pytest

import rule_files as samples
from model_exporter.errors import ConfigError
from model_exporter.pack.rulefiles import parse_rule_file

PATH = Path("rules/x.yml")


def test_places_are_those_of_the_source() -> None:
    """The text between a scalar's places is how the file spells it."""
    rule_text = '- record: "r"\n  expr: |\n    a\n    b\n  labels: {x: y}\n'
    text = samples.rule_file(samples.group(rule_text, "g"))
    ((group, rule),) = parse_rule_file(text, PATH).rules
    assert (group.name, rule.name, rule.line, dict(rule.labels)) == ("g", "r", 4, {"x": "y"})
    assert rule.expr.value == "a\nb\n"
    assert text[rule.expr.start : rule.expr.end].split() == ["|", "a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("groups: [", "rules/x.yml:1: is no YAML"),
        ("a: b\n", "rules/x.yml:1: has other keys than groups"),
        ("groups: {}\n", "rules/x.yml:1: groups: is no list"),
        ("groups:\n  - rules: []\n", "rules/x.yml:2: group: lacks name or rules"),
        ("groups:\n  - name: g\n    rules:\n      - record: a\n", "rules/x.yml:4: g: has a rule without"),
        ("groups:\n  - name: g\n    rules:\n      - {record: a, alert: b, expr: c}\n", "g: has a rule without"),
        ("groups:\n  - name: g\n    name: h\n    rules: []\n", "rules/x.yml:3: group: has name twice"),
        ("groups:\n  - name: g\n    rules:\n      - {record: a, expr: [c]}\n", "g.expr: is no text"),
        ("", "rules/x.yml: is no mapping"),
    ],
)
def test_mistakes_name_the_line(text: str, message: str) -> None:
    """What is no rule file is refused, with the place."""
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        parse_rule_file(text, PATH)
