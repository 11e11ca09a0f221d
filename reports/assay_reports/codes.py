"""The catalogue of codes: what each means, its usual causes, and how to look further."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding under a code that stays the same from release to release."""

    means: str
    causes: str
    look: str


CODES: Final[dict[str, Code]] = {
    "A001": Code(
        "The backend does not offer the op.",
        "The function is missing, or the adapter's table has no entry for it.",
        "`assay explain OP` shows what it would take.",
    ),
    "A002": Code(
        "The backend does not offer the dtype.",
        "The library has no such element type, or the adapter does not declare it.",
        "Compare the dtypes in the run's header with those of the library.",
    ),
    "A003": Code(
        "The backend does not offer a feature that the facet needs.",
        "No gradients, no in-place forms, no seeds, a parameter without counterpart, or 'not implemented'.",
        "The message names it; declare the feature once the adapter has it.",
    ),
    "A004": Code("The device is not available.", "No GPU on this machine.", "Run on a machine that has one."),
    "A005": Code(
        "The item did not run.",
        "The run was interrupted, or the item was deselected.",
        "`assay run --resume` goes on.",
    ),
    "A101": Code(
        "A value lies beyond the error budget.",
        "A lower precision inside (float16, TF32), a formula that cancels, an option ignored, a wrong formula.",
        "Compare the two in ulps: a few point to rounding, thousands to a lower precision, more to a wrong formula.",
    ),
    "A102": Code(
        "A NaN or an infinity is missing, or appears where the result is finite.",
        "A comparison that drops NaN, an intermediate overflow, a fast-math build.",
        "Run the snippet with the one element.",
    ),
    "A103": Code("The sign of a zero is wrong.", "x * 0 for 0, max(x, 0), an `x or 0`.", "Look at 1 / result."),
    "A104": Code(
        "A law does not hold: PyTorch leaves the answer open, but not this property of it.",
        "Indices that do not match the values, values out of order, vectors that are not eigenvectors.",
        "The expected line is the law, in the words of docs/spec-format.md.",
    ),
    "A105": Code("A worked example has another result.", "A wrong formula, an option ignored.", "Run the snippet."),
    "A106": Code(
        "Passing a documented default changes the answer.",
        "Another default in the signature, or `None` not understood.",
        "The message names the parameter.",
    ),
    "A107": Code("What a scenario expects does not hold.", "See the scenario's name.", "Run the snippet; it prints."),
    "A108": Code(
        "The answer depends on the memory layout of the input.",
        "Strides or an offset ignored, a buffer read as if contiguous.",
        "The snippet makes the strided tensor; add .contiguous() and compare.",
    ),
    "A109": Code(
        "What is printed differs.",
        "A `repr` of its own, another name of a class or a dtype.",
        "Print it; programs seldom depend on it, but documents and tests may.",
    ),
    "A201": Code("Wrong shape.", "keepdim, broadcasting, 0-d or empty tensors.", "The op's page has the rule."),
    "A202": Code("Wrong dtype.", "Promotion, integer sums, a default of float64.", "The op's page has the rule."),
    "A203": Code(
        "Wrong structure: the number or kind of the results.",
        "A tuple for a tensor, a Python number for a 0-d tensor, missing field names.",
        "Print type(result).",
    ),
    "A204": Code("Wrong device.", "A result made on the host.", "Print result.device."),
    "A205": Code(
        "The result lies in memory otherwise than PyTorch's.",
        "Results always in order, where PyTorch keeps the order of the first operand's dimensions.",
        "Print result.stride(); dimensions of one element, and empty results, do not count.",
    ),
    "A301": Code("An error for a valid call.", "An unhandled shape, dtype or option.", "Read the message."),
    "A302": Code("No error for an invalid call.", "A missing check.", "The message says why the call is wrong."),
    "A303": Code(
        "An error of an unrelated class.",
        "No check of its own: another op raises further down.",
        "Compare the classes.",
    ),
    "A304": Code("A failed call changed something.", "Checks after the first write.", "Check before writing."),
    "A305": Code(
        "A documented parameter is refused, by position or by name.",
        "Another name or order in the signature.",
        "The message says how it was passed.",
    ),
    "A401": Code("A copy where a view is due.", "The op copies.", "Write to the result and look at the input."),
    "A402": Code("Memory is shared where a copy is due.", "The op returns a view.", "Write to the result and look."),
    "A403": Code("An input was changed.", "Work done in place on an argument.", "Compare the input before and after."),
    "A404": Code("An in-place form returns another tensor.", "`op_` made from `op`.", "Check `x.op_() is x`."),
    "A405": Code("out= is not filled, or not returned.", "The parameter is ignored.", "Check `op(out=o) is o`."),
    "A406": Code(
        "An in-place, operator or out= form differs from the plain form.",
        "Separate code paths.",
        "Run both forms of the snippet.",
    ),
    "A407": Code(
        "out= is accepted in a dtype that must be refused.",
        "The result is cast to any dtype that out= has.",
        "Pass an out of the dtype that the snippet shows.",
    ),
    "A501": Code(
        "A gradient is wrong.",
        "A missing factor, a missing sum over broadcast dimensions, another choice at a tie or kink.",
        "Compare with finite differences.",
    ),
    "A502": Code("A gradient is missing.", "The op is not recorded.", "Check result.grad_fn."),
    "A503": Code("The backward pass raised.", "A gradient rule that does not cover this case.", "Read the message."),
    "A504": Code("A gradient has another shape or dtype than its input.", "A missing sum.", "Print both."),
    "A505": Code(
        "A gradient of a gradient is wrong.",
        "A gradient rule that computes with what is not recorded, or that divides where an element is zero.",
        "Differentiate the gradient by differences, at the input of the snippet.",
    ),
    "A506": Code(
        "A gradient of a gradient is missing.",
        "A backward pass that is not recorded: a detached operand, a rule that computes outside the graph.",
        "Check gradient.grad_fn after create_graph=True.",
    ),
    "A507": Code(
        "A tensor that a gradient needs is changed in place before `backward`, and nothing raises.",
        "No count of the writes to memory, or a rule that keeps a tensor without comparing its count.",
        "The gradient is computed with the changed elements: compare it with the one without the change.",
    ),
    "A508": Code(
        "A tensor that no gradient needs is changed in place before `backward`, and it raises.",
        "A rule that keeps more than it uses: an operand of a sum, an input where the result would do.",
        "The message names the tensor; see what the rule does with it.",
    ),
    "A601": Code("A random value is out of range.", "An excluded end, a scale or shift.", "Look at min and max."),
    "A602": Code("The distribution is wrong.", "A scale, a shift, a truncated tail.", "The test's p-value is given."),
    "A603": Code("The same seed gives different numbers.", "The seed is ignored.", "Seed and draw twice."),
    "A604": Code("Different seeds or successive calls give the same numbers.", "The state is reset.", "Draw twice."),
    "A611": Code("A parameter or buffer is missing, superfluous or misnamed.", "Registration.", "Print state_dict()."),
    "A612": Code("A parameter has another shape or dtype.", "The constructor.", "Print the shapes."),
    "A613": Code(
        "A parameter is initialised differently.", "Another distribution or scale.", "The test's p-value is given."
    ),
    "A614": Code("A state_dict round trip loses something.", "State kept outside.", "Compare before and after."),
    "A615": Code("Training and evaluation are confused, or buffers go wrong.", "The training flag.", "Compare modes."),
    "A616": Code("A trajectory is wrong.", "An option ignored, state lost.", "Compare step by step."),
    "A801": Code(
        "The process died.",
        "A segmentation fault, an exit, no memory left.",
        "Read `stderr_tail` of its event in the results file.",
    ),
    "A802": Code("No answer within the time limit.", "A hang inside the library.", "`--time-limit` raises the limit."),
    "A803": Code("It answers differently each time.", "Uninitialised memory, races.", "Run the snippet in a loop."),
    "A804": Code("A reply is not the protocol's.", "The harness.", "docs/wire-protocol.md."),
    "A805": Code("Stopped after too many crashes.", "One op kills the process.", "Fix it, then --resume."),
    "A901": Code("The spec or the oracle broke: an error of the suite.", "Not the backend.", "Please report it."),
    "A902": Code("Nothing was compared: an error of the suite.", "A domain without elements.", "Please report it."),
    "A903": Code("A domain rejects too many of its draws.", "A `require:` that seldom holds.", "Narrow the domains."),
}


# The gravest kinds first: no answer at all, wrong values, wrong kinds of results, valid calls refused, memory, invalid
# calls accepted, spelling; what is the suite's own comes last.
_GRAVITY: Final = (
    "A801", "A802", "A804", "A803", "A1", "A5", "A61", "A6", "A2", "A301", "A4", "A302", "A304", "A303", "A305",
    "A109", "A9",
)  # fmt: skip


def rank(code: str) -> int:
    """Return how grave a kind of finding is, 0 the gravest."""
    starts = [start for start in _GRAVITY if code.startswith(start)]
    return _GRAVITY.index(max(starts, key=len)) if starts else len(_GRAVITY)


def part(code: str) -> int:
    """Return the part of a list of causes: 0 for no answer, 1 for wrong ones to valid calls, 2 for all else."""
    grave = rank(code)
    return (grave >= _GRAVITY.index("A1")) + (grave >= _GRAVITY.index("A302"))


def explain(code: str) -> str:
    """Return what a code means, its usual causes, and how to look further, in three lines."""
    found = CODES[code]
    return f"{code}: {found.means}\n  usual causes: {found.causes}\n  to look further: {found.look}"
