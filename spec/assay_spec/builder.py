"""From the content of a file to a typed op: families merged, every reference checked, each error with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from assay_spec import signature as signatures
from assay_spec.documents import Document, SpecError, digest
from assay_spec.domains import CONSTRUCTORS
from assay_spec.editions import EDITIONS
from assay_spec.expression import Expression, ExpressionError, UnknownFunction, is_size_name
from assay_spec.model import (
    Argument,
    Budget,
    Construct,
    Documented,
    Erratum,
    Example,
    Misuse,
    Op,
    Overload,
    ResultRule,
    Scenario,
    StateRule,
    Trajectory,
)
from assay_spec.signature import Signature, SignatureError
from assay_spec.suggestion import suggestion
from assay_spec.vocabulary import DISTRIBUTIONS, VOCABULARY

WORDS: Final = {**VOCABULARY, **CONSTRUCTORS}
RANDOM_WORDS: Final = {**VOCABULARY, **DISTRIBUTIONS}

# What an overload says for itself; what stands around it (a method, the op's top level, its family) fills in the rest.
OVERLOAD_KEYS: Final = (
    "signature", "variants", "returns", "let", "arguments", "require", "result", "judge", "laws", "undefined",
    "gradient", "out_dtype", "shares", "shares_when", "changes", "changes_when",
    "special", "examples", "errors", "random", "trail", "trajectories",
)  # fmt: skip


def build_op(document: Document, families: Mapping[str, Document]) -> Op:
    """Build the op of one file."""
    own = document.content
    family = own.get("family")
    if family is not None and family not in families:
        raise document.error(("family",), f"no family {family!r}", suggestion(family, families))
    shared = families[family].content if family else {}
    content = {**{key: value for key, value in shared.items() if key not in ("family", "summary")}, **own}
    builder = _Builder(document, content, families[family] if family else None)
    return Op(
        name=own["name"],
        area=content["area"],
        summary=own["summary"],
        family=family,
        aliases=tuple(content.get("aliases", ())),
        editions=tuple(content.get("editions", EDITIONS)),
        documents=tuple(Documented(**each) for each in content.get("documents", ())),
        errata=tuple(Erratum(**each) for each in content.get("errata", ())),
        rules=content.get("rules", {}),
        equivalent={each["mutant"]: each["because"] for each in content.get("equivalent", ())},
        overloads=tuple(builder.overloads()),
        scenarios=tuple(builder.scenarios()),
        file=document.file,
        content=content,
        digest=digest(content),
    )


class _Builder:
    """Builds the typed parts of one file, and knows where each of them stands."""

    def __init__(self, document: Document, content: Mapping[str, Any], family: Document | None) -> None:
        self.document, self.content, self.family = document, content, family

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
        if self.content.get("kind") == "class":
            if "construct" not in self.content:
                raise self._error((), "a class is constructed, which nothing describes", "add `construct:`")
            if "methods" not in self.content:
                raise self._error((), "a class is called by its methods, which are missing", "add `methods:`")
            for name, method in self.content["methods"].items():
                yield from self._ways(method, ("methods", name), name)
        elif "signature" in self.content or "overloads" in self.content:
            yield from self._ways(self.content, (), None)

    def _ways(self, content: Mapping[str, Any], path: tuple[Any, ...], method: str | None) -> Iterable[Overload]:
        if "overloads" not in content:
            yield self._overload(content, path, "", method)
            return
        common = {key: content[key] for key in OVERLOAD_KEYS if key in content}
        for place, own in enumerate(content["overloads"]):
            label = own.get("label", str(place + 1))
            yield self._overload({**common, **own}, (*path, "overloads", place), label, method)

    def scenarios(self) -> Iterable[Scenario]:
        for place, each in enumerate(self.content.get("scenarios", ())):
            if not each.get("expect") and not each.get("raises"):
                raise self._error(("scenarios", place), "a scenario that expects nothing", "add expect: or raises:")
            scenario = Scenario(
                each["name"],
                each["run"],
                each.get("expect", {}),
                each.get("raises"),
                tuple(each.get("needs", ())),
                each.get("documents"),
                each.get("shows"),
                tuple(each.get("editions", EDITIONS)),
                self._line(("scenarios", place)),
            )
            if "refused" in each:
                name, raises = f"{scenario.name}, refused", each["refused"]
                yield replace(scenario, editions=("documented",))
                yield replace(scenario, name=name, expect={}, raises=raises, editions=("current",))
            else:
                yield scenario

    def _overload(self, content: Mapping[str, Any], path: tuple[Any, ...], label: str, method: str | None) -> Overload:
        if "signature" not in content:
            raise self._error(path, "no signature", "add `signature:` here or at the top")
        construct = None if method is None else self._construct(content.get("construct", {}), path)
        signature = self._signature(content["signature"], (*path, "signature"))
        known = set(signature.names) | (set() if construct is None else self._constructed(construct))
        arguments = self._arguments(content.get("arguments", {}), signature, known, (*path, "arguments"))
        let = self._expressions(content.get("let", {}), known, (*path, "let"))
        known |= set(let)
        results, named = self._results(content, known, path)
        names = [rule.name for rule in results]
        for key in ("shares", "changes"):
            for name in [content[key]] if isinstance(content.get(key), str) else content.get(key, ()):
                if name not in known:
                    raise self._error((*path, key), f"{key} names {name!r}", suggestion(name, known))
        return Overload(
            label=label,
            method=method,
            construct=construct,
            signature=signature,
            variants=tuple(content.get("variants", ())),
            arguments=arguments,
            let={**construct.let, **let} if construct else let,
            require=self._conditions(content.get("require", ()), known, (*path, "require")),
            results=results,
            named=named,
            judge=self._budgets(content.get("judge", "exact"), names, path),
            laws=tuple(content.get("laws", ())),
            undefined=tuple(content.get("undefined", ())),
            gradient=self._gradients(content.get("gradient", ()), names, known, path),
            shares=content.get("shares"),
            out_dtype=content.get("out_dtype", "castable"),
            shares_when=self._optional(content.get("shares_when"), known, (*path, "shares_when")),
            changes=tuple(content.get("changes", ())),
            changes_when=self._optional(content.get("changes_when"), known, (*path, "changes_when")),
            special=self._special(content.get("special", ()), arguments, signature, path),
            examples=self._examples(content.get("examples", ()), signature, path, construct),
            errors=self._errors(content.get("errors", ()), signature, path, construct, arguments),
            random=self._random(content.get("random"), known, (*path, "random")),
            trail=self._trail(content.get("trail"), known, (*path, "trail")),
            trajectories=tuple(Trajectory(**each) for each in content.get("trajectories", ())),
        )

    def _construct(self, own: Mapping[str, Any], path: tuple[Any, ...]) -> Construct:
        """Build how an instance is made: the class says it, an overload of a method may say some of it otherwise."""
        content = {**self.content["construct"], **own}
        state = self.content.get("state", {})
        if "signature" not in content:
            raise self._error(("construct",), "no signature", "add `signature:` here")

        def at(key: str) -> tuple[Any, ...]:
            return (*path, "construct", key) if key in own else ("construct", key)

        signature = self._signature(content["signature"], at("signature"))
        known = set(signature.names)
        arguments = self._arguments(content.get("arguments", {}), signature, known, at("arguments"))
        let = self._expressions(content.get("let", {}), known, at("let"))
        known |= set(let)
        return Construct(
            signature,
            arguments,
            let,
            self._conditions(content.get("require", ()), known, at("require")),
            self._state(state.get("parameters", {}), known, ("state", "parameters")),
            self._state(state.get("buffers", {}), known, ("state", "buffers")),
            tuple(state.get("modes", (True,))),
        )

    def _constructed(self, construct: Construct) -> set[str]:
        state = {rule.name for rule in (*construct.parameters, *construct.buffers)}
        return {*construct.signature.names, *construct.let, *state, "training"}

    def _state(self, content: Mapping[str, Any], known: set[str], path: tuple[Any, ...]) -> tuple[StateRule, ...]:
        return tuple(
            StateRule(
                name,
                self._expression(each["shape"], known, (*path, name)),
                self._random(each.get("init"), known, (*path, name)),
                self._optional(each.get("when"), known, (*path, name)),
            )
            for name, each in content.items()
        )

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
        self, content: Mapping[str, Any], signature: Signature, known: set[str], path: tuple[Any, ...]
    ) -> tuple[Argument, ...]:
        arguments = []
        for name, source in content.items():
            expression = self._expression(source, known, (*path, name))
            arguments.append(Argument(name, expression, passed=name in signature))
            known.add(name)
        drawn = {argument.name for argument in arguments}
        for parameter in signature.parameters:
            if parameter.required and parameter.name not in drawn and parameter.kind != "options" and content:
                raise self._error(
                    path,
                    f"the signature requires {parameter.name!r}, which has no domain",
                    f"add `{parameter.name}:`",
                )
        return tuple(arguments)

    def _results(
        self, content: Mapping[str, Any], known: set[str], path: tuple[Any, ...]
    ) -> tuple[tuple[ResultRule, ...], bool]:
        rule = content.get("result")
        if rule is None:
            return (), False
        at = (*path, "result")
        if "returns" in content:
            names = content["returns"]
            missing = [name for name in names if name not in rule]
            if missing:
                raise self._error(at, f"returns names {missing[0]!r}, which result does not describe", "add it")
            unnamed = [name for name in rule if name not in names]
            if unnamed:
                raise self._error(
                    (*at, unnamed[0]), f"result describes {unnamed[0]!r}, which returns does not name", "name it"
                )
            rules = []
            for name in names:
                rules.append(self._result(name, rule[name], known, (*at, name)))
                known = known | {name}
            return tuple(rules), True
        return (self._result("result", rule, known, at),), False

    def _result(self, name: str, rule: Mapping[str, Any], known: set[str], path: tuple[Any, ...]) -> ResultRule:
        if "value" in rule:
            return ResultRule(name, "value", value=rule["value"])
        dtype = self._expression(rule["dtype"], known, (*path, "dtype"))
        if "shapes" in rule:
            return ResultRule(name, "sequence", self._expression(rule["shapes"], known, (*path, "shapes")), dtype)
        return ResultRule(name, "tensor", self._expression(rule["shape"], known, (*path, "shape")), dtype)

    def _budgets(self, judge: Any, names: list[str], path: tuple[Any, ...]) -> dict[str, Budget]:
        if isinstance(judge, dict) and set(judge) & {"ulp", "accumulation", "conditioned"}:
            absolute = judge.get("absolute", 0.0)
            ((kind, amount),) = ((key, value) for key, value in judge.items() if key != "absolute")
            return dict.fromkeys(names, Budget(kind, amount, absolute))
        if isinstance(judge, dict):
            for name in judge:
                if name not in (*names, "gradient"):
                    raise self._error((*path, "judge", name), f"judge names {name!r}", suggestion(name, names))
            for name in names:
                if name not in judge:
                    raise self._error((*path, "judge"), f"judge says nothing of {name!r}", f"add `{name}:`")
            return {name: next(iter(self._budgets(each, [name], path).values())) for name, each in judge.items()}
        return dict.fromkeys(names, Budget(judge))

    def _gradients(
        self,
        content: Any,
        names: list[str],
        known: set[str],
        path: tuple[Any, ...],
    ) -> dict[str, tuple[str, ...]]:
        if not content:
            return {}
        at = (*path, "gradient")
        if not names:
            raise self._error(at, "a gradient of no result", "add `result:`")
        pairs = content if isinstance(content, dict) else {names[0]: content}
        found = {name: (each,) if isinstance(each, str) else tuple(each) for name, each in pairs.items()}
        for name, inputs in found.items():
            if name not in names:
                raise self._error(at, f"gradient names {name!r}, which is no result", suggestion(name, names))
            for each in inputs:
                if each not in known:
                    raise self._error(at, f"gradient names {each!r}", suggestion(each, known))
        return found

    def _special(
        self, content: Iterable[Any], arguments: tuple[Argument, ...], signature: Signature, path: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], ...]:
        passed = [each.name for each in arguments if each.passed]
        least = max((place + 1 for place, name in enumerate(passed) if signature[name].required), default=0)
        for place, row in enumerate(content):
            if not least <= len(row) - 1 <= len(passed):
                raise self._error(
                    (*path, "special", place),
                    f"a row of {len(row) - 1} inputs and a result",
                    f"write [{', '.join(passed)}, result]",
                )
        return tuple(map(tuple, content))

    def _examples(
        self,
        content: Iterable[Any],
        signature: Signature,
        path: tuple[Any, ...],
        construct: Construct | None,
    ) -> tuple[Example, ...]:
        examples = []
        for place, each in enumerate(content):
            if isinstance(each, list):
                each = {"call": each[0], "gives": each[1]}
            here = (*path, "examples", place)
            self._check_call(each["call"], signature, here, construct)
            shows = each.get("shows")
            if shows is not None and shows not in self.content.get("rules", {}):
                raise self._error(here, f"shows {shows!r}, which is no rule here", "number it under rules:")
            examples.append(Example(**each, line=self._line(here)))
        return tuple(examples)

    def _errors(
        self,
        content: Iterable[Any],
        signature: Signature,
        path: tuple[Any, ...],
        construct: Construct | None,
        arguments: tuple[Argument, ...],
    ) -> tuple[Misuse, ...]:
        errors = []
        drawn = [each.name for each in (*arguments, *(construct.arguments if construct else ()))]
        for place, each in enumerate(content):
            here = (*path, "errors", place)
            if "call" in each:
                self._check_call(each["call"], signature, here, construct)
            elif each["outside"] not in drawn:
                raise self._error(here, f"outside names {each['outside']!r}", suggestion(each["outside"], drawn))
            errors.append(Misuse(**each, line=self._line(here)))
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

    def _expressions(self, content: Mapping[str, str], known: set[str], path: tuple[Any, ...]) -> dict[str, Expression]:
        found = {}
        for name, source in content.items():
            if name in WORDS or is_size_name(name):
                what = "a word of the vocabulary" if name in WORDS else "the name of a size"
                raise self._error((*path, name), f"let defines {name!r}, {what}", "give it another name")
            found[name] = self._expression(source, known, (*path, name))
            known = known | {name}
        return found

    def _conditions(self, content: Any, known: set[str], path: tuple[Any, ...]) -> tuple[Expression, ...]:
        return tuple(
            self._expression(each, known, path) for each in ([content] if isinstance(content, str) else content)
        )

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
