"""From the content of a file to a typed op: families merged, every reference checked, each error with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace
from itertools import product
from typing import Any, Final

from assay_spec import keys
from assay_spec import signature as signatures
from assay_spec.documents import Document, digest
from assay_spec.domains import CONSTRUCTORS
from assay_spec.expression import Expression, ExpressionError, UnknownFunction, is_size_name
from assay_spec.layers import Layer, Part, Path, checked, family_of, worded
from assay_spec.model import (
    Argument,
    Budget,
    Construct,
    Example,
    Misuse,
    Op,
    Overload,
    ResultRule,
    Scenario,
    StateRule,
)
from assay_spec.signature import Signature, SignatureError
from assay_spec.suggestion import suggestion
from assay_spec.vocabulary import DISTRIBUTIONS, VOCABULARY

WORDS: Final = {**VOCABULARY, **CONSTRUCTORS}
RANDOM_WORDS: Final = {**VOCABULARY, **DISTRIBUTIONS}

OUT_OF_RANGE: Final = "the dimension is out of range"  # true of every dimension: no file need say it

# What a module's call has in common with the function that it calls.
_OF_FUNCTIONS: Final = ("result", "judge", "laws", "undefined", "bugs", "gradient", "conventions", "random")


def build_op(document: Document, families: Mapping[str, Document], sources: Mapping[str, Document] | None = None) -> Op:
    """Build the op of one file, from the families and the files of other ops that it names."""
    own = Layer(document, (), checked(document))
    part = Part([own, *family_of(own, families)])
    builder = _Builder(families, sources or {}, part)
    overloads, scenarios = tuple(builder.overloads(part)), tuple(builder.scenarios(part))
    shown = {each.shows for way in overloads for each in way.examples} | {each.shows for each in scenarios}
    documents = {id(layer.document): layer.document for layer in (*part.layers, *builder.used)}
    return Op(
        name=own.says.name,
        area=own.says.area,
        summary=own.says.summary,
        family=own.says.family,
        aliases=own.says.aliases,
        editions=own.says.editions,
        rules=part.get("rules") or {number: rule for number, rule in builder.rules.items() if number in shown},
        equivalent={each.mutant: each.because for _, _, each in part.every("equivalent")},
        overloads=overloads,
        scenarios=scenarios,
        file=document.file,
        files=tuple(each.file for each in documents.values()),
        digest=digest([each.content for each in documents.values()]),
    )


class _Builder:
    """Builds the typed parts of one op."""

    def __init__(self, families: Mapping[str, Document], sources: Mapping[str, Document], part: Part) -> None:
        self.families, self.sources = families, sources
        self.used: list[Layer] = []  # of other files than the op's own and its family's
        self.function = self._function(part)
        self.rules: Mapping[str, str] = part.get("rules") or (self.function or part).get("rules", {})

    def scenarios(self, part: Part) -> Iterator[Scenario]:
        for layer, position, each in part.every("scenarios"):
            if not each.expect and not each.raises:
                raise layer.document.error(
                    ("scenarios", position), "a scenario that expects nothing", "add expect: or raises:"
                )
            line = layer.document.line("scenarios", position)
            scenario = Scenario(**{**vars(each), "refused": None}, line=line)
            if each.refused is None:
                yield scenario
            else:
                name = f"{scenario.name}, refused"
                yield replace(scenario, editions=("documented",))
                yield replace(scenario, name=name, expect={}, raises=each.refused, editions=("current",))

    def overloads(self, part: Part) -> Iterator[Overload]:
        if part.get("kind") == "class":
            if part.get("construct") is None and self.function is None:
                raise part.error((), "the class has no construction", "add `construct:`")
            if not part.named("methods"):
                raise part.error((), "the class has no methods", "add `methods:`")
            for name in part.named("methods"):
                for way, function, label in self._calls(part.inside("methods", name), name):
                    yield self._method(part, way, function, label, name)
        elif part.get("signature") or part.get("overloads"):
            for way, label in self._ways(part):
                yield self._overload(way, label)

    def _ways(self, part: Part) -> Iterator[tuple[Part, str]]:
        """Yield each overload with its label: what is said of it, then what is said of all of them."""
        forms: dict[str, list[Layer]] = {}
        for layer in reversed(part.layers):  # in the order of the family
            own_labels: set[str] = set()
            for at, each in enumerate(getattr(layer.says, "overloads", None) or ()):
                own = Layer(layer.document, (*layer.path, "overloads", at), each)
                family = self._also(family_of(own, self.families))
                label = each.label or str(at + 1)
                if label in own_labels:
                    raise own.document.error(own.path, f"the label {label!r} appears twice", "give each its own")
                own_labels.add(label)
                forms[label] = [own, *family, *forms.get(label, [])]
        for label, layers in forms.items():
            yield Part([*layers, *part.layers]), label
        if not forms:
            yield part, ""

    def _also(self, layers: list[Layer]) -> list[Layer]:
        self.used += layers
        return layers

    def _function(self, part: Part) -> Part | None:
        """Return what is said of the function that a module calls."""
        name = part.get("functional")
        if name is None:
            return None
        if name not in self.sources:
            raise part.error(("functional",), f"no function {name!r}", suggestion(name, self.sources))
        own = Layer(self.sources[name], (), checked(self.sources[name]))
        return Part(self._also([own, *family_of(own, self.families)]))

    def _calls(self, method: Part, name: str) -> Iterator[tuple[Part, Part | None, str]]:
        """Yield each overload of a method with its function's: a module has those of its function, and its own."""
        own = {label: way for way, label in self._ways(method)}
        if name != "forward" or self.function is None:
            yield from ((way, None, label) for label, way in own.items())
            return
        its = {label: way for way, label in self._ways(self.function)}
        for label in dict.fromkeys([*its, *own]):
            if label or own.keys() == its.keys():
                yield own.get(label, method), its.get(label, self.function), label

    def _method(self, whole: Part, way: Part, function: Part | None, label: str, name: str) -> Overload:
        """Build an overload of a method: how the instance is made and held, then what the method does."""
        made = Part(way.inside("construct").layers + whole.inside("construct").layers)
        if function is not None:
            made, way = self._functional(function, made, way)
        return self._overload(way, label, name, self._construct(made, whole.inside("state")))

    def _functional(self, function: Part, made: Part, way: Part) -> tuple[Part, Part]:
        """Fill in what a module has in common with the function that it calls."""
        takes = self._signature(function.get("signature"), function, ("signature",))
        given = self._signature(way.get("signature", "()"), way, ("signature",))
        kept = self._signature(made.get("signature") or takes.without(given.names), made, ("signature",))
        domains, unpassed = function.named("arguments"), set(function.named("arguments")) - set(takes.names)
        drawn = [
            {} if part.named("arguments") else {name: each for name, each in domains.items() if name in names}
            for part, names in ((made, {*kept.names}), (way, {*given.names, *unpassed}))
        ]
        document = function.layers[-1].document
        made = Part([*made.layers, Layer(document, (), keys.Construct(signature=kept.source, arguments=drawn[0]))])
        # A tensor that an instance holds is written by the module itself, if at all.
        held = {*kept.names} & domains.keys() - made.named("arguments").keys()
        said = {key: function.get(key) for key in _OF_FUNCTIONS}
        said["examples"] = _complete(function.get("examples", ()), held, kept, given) or None
        said["errors"] = _complete((each for _, _, each in function.every("errors")), held, kept, given)
        says = keys.Says(arguments=drawn[1], let=function.named("let"), **said)
        return made, Part([*way.layers, Layer(document, (), says)])

    def _overload(
        self, part: Part, label: str, method: str | None = None, construct: Construct | None = None
    ) -> Overload:
        if part.get("signature") is None:
            raise part.error((), "no signature", "add `signature:` here or at the top")
        signature = self._signature(part.get("signature"), part, ("signature",))
        known = set(signature.names) | (_constructed(construct) if construct else set())
        # A domain may name what is derived from the arguments before it.
        arguments = self._arguments(part, signature, known | set(part.named("let")))
        known |= {argument.name for argument in arguments}
        let = self._let(part, known)
        known |= set(let)
        results, named = self._results(part, known)
        names = [rule.name for rule in results]
        for key in ("shares", "changes"):
            for name in [part.get(key)] if isinstance(part.get(key), str) else part.get(key, ()):
                if name not in known:
                    raise part.error((key,), f"{key} names {name!r}", suggestion(name, known))
        return Overload(
            label=label,
            method=method,
            construct=construct,
            signature=signature,
            variants=part.get("variants", ()),
            arguments=arguments,
            let={**construct.let, **let} if construct else let,
            require=self._conditions(part, known),
            results=results,
            named=named,
            judge=self._budgets(part, names),
            laws=part.get("laws", ()),
            undefined=part.get("undefined", ()),
            bugs=part.get("bugs", ()),
            gradient=self._gradients(part, names, known),
            conventions=part.get("conventions", ()),
            random=self._optional(part, "random", known, RANDOM_WORDS),
            shares=part.get("shares"),
            out_dtype=part.get("out_dtype", "castable"),
            shares_when=self._optional(part, "shares_when", known),
            changes=part.get("changes", ()),
            changes_when=self._optional(part, "changes_when", known),
            special=self._special(part, arguments, signature),
            examples=self._examples(part, signature, construct),
            errors=self._errors(part, signature, construct, arguments),
            trail=self._trail(part, known),
            objective=part.get("objective"),
            trajectories=part.get("trajectories", ()),
        )

    def _construct(self, part: Part, state: Part) -> Construct:
        if part.get("signature") is None:
            raise part.error((), "no signature", "add `signature:` here")
        signature = self._signature(part.get("signature"), part, ("signature",))
        known = set(signature.names)
        arguments = self._arguments(part, signature, known)
        let = self._let(part, known)
        known |= set(let)
        return Construct(
            signature,
            arguments,
            let,
            self._conditions(part, known),
            tuple(self._held(state, "parameters", known)),
            tuple(self._held(state, "buffers", known)),
        )

    def _held(self, state: Part, key: str, known: set[str]) -> Iterator[StateRule]:
        """Yield the parameters or buffers, those after the others that are named anew for each layer or direction."""
        each = state.get("each", {})
        repeated = [dict(zip(each, values, strict=True)) for values in product(*each.values())] if each else []
        for words in ({}, *repeated):
            for name, rule in state.named(key).items():
                if ("{" in name) == bool(words):
                    at = state, (key, name)
                    when = rule.when
                    if words and state.get("each_when") is not None:
                        when = state.get("each_when") if when is None else f"({state.get('each_when')}) and {when}"
                    yield StateRule(
                        worded(name, words),
                        self._expression(rule.shape, known, at, {**WORDS, **words}),
                        self._maybe(rule.init, known, at, {**RANDOM_WORDS, **words}),
                        self._maybe(when, known, at, {**WORDS, **words}),
                    )

    def _trail(self, part: Part, known: set[str]) -> str | None:
        """Check what a trail looks at: a name of the construction, and whatever it has."""
        source: str | None = part.get("trail")
        name = None if source is None else re.split(r"\W", source, maxsplit=1)[0]
        if name is not None and name not in known:
            raise part.error(("trail",), f"trail names {name!r}", suggestion(name, known))
        return source

    def _signature(self, source: str, part: Part, path: Path) -> Signature:
        try:
            return signatures.parse(source)
        except SignatureError as error:
            raise part.error(path, str(error), "write it as Python would: (input, dim=-1, *, out=None)") from None

    def _arguments(self, part: Part, signature: Signature, known: set[str]) -> tuple[Argument, ...]:
        arguments = []
        for name, source in _sizes_first(part.named("arguments")).items():
            expression = self._expression(source, known, (part, ("arguments", name)))
            arguments.append(Argument(name, expression, passed=name in signature))
            known.add(name)
        drawn = {argument.name for argument in arguments}
        for parameter in signature.parameters:
            if parameter.required and parameter.name not in drawn and parameter.kind != "options" and drawn:
                raise part.error(
                    ("arguments",),
                    f"the signature requires {parameter.name!r}, which has no domain",
                    f"add `{parameter.name}:`",
                )
        return tuple(arguments)

    def _let(self, part: Part, known: set[str]) -> dict[str, Expression]:
        found: dict[str, Expression] = {}
        for name, source in part.named("let").items():
            if name in WORDS or is_size_name(name):
                what = "a word of the vocabulary" if name in WORDS else "the name of a size"
                raise part.error(("let", name), f"let defines {name!r}, {what}", "give it another name")
            found[name] = self._expression(source, known | set(found), (part, ("let", name)))
        return found

    def _conditions(self, part: Part, known: set[str]) -> tuple[Expression, ...]:
        found = part.get("require", ())
        sources = [found] if isinstance(found, str) else found
        return tuple(self._expression(each, known, (part, ("require",))) for each in sources)

    def _results(self, part: Part, known: set[str]) -> tuple[tuple[ResultRule, ...], bool]:
        found = part.get("result")
        if found is None:
            return (), False
        if not isinstance(found, dict):
            return (self._result("result", found, known, part, ("result",)),), False
        rules = []
        for name, each in found.items():
            rules.append(self._result(name, each, known, part, ("result", name)))
            known = known | {name}
        return tuple(rules), True

    def _result(self, name: str, says: Any, known: set[str], part: Part, path: Path) -> ResultRule:
        if isinstance(says, keys.PlainResult):
            return ResultRule(name, "value", value=says.value)
        dtype = self._expression(says.dtype, known, (part, (*path, "dtype")))
        if isinstance(says, keys.SequenceResult):
            return ResultRule(name, "sequence", self._expression(says.shapes, known, (part, (*path, "shapes"))), dtype)
        return ResultRule(name, "tensor", self._expression(says.shape, known, (part, (*path, "shape"))), dtype)

    def _budgets(self, part: Part, names: list[str]) -> dict[str, Budget]:
        found = part.get("judge", "exact")
        if not isinstance(found, dict):
            return dict.fromkeys(names, _budget(found))
        for name in found:
            if name not in (*names, "gradient"):
                raise part.error(("judge", name), f"judge names {name!r}", suggestion(name, names))
        for name in names:
            if name not in found:
                raise part.error(("judge",), f"judge says nothing of {name!r}", f"add `{name}:`")
        return {name: _budget(each) for name, each in found.items()}

    def _gradients(self, part: Part, names: list[str], known: set[str]) -> dict[str, tuple[str, ...]]:
        says, at = part.get("gradient"), ("gradient",)
        if not says:
            return {}
        if not names:
            raise part.error(at, "a gradient without a result", "add `result:`")
        pairs = says if isinstance(says, dict) else {names[0]: says}
        found = {name: (each,) if isinstance(each, str) else each for name, each in pairs.items()}
        for name, inputs in found.items():
            if name not in names:
                raise part.error(at, f"gradient names {name!r}, which is no result", suggestion(name, names))
            for each in inputs:
                if each not in known:
                    raise part.error(at, f"gradient names {each!r}", suggestion(each, known))
        return found

    def _special(
        self, part: Part, arguments: tuple[Argument, ...], signature: Signature
    ) -> tuple[tuple[Any, ...], ...]:
        rows: tuple[tuple[Any, ...], ...] = part.get("special", ())
        passed = [each.name for each in arguments if each.passed]
        least = max((position + 1 for position, name in enumerate(passed) if signature[name].required), default=1)
        for position, row in enumerate(rows):
            if not least <= len(row) - 1 <= len(passed):
                raise part.error(
                    ("special", position),
                    f"a row of {len(row) - 1} inputs and a result",
                    f"write [{', '.join(passed)}, result]",
                )
        return rows

    def _examples(self, part: Part, signature: Signature, construct: Construct | None) -> tuple[Example, ...]:
        examples = []
        for position, each in enumerate(part.get("examples", ())):
            at = ("examples", position)
            says = {"call": each[0], "gives": each[1]} if isinstance(each, tuple) else vars(each)
            example = Example(**says, line=part.line(*at))
            _check_call(part, at, example.call, signature, construct)
            if example.shows is not None and example.shows not in self.rules:
                raise part.error(at, f"shows {example.shows!r}, which is no rule here", "number it under rules:")
            examples.append(example)
        return tuple(examples)

    def _errors(
        self, part: Part, signature: Signature, construct: Construct | None, arguments: tuple[Argument, ...]
    ) -> tuple[Misuse, ...]:
        errors = []
        drawn = [each.name for each in (*arguments, *(construct.arguments if construct else ()))]
        passed = {*signature.names, *(_constructed(construct) if construct else ())}
        for layer, position, each in part.every("errors"):
            here, at = Part([layer]), ("errors", position)
            misuse = Misuse(**vars(each), line=here.line(*at))
            if misuse.call is not None:
                if "name" not in layer.document.content and not set(misuse.call) <= passed:
                    continue  # a family's, which does not hold for this member
                _check_call(here, at, misuse.call, signature, construct, runs=part.get("trail") is not None)
            elif misuse.out_of_range not in drawn:
                raise here.error(
                    at, f"out_of_range names {misuse.out_of_range!r}", suggestion(str(misuse.out_of_range), drawn)
                )
            errors.append(misuse)
        tried = {misuse.out_of_range for misuse in errors}
        for argument in arguments:
            if argument.name not in tried and any(kind.endswith("dim") for kind in argument.kinds):
                line = part.line("arguments", argument.name)
                errors.append(Misuse("IndexError", OUT_OF_RANGE, out_of_range=argument.name, line=line))
        return tuple(errors)

    def _optional(self, part: Part, key: str, known: set[str], words: Mapping[str, Any] = WORDS) -> Expression | None:
        return self._maybe(part.get(key), known, (part, (key,)), words)

    def _maybe(
        self, source: Any, known: set[str], at: tuple[Part, Path], words: Mapping[str, Any] = WORDS
    ) -> Expression | None:
        return None if source is None else self._expression(source, known, at, words)

    def _expression(
        self, source: Any, known: set[str], at: tuple[Part, Path], words: Mapping[str, Any] = WORDS
    ) -> Expression:
        part, path = at
        try:
            expression = Expression(str(source), words)
        except UnknownFunction as error:
            raise part.error(path, str(error), suggestion(error.name, error.known)) from None
        except ExpressionError as error:
            raise part.error(path, str(error), "see the expressions in docs/spec-format.md") from None
        for name in sorted(expression.names):
            if name not in known and not is_size_name(name):
                raise part.error(path, f"unknown name {name!r}", suggestion(name, known, words))
        return expression


