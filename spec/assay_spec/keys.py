"""What a spec file may say: every key, in the order in which files have them, with what it means."""

# No `from __future__ import annotations`: the annotations are read as they stand.

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from assay_spec.editions import EDITIONS, Edition
from assay_spec.typed import Named, Pattern, key

Variant = Literal["method", "operator", "in-place", "out"]
OutDtype = Literal["castable", "own", "any", "free"]
BudgetWord = Literal["exact", "accumulation", "conditioned", "law", "free"]
Plain = Literal["bool", "int", "float", "str", "list", "none", "shape", "any"]
Dtype = Literal[
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
    "complex128",
]  # fmt: skip
Need = Literal["files", "processes", "cpu", "cuda", "cuda:1", "numpy", "printing"]

OpName = Annotated[str, Pattern(r"^(torch(vision)?(\.[A-Za-z_]\w*)+|broadcasting)$", "write it as torch.nn.Linear")]
RuleName = Annotated[str, Pattern(r"^[RE][0-9]+$", "number it R1 or E1")]
Citation = Annotated[str, Pattern(r"^\w+:\d+(-\d+)?$", "write DOCUMENT:LINE or DOCUMENT:LINE-LINE")]
Lines = int | Annotated[str, Pattern(r"^\d+-\d+$", "write LINE or LINE-LINE")]
SignatureText = Annotated[str, Pattern(r"^\(.*\)$", "write it as Python would: (input, dim=-1, *, out=None)")]
Source = Annotated[Any, Named("Expression", lambda: str | float | bool)]  # `[]`, `1` and `input.shape[0]` alike
Value = Annotated[Any, Named("Value", lambda: bool | float | str | tuple[Value, ...] | Tensor | Slice | None, True)]
Call = dict[str, Value]
Names = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor, as the value of an argument."""

    tensor: Any = key("its elements, in nested lists; a complex one is written `'1+2j'`")
    dtype: Dtype | None = key("its dtype, if it is not the one that PyTorch infers", None)
    shape: tuple[int, ...] | None = key("its shape, if the lists don't say it: `[0, 3]`", None)
    requires_grad: bool = key("whether it requires a gradient", False)


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A slice, as a part of an index."""

    slice: tuple[int | None, ...] = key("start, stop and step, as Python's `slice` takes them")


@dataclass(frozen=True, kw_only=True)
class Equivalent:
    """A mutant of `assay mutants` that cannot be killed."""

    mutant: str = key("its name")
    because: str = key("why either answer is right")


@dataclass(frozen=True, kw_only=True)
class Bug:
    """A bug of PyTorch's own, which the drawn calls step around."""

    finding: str = key("its name in the findings on PyTorch")
    facets: Names | None = key(
        "the facets in which it shows, or those of a dtype: `gradient[float64]`; nothing said means all", None
    )
    where: str | None = key(
        "the calls at which it shows, where this is true of some element: as `undefined` is written, with `in_order` "
        "(in memory) and `out`, what is written into; nothing said means all",
        None,
    )


@dataclass(frozen=True, kw_only=True)
class Example:
    """An example: a worked call; `[call, gives]` where it says no more."""

    call: Call = key("the arguments by name; of a method those of its construction and the state too")
    gives: Any = key("the result; by name if there are several", None)
    gradient: dict[str, Any] = key("the gradients of the sum of the result", {})
    at: Citation | None = key("where the documents have it", None)
    shows: str | None = key("the rule that it shows", None)
    decimals: int | None = key("how many decimals the result is written with", None)


@dataclass(frozen=True, kw_only=True)
class BadCall:
    """An error: a call that must raise."""

    call: Call = key("the arguments by name")
    raises: str = key("the class of the exception")
    because: str = key("the reason, in a user's words")


@dataclass(frozen=True, kw_only=True)
class OutOfRange:
    """An error, of values out of an argument's domain."""

    out_of_range: str = key("the argument")
    raises: str = key("the class of the exception")
    because: str = key("the reason, in a user's words")


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """A worked run of a method that is called again and again."""

    call: Call = key("the arguments of the construction")
    start: Any = key("the parameter that it works on, where it starts", None)
    gradients: Any = key("what that parameter's gradient is before each call", ())
    gives: Any = key("what the trail shows after each call; without gradients, before the first one too")
    at: Citation | None = key("where the documents have it", None)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A scenario: a short program in the API's own words."""

    name: str = key("what it shows, in words")
    documents: Citation | None = key("where the documents have it", None)
    needs: tuple[Need, ...] = key(
        "what the machine must have; `cpu`: a library built for no GPU; `cuda:1`: two of them", ()
    )
    run: str = key("the program")
    expect: dict[str, Any] = key("expressions and the values that they have after it", {})
    raises: str | None = key("the class of what it raises", None)
    refused: str | None = key(
        "beside `expect`, for a form that only the documents have: what the current edition raises instead", None
    )
    shows: str | None = key("the rule that it shows", None)
    editions: tuple[Edition, ...] = key("the editions that it belongs to; both if absent", EDITIONS)


