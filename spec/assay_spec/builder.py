"""From the content of a file to a typed op: families merged, every reference checked, each error with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any, Final, TypeVar

from assay_spec import keys
from assay_spec import signature as signatures
from assay_spec.documents import Document, SpecError, digest
from assay_spec.domains import CONSTRUCTORS
from assay_spec.expression import Expression, ExpressionError, UnknownFunction, is_size_name
from assay_spec.keys import Class, File, Function, Says
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
from assay_spec.typed import Mismatch, read
from assay_spec.vocabulary import DISTRIBUTIONS, VOCABULARY

T = TypeVar("T", bound=Says | Class | keys.Construct)

WORDS: Final = {**VOCABULARY, **CONSTRUCTORS}
RANDOM_WORDS: Final = {**VOCABULARY, **DISTRIBUTIONS}


@cache
def checked(document: Document) -> File:
    """Read what a file says; raise SpecError where it says what no file may say."""
    content = document.content
    if not isinstance(content, dict):
        raise document.error((), "a spec file is a mapping", "begin with `name:` or `family:`")
    if not {"name", "family"} & set(content):
        raise document.error((), "neither name nor family", "begin with `name:` or `family:`")
    try:
        found: File = read(keys.kind_of_file(content), content)
    except Mismatch as mismatch:
        raise document.error(mismatch.path, mismatch.message, mismatch.hint) from None
    return found


def build_op(document: Document, families: Mapping[str, Document]) -> Op:
    """Build the op of one file."""
    own = checked(document)
    assert isinstance(own, (Function, Class))
    family = None
    if own.family is not None:
        if own.family not in families:
            raise document.error(("family",), f"no family {own.family!r}", suggestion(own.family, families))
        family = families[own.family]
        own = _filled(own, checked(family))
    builder = _Builder(document, family, own)
    return Op(
        name=own.name,
        area=own.area,
        summary=own.summary,
        family=own.family,
        aliases=own.aliases,
        editions=own.editions,
        documents=own.documents,
        errata=own.errata,
        rules=own.rules or {},
        equivalent={each.mutant: each.because for each in own.equivalent},
        overloads=tuple(builder.overloads()),
        scenarios=tuple(builder.scenarios()),
        file=document.file,
        content=builder.content,
        digest=digest(builder.content),
    )


def _filled(own: T, around: object) -> T:
    """Fill in what a part leaves out from what stands around it: a family, the op's top level, a method."""
    missing = [each.name for each in fields(own) if getattr(own, each.name) is None]
    return replace(own, **{name: getattr(around, name) for name in missing if hasattr(around, name)})