def _sizes_first(domains: Mapping[str, str]) -> dict[str, str]:
    """Return domains in their order, but those of sizes before the tensors that have them."""
    found: dict[str, str] = {}
    sizes = list(filter(is_size_name, domains))
    for name, source in domains.items():
        used = [size for size in sizes if re.search(rf"\b{size}\b", str(source))]
        found |= {each: domains[each] for each in (*used, name) if each not in found}
    return found


def _complete(calls: Iterable[Any], held: Set[str], *signatures: Signature) -> tuple[Any, ...]:
    """Return those of a function's calls that name all that its module needs, and no more than it takes."""
    parameters = [each for signature in signatures for each in signature.parameters]
    required, names = {each.name for each in parameters if each.required}, {each.name for each in parameters} - held
    found = []
    for each in calls:
        call = each[0] if isinstance(each, tuple) else getattr(each, "call", None)
        if (call is None and each.out_of_range in names) or (call is not None and required <= set(call) <= names):
            found.append(each)
    return tuple(found)


def _constructed(construct: Construct) -> set[str]:
    state = {rule.name for rule in (*construct.parameters, *construct.buffers)}
    return {*construct.signature.names, *construct.let, *state, "training"}


def _check_call(
    part: Part,
    path: Path,
    call: Mapping[str, Any],
    signature: Signature,
    construct: Construct | None,
    *,
    runs: bool = False,
) -> None:
    known = [*signature.names, *([] if construct is None else sorted(_constructed(construct)))]
    for name in call:
        if name not in known:
            raise part.error(path, f"the signature has no {name!r}", suggestion(name, known))
    made = () if construct is None else construct.signature.parameters
    # What the call of a run leaves out is the plainest.
    for parameter in () if runs else (*made, *signature.parameters):
        if parameter.required and parameter.kind != "many" and parameter.name not in call:
            raise part.error(
                path, f"the call leaves out {parameter.name!r}, which has no default", f"add `{parameter.name}:`"
            )


def _budget(says: Any) -> Budget:
    match says:
        case keys.Ulp(ulp=amount):
            return Budget("ulp", amount)
        case keys.Accumulation(accumulation=amount, absolute=absolute):
            return Budget("accumulation", amount, absolute)
        case keys.Conditioned(conditioned=amount, absolute=absolute):
            return Budget("conditioned", amount, absolute)
    return Budget(says)
