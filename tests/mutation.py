"""Small changes of a syntax tree, one at a time, such as people make by mistake."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

_OPERATORS = {
    getattr(ast, right): [getattr(ast, other) for other in others]
    for right, *others in map(
        str.split,
        (
            *("Add Sub", "Sub Add", "Mult Div", "Div Mult", "FloorDiv Div", "Mod FloorDiv"),
            *("Pow Mult", "And Or", "Or And", "BitAnd BitOr", "BitOr BitAnd", "In NotIn"),
            *("NotIn In", "Lt LtE GtE", "LtE Lt Gt", "Gt GtE LtE", "GtE Gt Lt"),
            *("Eq LtE GtE NotEq", "NotEq Eq"),
        ),
    )
}
_PAIRS = [
    *(("max", "min"), ("amax", "amin"), ("argmax", "argmin"), ("maximum", "minimum")),
    *(("cummax", "cummin"), ("sum", "mean"), ("floor", "ceil"), ("any", "all"), ("sin", "cos")),
    *(("zeros", "ones"), ("zeros_like", "ones_like"), ("tril", "triu")),
]
_NAMES = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}
_SYMMETRIC = ["max", "min", "maximum", "minimum", "transpose", "swapaxes", "flip"]
_BY_DIMENSION = ["flip", "sum", "mean", "amax", "argmax", "cumsum", "softmax", "squeeze"]
_CONVERSIONS = ["clone", "detach", "item", "tolist", "long", "float", "double", "bool", "to"]


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that may stand in the place of this one."""

    def like(**fields: Any) -> ast.AST:
        return ast.copy_location(type(node)(**{**dict(ast.iter_fields(node)), **fields}), node)

    match node:
        case ast.Constant(value=bool()):
            yield like(value=not node.value)
        case ast.Constant(value=int() | float() as value):
            yield like(value=value + 1)
            yield like(value=value - 1)
            if value not in (0, 1):
                yield like(value=0)
        case ast.BinOp(left=left, op=op, right=right):
            yield from (like(op=other()) for other in _OPERATORS.get(type(op), ()))
            yield left
            yield right
            if isinstance(op, ast.Sub | ast.Div | ast.MatMult):
                yield like(left=right, right=left)
        case ast.Compare(ops=[op]):
            yield from (like(ops=[other()]) for other in _OPERATORS.get(type(op), ()))
        case ast.BoolOp(op=op, values=values):
            yield like(op=_OPERATORS[type(op)][0]())
            yield from values
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            yield ast.copy_location(ast.Constant(value), node)
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse
        case ast.Call(func=func, args=args, keywords=keywords):
            if isinstance(func, ast.Attribute) and func.attr not in _CONVERSIONS:
                yield func.value  # a method that is not called
            called = getattr(func, "attr", getattr(func, "id", ""))
            for i in range(len(args) - 1 if called not in _SYMMETRIC else 0):
                yield like(args=[*args[:i], args[i + 1], args[i], *args[i + 2 :]])
            for i, keyword in enumerate(keywords):
                if keyword.arg not in ("strict", "dtype"):
                    yield like(keywords=keywords[:i] + keywords[i + 1 :])
            if isinstance(func, ast.Name) and func.id == "range":
                for i, arg in enumerate(args):
                    if not isinstance(arg, ast.Constant):
                        less = ast.BinOp(arg, ast.Sub(), ast.Constant(1))
                        more = ast.BinOp(arg, ast.Add(), ast.Constant(1))
                        yield like(args=[*args[:i], less, *args[i + 1 :]])
                        yield like(args=[*args[:i], more, *args[i + 1 :]])
        case ast.Attribute(value=value, attr="T" | "mT" | "values" | "indices"):
            yield value
        case ast.Slice(lower=lower, upper=upper):
            if lower and upper:
                yield like(lower=None)
                yield like(upper=None)
        case ast.AugAssign(op=op, target=target, value=value):
            yield from (like(op=other()) for other in _OPERATORS.get(type(op), ()))
            yield ast.copy_location(ast.Assign([target], value), node)
        case ast.comprehension(ifs=[_, *_]):
            yield like(ifs=[])
        case ast.If():
            yield like(test=ast.Constant(True))
            yield like(test=ast.Constant(False))
    if isinstance(node, ast.Name | ast.Attribute):
        field = "id" if isinstance(node, ast.Name) else "attr"
        if (name := getattr(node, field)) in _NAMES and isinstance(node.ctx, ast.Load):
            yield like(**{field: _NAMES[name]})


def _exchanged(root: ast.AST) -> Iterator[tuple[int, str]]:
    """Read another parameter than the one that is meant; yields while the tree is changed."""
    for function in ast.walk(root):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            names = [arg.arg for arg in function.args.args]
            read = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
            for node in read:
                right = node.id
                if right in names and isinstance(node.ctx, ast.Load):
                    for node.id in names:
                        if node.id != right:
                            yield node.lineno, f"{right} → {node.id}"
                    node.id = right


def _places(root: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Where something may be changed: parent, field, index in a list, node."""
    for field, value in ast.iter_fields(root):
        if field in ("annotation", "returns", "decorator_list", "bases"):
            continue
        if isinstance(root, ast.keyword) and root.arg in ("strict", "dtype"):
            continue
        for i, node in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(node, ast.AST) and not isinstance(node, ast.Raise | ast.Assert):
                yield root, field, i if isinstance(value, list) else None, node
                yield from _places(node)


def _names_a_dimension(parent: ast.AST) -> bool:
    """Whether the numbers in a call are dimensions, of which -1 is often the last of two."""
    if isinstance(parent, ast.Call):
        return getattr(parent.func, "attr", "") in _BY_DIMENSION
    return isinstance(parent, ast.keyword) and parent.arg in ("dim", "dims")


def changes(root: ast.AST) -> Iterator[tuple[int, str]]:
    """Change the tree in one place at a time; yields while it is changed."""
    yield from _exchanged(root)
    for parent, field, i, node in [*_places(root)]:
        if isinstance(parent, ast.Expr):
            continue  # a docstring
        for other in _replacements(node):
            negative = isinstance(other, ast.Constant) and not isinstance(other.value, str)
            if negative and other.value < 0 and _names_a_dimension(parent):
                continue
            if _shown(other) == _shown(node):
                continue  # two equal arguments that have changed places
            before = getattr(parent, field)
            after = other if i is None else [*before[:i], other, *before[i + 1 :]]
            setattr(parent, field, after)
            ast.fix_missing_locations(root)
            line = getattr(node, "lineno", getattr(parent, "lineno", 0))
            yield line, f"{_shown(node)} → {_shown(other)}"
            setattr(parent, field, before)