@dataclass(frozen=True, kw_only=True)
class TensorResult:
    """A result that is a tensor."""

    shape: Source = key("an expression")
    dtype: Source = key("an expression")


@dataclass(frozen=True, kw_only=True)
class SequenceResult:
    """A result that is a sequence of tensors."""

    shapes: Source = key("an expression: the shape of each")
    dtype: Source = key("an expression")


@dataclass(frozen=True, kw_only=True)
class PlainResult:
    """A result that is no tensor."""

    value: Plain = key("what it is instead")


Result = Annotated[Any, Named("Result", lambda: TensorResult | SequenceResult | PlainResult)]


@dataclass(frozen=True, kw_only=True)
class Ulp:
    """A budget in units in the last place."""

    ulp: float = key("how many")


@dataclass(frozen=True, kw_only=True)
class Accumulation:
    """The budget of a sum."""

    accumulation: float = key("how many times the usual")
    absolute: float = key("eps of 1 besides, for what saturates", 0.0)


@dataclass(frozen=True, kw_only=True)
class Conditioned:
    """The budget of a composition."""

    conditioned: float = key("how many times the usual")
    absolute: float = key("eps of 1 besides, for what saturates", 0.0)


Budget = Annotated[Any, Named("Budget", lambda: BudgetWord | Ulp | Accumulation | Conditioned)]


@dataclass(frozen=True, kw_only=True)
class Says:
    """What a function says, a method, or an overload of either."""

    signature: SignatureText | None = key("Python's own syntax; the defaults count", None)
    variants: tuple[Variant, ...] | None = key("further forms: `method`, `operator`, `in-place` (`op_`), `out`", None)
    arguments: dict[str, str | None] | None = key(
        "a domain for each argument; a name that is not in the signature is drawn but not passed; filled in name by "
        "name, and null takes a name out",
        None,
    )
    let: dict[str, Source] | None = key("names for expressions, for the domains of later arguments too", None)
    require: str | Names | None = key("conditions across arguments", None)
    result: Result | dict[str, Result] | None = key(
        "`{shape, dtype}`; `{shapes, dtype}` for a sequence; `{value: bool}` for a plain value; one such for each "
        "name, in order, for a named tuple",
        None,
    )
    out_dtype: OutDtype | None = key(
        "which dtypes `out=` may have: `castable` (the default: any that the result can be cast to), `own` (the "
        "result's), `any` (it computes in that of `out`), `free` (PyTorch has no one rule)",
        None,
    )
    changes: Names | None = key("the arguments that a call writes to", None)
    changes_when: Source | None = key("when it does", None)
    shares: str | None = key("the argument whose memory the result shares; nothing said means a copy", None)
    shares_when: Source | None = key("when it does", None)
    judge: Budget | dict[str, Budget] | None = key(
        "the error budget, below; by result if there are several; `gradient:` may be one of them", None
    )
    laws: Names | None = key("what must hold where PyTorch leaves freedom", None)
    undefined: Names | None = key(
        "where PyTorch itself has no one answer: those elements are not judged; the arguments by name, as arrays, and "
        "`on_the_brink`, `strays`, `anywhere`",
        None,
    )
    bugs: tuple[Bug, ...] | None = key("bugs of PyTorch's own, which the drawn calls step around", None)
    gradient: Names | dict[str, str | Names] | None = key(
        "which arguments have gradients, by result if there are several", None
    )
    conventions: Names | None = key(
        "the calls whose gradient is a convention and no derivative, so that only an oracle can judge it: where "
        "this is true of some element, as `undefined` is written",
        None,
    )
    random: Source | None = key("the distribution of the result", None)
    special: tuple[tuple[Any, ...], ...] | None = key(
        "rows of `[input, …, result]` at the values where bugs live", None
    )
    examples: tuple[tuple[Call, Any] | Example, ...] | None = key("worked calls", None)
    errors: tuple[BadCall | OutOfRange, ...] | None = key("calls that must raise", None)


@dataclass(frozen=True, kw_only=True)
class Construct:
    """How an instance of a class is made."""

    signature: SignatureText | None = key("as a function's", None)
    arguments: dict[str, str | None] | None = key("a domain for each argument", None)
    let: dict[str, Source] | None = key("names for expressions, for the state and the methods too", None)
    require: str | Names | None = key("conditions across arguments", None)


@dataclass(frozen=True, kw_only=True)
class Held:
    """A parameter or buffer."""

    shape: Source = key("an expression")
    init: Source | None = key("the distribution that it starts from", None)
    when: Source | None = key("a condition, if not every instance has it", None)


@dataclass(frozen=True, kw_only=True)
class State:
    """What an instance holds."""

    each: dict[str, tuple[Any, ...]] | None = key(
        "what repeats: a rule whose name has a `{layer}` stands for a parameter of each layer, which its expressions "
        "may name",
        None,
    )
    each_when: Source | None = key("the condition under which there is one", None)
    parameters: dict[str, Held] | None = key("what is learned", None)
    buffers: dict[str, Held] | None = key("what else its `state_dict()` has", None)


