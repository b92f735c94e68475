"""A labelling configuration of Label Studio, read for the labels that its choices answer."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from api.integrations.label_studio.meaning import NOTHING, Choice, meaning
from hate_speech_ai.labels import HATE_SPEECH

_MAX_LENGTH = 256 * 1024
_MAX_TAGS = 50
_MAX_CHOICES = 100
# Characters of all names and choices together. An answer has them again for each task.
_MAX_NAMES = 4_000
_MAX_SHOWN = 5


class ConfigError(Exception):
    """A configuration that this service cannot answer; the message says what would help."""


@dataclass(frozen=True)
class Question:
    """A `Choices` tag whose choices answer labels.

    Attributes:
        name: of the tag.
        to_name: of the text that it asks about.
        field: of a task's data where that text is; `text.body` is the field `body` of the field `text`.
        multiple: whether several choices can be made.
        choices: what each choice says, by its value as it stands in results.
    """

    name: str
    to_name: str
    field: str
    multiple: bool
    choices: dict[str, Choice]

    @property
    def labels(self) -> list[str]:
        """The labels that it asks for."""
        return list(dict.fromkeys(choice.label for choice in self.choices.values() if choice.label))

    def answers(self, chosen: Collection[str]) -> dict[str, bool]:
        """Return what an annotator who chose these says.

        Where several can be chosen, what is not chosen is a no. Where only one can, another choice is a no to
        `hate_speech`, which comes before all others, and leaves the rest open: who says "hate speech" does not say
        that it is no insult.

        Raises:
            ConfigError: there is no such choice.
        """
        if unknown := [value for value in chosen if value not in self.choices]:
            raise ConfigError(f"{self.name} has no choice {unknown[0][:80]!r}")
        made = [self.choices[value] for value in chosen]
        if not made or NOTHING in made:
            return {}
        answers = {label: False for label in self.labels if self.multiple or label == HATE_SPEECH}
        if any(choice == ("", False) for choice in made):
            answers = dict.fromkeys(self.labels, False)
        said = {choice.label: bool(choice.answer) for choice in made if choice.label}
        return answers | said

    def choose(self, probabilities: Mapping[str, float], thresholds: Mapping[str, float]) -> list[str]:
        """Return the choices that a model would make; none, where the answer is no and no choice says so."""
        yes = [label for label in self.labels if probabilities[label] >= thresholds[label]]
        if yes and not self.multiple:
            yes = [HATE_SPEECH] if HATE_SPEECH in yes else [max(yes, key=lambda label: probabilities[label])]
        chosen = [value for value, choice in self.choices.items() if choice.answer and choice.label in yes]
        if not chosen:
            no = [value for value, choice in self.choices.items() if choice.answer is False]
            chosen = [value for value in no if not yes or self.choices[value].label not in ("", *yes)]
            chosen = chosen if self.multiple else chosen[:1]
        return chosen


def read(config: str, known: Collection[str]) -> list[Question]:
    """Return the questions of a configuration that ask for labels, about the text that `hate_speech` is asked about.

    Args:
        config: XML, as a project has it.
        known: the labels that can be answered.

    Raises:
        ConfigError: it is not XML, does not ask for `hate_speech`, or has choices whose meaning is not clear.

    >>> [question] = read('''<View><Text name="text" value="$tweet"/><Choices name="q" toName="text">
    ...   <Choice value="Hate speech"/><Choice value="Not hate speech"/></Choices></View>''', ["hate_speech"])
    >>> question.answers(["Not hate speech"])
    {'hate_speech': False}
    """
    if len(config) > _MAX_LENGTH:
        raise ConfigError(
            f"The labelling configuration has {len(config):,} characters; at most {_MAX_LENGTH:,} are read."
        )
    try:
        root = fromstring(config, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ConfigError(f"The labelling configuration is not XML that can be read: {error}.") from None
    texts = {tag.get("name"): tag.get("value", "") for tag in root.iter("Text")}
    questions = []
    for tag, values in _asked(root):
        name, to_name = tag.get("name", ""), tag.get("toName", "")
        choices = {value: meaning(value, name, known) for value in values}
        labels = {choice.label for choice in choices.values() if choice and choice.label}
        if labels and to_name in texts and texts[to_name].startswith("$"):
            multiple = tag.get("choice") == "multiple"
            clear = {value: choice for value, choice in choices.items() if choice is not None}
            _refuse(name, (value for value in choices if value not in clear), known)
            questions.append(Question(name, to_name, texts[to_name][1:], multiple, clear))
    field = next((question.field for question in questions if HATE_SPEECH in question.labels), None)
    if field is None:
        raise ConfigError(
            "The labelling configuration does not ask for hate speech. It needs "
            '<Text name="text" value="$text"/> and <Choices name="label" toName="text"> with the choices '
            '<Choice value="Hate speech"/> and <Choice value="Not hate speech"/>, and others if you like: '
            f"{', '.join(known)}."
        )
    found = [question for question in questions if question.field == field]
    if sum(len(question.choices) for question in found) > _MAX_CHOICES:
        raise ConfigError(f"The labelling configuration has more than {_MAX_CHOICES} choices that name labels.")
    names = [(question.name, question.to_name, question.field, *question.choices) for question in found]
    if sum(len(name) for question in names for name in question) > _MAX_NAMES:
        raise ConfigError(f"The names and choices of the questions have more than {_MAX_NAMES:,} characters.")
    return found


def find_text(question: Question, data: Any) -> Any:
    """Return what a task has in the question's field; None where it has nothing.

    As Label Studio reads it: a field of the whole name goes before one in another.

    >>> find_text(Question("q", "text", "text.body", False, {}), {"text": {"body": "hello"}})
    'hello'
    """
    if isinstance(data, dict) and question.field in data:
        return data[question.field]
    for name in question.field.replace("[", ".").replace("]", "").split("."):
        if isinstance(data, dict):
            data = data.get(name)
        elif isinstance(data, list) and name.isascii() and name.isdigit() and len(name) < 6:
            data = data[int(name)] if int(name) < len(data) else None
        else:
            return None
    return data


def _asked(root: Element) -> Iterator[tuple[Element, list[str]]]:
    """Yield each `Choices` tag with its own choices, in their order: those of a tag inside it are that tag's.

    Every tag is looked at once, however deep it is.

    Raises:
        ConfigError: there are too many.
    """
    found: dict[int, tuple[Element, list[str]]] = {}
    open_tags: list[tuple[Element, Element | None]] = [(root, None)]
    while open_tags:
        tag, around = open_tags.pop()
        if tag.tag == "Choices":
            around = tag
            found[id(tag)] = (tag, [])
            if len(found) > _MAX_TAGS:
                raise ConfigError(f"The labelling configuration has more than {_MAX_TAGS} Choices tags.")
        elif tag.tag == "Choice" and around is not None and (value := tag.get("alias") or tag.get("value")):
            found[id(around)][1].append(value)
        open_tags += [(inner, around) for inner in reversed(tag)]
    return iter(found.values())


def _refuse(name: str, unclear: Iterable[str], known: Collection[str]) -> None:
    values = list(unclear)
    if values:
        shown = ", ".join(repr(value[:40]) for value in values[:_MAX_SHOWN])
        raise ConfigError(
            f"It is not clear what {shown} in {name[:40]!r} says. Name a label ({', '.join(known)}), "
            "the opposite of one (such as 'Not hate speech'), 'Neither' or 'Unsure'."
        )