class _Builder:
    """Builds the typed parts of one file, and knows where each of them stands."""

    def __init__(self, document: Document, family: Document | None, says: Function | Class) -> None:
        self.document, self.family, self.says = document, family, says
        shared = family.content if family else {}
        self.content = {
            **{key: value for key, value in shared.items() if key not in ("family", "summary")},
            **document.content,
        }

    def _written(self, path: tuple[Any, ...]) -> tuple[Document, tuple[Any, ...]]:
        """Find where a part is written: in an overload, in what stands around it, or in the op's family."""
        if "overloads" in path[:-2]:
            at = path.index("overloads")
            own: Any = self.content
            for step in path[: at + 2]:
                own = own[step]
            if path[at + 2] not in own:
                path = (*path[:at], *path[at + 2 :])
        inherited = self.family is not None and bool(path) and path[0] not in self.document.content
        return (self.family if inherited and self.family else self.document), path

    def _error(self, path: tuple[Any, ...], message: str, hint: str = "") -> SpecError:
        document, path = self._written(path)
        return document.error(path, message, hint)

    def _line(self, path: tuple[Any, ...]) -> int:
        document, path = self._written(path)
        return document.line(*path)

    def overloads(self) -> Iterable[Overload]:
        if isinstance(self.says, Class):
            if self.says.construct is None:
                raise self._error((), "a class is constructed, which nothing describes", "add `construct:`")
            if self.says.methods is None:
                raise self._error((), "a class is called by its methods, which are missing", "add `methods:`")
            for name, method in self.says.methods.items():
                yield from self._ways(method, ("methods", name), name)
        elif self.says.signature or self.says.overloads:
            yield from self._ways(self.says, (), None)

    def _ways(self, says: Function | keys.Method, path: tuple[Any, ...], method: str | None) -> Iterable[Overload]:
        if says.overloads is None:
            yield self._overload(says, path, "", method)
            return
        for place, own in enumerate(says.overloads):
            label = own.label or str(place + 1)
            yield self._overload(_filled(own, says), (*path, "overloads", place), label, method, own.construct)

    def scenarios(self) -> Iterable[Scenario]:
        for place, each in enumerate(self.says.scenarios):
            if not each.expect and not each.raises:
                raise self._error(("scenarios", place), "a scenario that expects nothing", "add expect: or raises:")
            scenario = Scenario(**{**vars(each), "refused": None}, line=self._line(("scenarios", place)))
            if each.refused is None:
                yield scenario
            else:
                name = f"{scenario.name}, refused"
                yield replace(scenario, editions=("documented",))
                yield replace(scenario, name=name, expect={}, raises=each.refused, editions=("current",))

    def _overload(
        self,
        says: Says,
        path: tuple[Any, ...],
        label: str,
        method: str | None,
        otherwise: keys.Construct | None = None,
    ) -> Overload:
        if says.signature is None:
            raise self._error(path, "no signature", "add `signature:` here or at the top")
        construct = self._construct(otherwise or keys.Construct(), path) if method else None
        signature = self._signature(says.signature, (*path, "signature"))
        known = set(signature.names) | (self._constructed(construct) if construct else set())
        arguments = self._arguments(says.arguments, signature, known, (*path, "arguments"))
        let = self._expressions(says.let, known, (*path, "let"))
        known |= set(let)
        results, named = self._results(says.result, known, (*path, "result"))
        names = [rule.name for rule in results]
        self._names("shares", [says.shares] if says.shares else (), known, path)
        self._names("changes", says.changes or (), known, path)
        repeated = says if isinstance(says, keys.Repeated) else keys.Repeated()
        return Overload(
            label=label,
            method=method,
            construct=construct,
            signature=signature,
            variants=says.variants or (),
            arguments=arguments,
            let={**construct.let, **let} if construct else let,
            require=self._conditions(says.require, known, (*path, "require")),
            results=results,
            named=named,
            judge=self._budgets(says.judge or "exact", names, (*path, "judge")),
            laws=says.laws or (),
            undefined=says.undefined or (),
            gradient=self._gradients(says.gradient, names, known, (*path, "gradient")),
            random=self._random(says.random, known, (*path, "random")),
            shares=says.shares,
            out_dtype=says.out_dtype or "castable",
            shares_when=self._optional(says.shares_when, known, (*path, "shares_when")),
            changes=says.changes or (),
            changes_when=self._optional(says.changes_when, known, (*path, "changes_when")),
            special=self._special(says.special or (), arguments, signature, (*path, "special")),
            examples=self._examples(says.examples or (), signature, (*path, "examples"), construct),
            errors=self._errors(says.errors or (), signature, (*path, "errors"), construct, arguments),
            trail=self._trail(repeated.trail, known, (*path, "trail")),
            trajectories=repeated.trajectories or (),
        )

    def _construct(self, own: keys.Construct, path: tuple[Any, ...]) -> Construct:
        """Build how an instance is made: the class says it, an overload of a method may say some of it otherwise."""
        assert isinstance(self.says, Class)
        says, state = _filled(own, self.says.construct), self.says.state or keys.State()
        if says.signature is None:
            raise self._error(("construct",), "no signature", "add `signature:` here")

        def at(key: str) -> tuple[Any, ...]:
            return ("construct", key) if getattr(own, key) is None else (*path, "construct", key)

        signature = self._signature(says.signature, at("signature"))
        known = set(signature.names)
        arguments = self._arguments(says.arguments, signature, known, at("arguments"))
        let = self._expressions(says.let, known, at("let"))
        known |= set(let)
        return Construct(
            signature,
            arguments,
            let,
            self._conditions(says.require, known, at("require")),
            self._state(state.parameters, known, ("state", "parameters")),
            self._state(state.buffers, known, ("state", "buffers")),
            state.modes,
        )

    def _constructed(self, construct: Construct) -> set[str]:
        state = {rule.name for rule in (*construct.parameters, *construct.buffers)}
        return {*construct.signature.names, *construct.let, *state, "training"}

    def _state(self, rules: Mapping[str, keys.Held], known: set[str], path: tuple[Any, ...]) -> tuple[StateRule, ...]:
        return tuple(
            StateRule(
                name,
                self._expression(each.shape, known, (*path, name)),
                self._random(each.init, known, (*path, name)),
                self._optional(each.when, known, (*path, name)),
            )
            for name, each in rules.items()
        )

    def _names(self, key: str, names: Iterable[str], known: set[str], path: tuple[Any, ...]) -> None:
        for name in names:
            if name not in known:
                raise self._error((*path, key), f"{key} names {name!r}", suggestion(name, known))

    def _trail(self, source: str | None, known: set[str], path: tuple[Any, ...]) -> str | None:
        """Check what a trail looks at: a name of the construction, and whatever it has."""
        name = None if source is None else re.split(r"\W", source, maxsplit=1)[0]
        if name is not None and name not in known:
            raise self._error(path, f"trail names {name!r}", suggestion(name, known))
        return source

    def _signature(self, source: str, path: tuple[Any, ...]) -> Signature:
        try:
            return signatures.parse(source)
        except SignatureError as error:
            raise self._error(path, str(error), "write it as Python would: (input, dim=-1, *, out=None)") from None

    def _arguments(
        self, domains: Mapping[str, str] | None, signature: Signature, known: set[str], path: tuple[Any, ...]
    ) -> tuple[Argument, ...]:
        arguments = []
        for name, source in (domains or {}).items():
            expression = self._expression(source, known, (*path, name))
            arguments.append(Argument(name, expression, passed=name in signature))
            known.add(name)
        drawn = {argument.name for argument in arguments}
        for parameter in signature.parameters:
            if parameter.required and parameter.name not in drawn and parameter.kind != "options" and drawn:
                raise self._error(
                    path,
                    f"the signature requires {parameter.name!r}, which has no domain",
                    f"add `{parameter.name}:`",
                )
        return tuple(arguments)

    def _results(self, says: Any, known: set[str], path: tuple[Any, ...]) -> tuple[tuple[ResultRule, ...], bool]:
        if says is None:
            return (), False
        if not isinstance(says, dict):
            return (self._result("result", says, known, path),), False
        rules = []
        for name, each in says.items():
            rules.append(self._result(name, each, known, (*path, name)))
            known = known | {name}
        return tuple(rules), True

    def _result(self, name: str, says: Any, known: set[str], path: tuple[Any, ...]) -> ResultRule:
        if isinstance(says, keys.PlainResult):
            return ResultRule(name, "value", value=says.value)
        dtype = self._expression(says.dtype, known, (*path, "dtype"))
        if isinstance(says, keys.SequenceResult):
            return ResultRule(name, "sequence", self._expression(says.shapes, known, (*path, "shapes")), dtype)
        return ResultRule(name, "tensor", self._expression(says.shape, known, (*path, "shape")), dtype)

    def _budgets(self, says: Any, names: list[str], path: tuple[Any, ...]) -> dict[str, Budget]:
        if not isinstance(says, dict):
            return dict.fromkeys(names, _budget(says))
        for name in says:
            if name not in (*names, "gradient"):
                raise self._error((*path, name), f"judge names {name!r}", suggestion(name, names))
        for name in names:
            if name not in says:
                raise self._error(path, f"judge says nothing of {name!r}", f"add `{name}:`")
        return {name: _budget(each) for name, each in says.items()}

    def _gradients(
        self, says: Any, names: list[str], known: set[str], path: tuple[Any, ...]
    ) -> dict[str, tuple[str, ...]]:
        if not says:
            return {}
        if not names:
            raise self._error(path, "a gradient of no result", "add `result:`")
        pairs = says if isinstance(says, dict) else {names[0]: says}
        found = {name: (each,) if isinstance(each, str) else each for name, each in pairs.items()}
        for name, inputs in found.items():
            if name not in names:
                raise self._error(path, f"gradient names {name!r}, which is no result", suggestion(name, names))
            for each in inputs:
                if each not in known:
                    raise self._error(path, f"gradient names {each!r}", suggestion(each, known))
        return found

    def _special(
        self,
        rows: tuple[tuple[Any, ...], ...],
        arguments: tuple[Argument, ...],
        signature: Signature,
        path: tuple[Any, ...],
    ) -> tuple[tuple[Any, ...], ...]:
        passed = [each.name for each in arguments if each.passed]
        least = max((place + 1 for place, name in enumerate(passed) if signature[name].required), default=1)
        for place, row in enumerate(rows):
            if not least <= len(row) - 1 <= len(passed):
                raise self._error(
                    (*path, place),
                    f"a row of {len(row) - 1} inputs and a result",
                    f"write [{', '.join(passed)}, result]",
                )
        return rows

    def _examples(
        self, says: Iterable[Any], signature: Signature, path: tuple[Any, ...], construct: Construct | None
    ) -> tuple[Example, ...]:
        examples = []
        for place, each in enumerate(says):
            here = (*path, place)
            short = isinstance(each, tuple)
            example = Example(**{"call": each[0], "gives": each[1]} if short else vars(each), line=self._line(here))
            self._check_call(example.call, signature, here, construct)
            if example.shows is not None and example.shows not in (self.says.rules or {}):
                raise self._error(here, f"shows {example.shows!r}, which is no rule here", "number it under rules:")
            examples.append(example)
        return tuple(examples)

    def _errors(
        self,
        says: Iterable[Any],
        signature: Signature,
        path: tuple[Any, ...],
        construct: Construct | None,
        arguments: tuple[Argument, ...],
    ) -> tuple[Misuse, ...]:
        errors = []
        drawn = [each.name for each in (*arguments, *(construct.arguments if construct else ()))]
        for place, each in enumerate(says):
            here = (*path, place)
            misuse = Misuse(**vars(each), line=self._line(here))
            if misuse.call is not None:
                self._check_call(misuse.call, signature, here, construct)
            elif misuse.outside not in drawn:
                raise self._error(here, f"outside names {misuse.outside!r}", suggestion(str(misuse.outside), drawn))
            errors.append(misuse)
        return tuple(errors)

    def _check_call(
        self,
        call: Mapping[str, Any],
        signature: Signature,
        path: tuple[Any, ...],
        construct: Construct | None,
    ) -> None:
        known = [*signature.names, *([] if construct is None else sorted(self._constructed(construct)))]
        for name in call:
            if name not in known:
                raise self._error(path, f"the signature has no {name!r}", suggestion(name, known))
        made = () if construct is None else construct.signature.parameters
        for parameter in (*made, *signature.parameters):
            if parameter.required and parameter.kind != "many" and parameter.name not in call:
                raise self._error(
                    path, f"the call leaves out {parameter.name!r}, which has no default", f"add `{parameter.name}:`"
                )

    def _expressions(
        self, says: Mapping[str, Any] | None, known: set[str], path: tuple[Any, ...]
    ) -> dict[str, Expression]:
        found = {}
        for name, source in (says or {}).items():
            if name in WORDS or is_size_name(name):
                what = "a word of the vocabulary" if name in WORDS else "the name of a size"
                raise self._error((*path, name), f"let defines {name!r}, {what}", "give it another name")
            found[name] = self._expression(source, known, (*path, name))
            known = known | {name}
        return found

    def _conditions(self, says: Any, known: set[str], path: tuple[Any, ...]) -> tuple[Expression, ...]:
        return tuple(self._expression(each, known, path) for each in ([says] if isinstance(says, str) else says or ()))

    def _optional(self, source: Any, known: set[str], path: tuple[Any, ...]) -> Expression | None:
        return None if source is None else self._expression(source, known, path)

    def _random(self, source: Any, known: set[str], path: tuple[Any, ...]) -> Expression | None:
        return None if source is None else self._expression(source, known, path, RANDOM_WORDS)

    def _expression(
        self, source: Any, known: set[str], path: tuple[Any, ...], words: Mapping[str, Any] = WORDS
    ) -> Expression:
        try:
            expression = Expression(str(source), words)
        except UnknownFunction as error:
            raise self._error(path, str(error), suggestion(error.name, error.known)) from None
        except ExpressionError as error:
            raise self._error(path, str(error), "see the expressions in docs/spec-format.md") from None
        for name in sorted(expression.names):
            if name not in known and not is_size_name(name):
                raise self._error(path, f"unknown name {name!r}", suggestion(name, known, words))
        return expression


def _budget(says: Any) -> Budget:
    match says:
        case keys.Ulp(ulp=amount):
            return Budget("ulp", amount)
        case keys.Accumulation(accumulation=amount, absolute=absolute):
            return Budget("accumulation", amount, absolute)
        case keys.Conditioned(conditioned=amount, absolute=absolute):
            return Budget("conditioned", amount, absolute)
    return Budget(says)