@dataclass(frozen=True, kw_only=True)
class Labelled:
    label: str | None = key("what is special about it", None)
    family: str | None = key("a family that fills in what the overload leaves out", None)
    where: dict[str, str] | None = key("its words in the family's text", None)
    construct: Construct | None = key("of a method: what its construction says otherwise", None)


@dataclass(frozen=True, kw_only=True)
class Overload(Says, Labelled):
    """One of several ways to call a function or method; what stands around it fills in what it leaves out."""


@dataclass(frozen=True, kw_only=True)
class Overloaded:
    overloads: tuple[Overload, ...] | None = key("its forms, if they differ in more than defaults", None)


@dataclass(frozen=True, kw_only=True)
class Repeated:
    trail: str | None = key("what to look at after each of repeated calls", None)
    objective: str | None = key("the loss of a parameter `x`, where a call needs a closure that computes one", None)
    trajectories: tuple[Trajectory, ...] | None = key("worked runs", None)


@dataclass(frozen=True, kw_only=True)
class Method(Repeated, Overloaded, Says):
    """A method of a class: what a function says, and what repeated calls leave."""


@dataclass(frozen=True, kw_only=True)
class Header:
    name: OpName = key("the public name; `broadcasting` is a behaviour without one")
    aliases: Names = key("other names of the very same function", ())
    kind: Literal["class"] | None = key("`class`, of a class", None)
    family: str | None = key("the file under `families/` that fills in what this one leaves out", None)
    where: dict[str, str] | None = key("its words in the family's text", None)
    area: str = key("the group in reports")
    summary: str = key("a sentence")
    editions: tuple[Edition, ...] = key("`[documented]` for what only the documents have; both if absent", EDITIONS)


@dataclass(frozen=True, kw_only=True)
class FamilyHeader:
    family: str = key("its name, which is the file's")
    where: dict[str, str | None] | None = key(
        "words that its text leaves open, as `{word}`, and what they are for a member that says nothing; null: it "
        "must; `name` is the member's",
        None,
    )
    kind: Literal["class"] | None = key("`class`, of classes", None)
    summary: str = key("a sentence")


@dataclass(frozen=True, kw_only=True)
class Members:
    functional: OpName | None = key(
        "the function that the module calls: it fills in `let`, `result`, `judge`, `laws`, `undefined`, `bugs`, "
        "`gradient`, `conventions`, `random`, the examples and bad calls that name all that the module needs, its "
        "overloads by their labels and, where the module has none, its rules and domains; what it takes besides the "
        "input is how an instance is made, if nothing is said",
        None,
    )
    construct: Construct | None = key("how an instance is made", None)
    state: State | None = key("what an instance holds", None)
    methods: dict[str, Method] | None = key("what its methods do", None)


@dataclass(frozen=True, kw_only=True)
class Footer:
    rules: dict[RuleName, str] | None = key(
        "numbered sentences for what no formula carries; an example `shows:` each", None
    )
    scenarios: tuple[Scenario, ...] = key("short programs", ())
    equivalent: tuple[Equivalent, ...] = key("mutants for which either answer is right", ())


@dataclass(frozen=True, kw_only=True)
class Function(Footer, Overloaded, Says, Header):
    """A function, a method of a tensor, or a behaviour that only has scenarios."""


@dataclass(frozen=True, kw_only=True)
class Class(Footer, Members, Header):
    """A class: a module, an optimizer, a distribution, a sampler."""


@dataclass(frozen=True, kw_only=True)
class FunctionFamily(Footer, Overloaded, Says, FamilyHeader):
    """What functions have in common."""


@dataclass(frozen=True, kw_only=True)
class ClassFamily(Footer, Members, FamilyHeader):
    """What classes have in common."""


@dataclass(frozen=True, kw_only=True)
class Mention:
    """Where a document describes an op; the lines alone where it says no more."""

    lines: Lines = key("the line, or the first and the last: `65-70`")
    signature: str | None = key("the signature given there", None)
    note: str = key("what else is to be known of it", "")


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A statement of a document that PyTorch contradicts."""

    lines: Lines = key("the line, or the first and the last")
    says: str = key("what stands there")
    holds: str = key("what PyTorch does")
    evidence: str = key(
        "`CODE -> RESULT`: what a session with `torch`, `torchvision`, `nn` and `np` shows, or the class of what it "
        "raises; a test runs it"
    )


@dataclass(frozen=True, kw_only=True)
class DocumentFile:
    """A document that describes PyTorch."""

    document: str = key("its name, which is the file's")
    title: str = key("its title, as it has it")
    about: str = key("what it is")
    file: str = key("the file that it is kept in")
    ops: dict[OpName, tuple[Lines | Mention, ...]] = key("where it describes which op")
    errata: dict[OpName, tuple[Mistake, ...]] = key("what it says that PyTorch contradicts, by op", {})


File = Function | Class | FunctionFamily | ClassFamily


def kind_of_file(content: dict[str, Any]) -> type[File]:
    """Return what a file is to say, by its name and kind."""
    of_class = content.get("kind") == "class"
    if "name" in content:
        return Class if of_class else Function
    return ClassFamily if of_class else FunctionFamily
