"""Rewrites a script's tree: RestrictedPython's transformer with our own policy.

Everything is an allow-list: a node without a method here or in RestrictedPython is refused. What a script may do with
attributes, items, iteration, operators that grow values, texts and exceptions becomes a call of a guard (``guards.py``);
each loop body, function entry and comprehension takes one step of the budget.
"""

from __future__ import annotations

import ast
from typing import Any

from RestrictedPython.transformer import RestrictingNodeTransformer, copy_locations

MODULES = ("json", "re", "math", "datetime", "decimal")
GUARDED_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "_add_",
    ast.Mult: "_mul_",
    ast.Mod: "_mod_",
    ast.Pow: "_pow_",
    ast.LShift: "_lshift_",
}
IN_PLACE: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.BitAnd: "&",
}
INJECTED = frozenset(
    {
        "_getattr_",
        "_getitem_",
        "_getiter_",
        "_stars_",
        "_star_",
        "_mapping_",
        "_write_",
        "_slice_",
        "_in_",
        "_add_",
        "_mul_",
        "_mod_",
        "_pow_",
        "_lshift_",
        "_inplace_",
        "_inplace_attr_",
        "_inplace_item_",
        "_text_",
        "_module_",
        "_tick_",
        "_caught_",
        "_stops_",
        "_raised_",
        "_last_",
        "_unpack_",
    }
)
"""Names of the guards. No script can say them: each begins with ``_``."""


class Policy(RestrictingNodeTransformer):
    """The transformer. ``errors`` collects pairs of line and message."""

    def error(self, node: ast.AST, info: str) -> None:
        self.errors.append((getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1, info))  # type: ignore[arg-type]

    def not_allowed(self, node: ast.AST) -> None:
        name = type(node).__name__
        self.error(node, _REFUSED.get(name, f"'{name}' is not available in scripts."))

    # -- names and attributes --------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> Any:
        # Every identifier was checked in ``source.py``; reserved names of RestrictedPython (print) mean nothing here.
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        if isinstance(node.ctx, ast.Load):
            return self._call("_getattr_", node, self.visit(node.value), ast.Constant(node.attr))
        node.value = self._call("_write_", node.value, self.visit(node.value))
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        if isinstance(node.ctx, ast.Load):
            return self._call("_getitem_", node, self.visit(node.value), self.visit(node.slice))
        node.value = self._call("_write_", node.value, self.visit(node.value))
        node.slice = self.visit(node.slice)
        return node

    def visit_Slice(self, node: ast.Slice) -> Any:
        parts = [self.visit(p) if p else ast.Constant(None) for p in (node.lower, node.upper, node.step)]
        return self._call("_slice_", node, *parts)

    # -- calls, stars, displays ------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Name) and node.func.id in _ABSENT:
            self.error(node, f"'{node.func.id}' is not available in scripts.")
        for keyword in node.keywords:
            if keyword.arg is None:
                keyword.value = self._call("_mapping_", keyword.value, self.visit(keyword.value))
            else:
                keyword.value = self.visit(keyword.value)
        node.func = self.visit(node.func)
        node.args = [self.visit(a) for a in node.args]
        return node

    def visit_Starred(self, node: ast.Starred) -> Any:
        if isinstance(node.ctx, ast.Load):
            node.value = self._call("_star_", node.value, self.visit(node.value))
        else:
            node.value = self.visit(node.value)
        return node

    def visit_Dict(self, node: ast.Dict) -> Any:
        node.values = [
            self._call("_mapping_", v, self.visit(v)) if k is None else self.visit(v)
            for k, v in zip(node.keys, node.values, strict=True)
        ]
        node.keys = [k and self.visit(k) for k in node.keys]
        return node

    # -- operators -------------------------------------------------------------------------------------------------

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        if isinstance(node.op, ast.MatMult):
            self.error(node, "The operator '@' is not available in scripts.")
            return node
        left, right = self.visit(node.left), self.visit(node.right)
        guard = GUARDED_OPERATORS.get(type(node.op))
        if guard is None:
            node.left, node.right = left, right
            return node
        return self._call(guard, node, left, right)

    def visit_Compare(self, node: ast.Compare) -> Any:
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            call = self._call("_in_", node, self.visit(node.left), self.visit(node.comparators[0]))
            if isinstance(node.ops[0], ast.In):
                return call
            return ast.copy_location(ast.UnaryOp(ast.Not(), call), node)
        if any(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops):
            self.error(node, "'in' within a chain of comparisons is not available in scripts. Write them one by one.")
        return self.node_contents_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        if isinstance(node.op, ast.MatMult):
            self.error(node, "The operator '@=' is not available in scripts.")
            return node
        operator, value = ast.Constant(IN_PLACE[type(node.op)]), self.visit(node.value)
        target = node.target
        if isinstance(target, ast.Name):
            self.visit(target)
            call = self._call("_inplace_", node, operator, ast.Name(target.id, ast.Load()), value)
            return self._placed(ast.Assign([ast.Name(target.id, ast.Store())], call), node)
        if isinstance(target, ast.Attribute):
            call = self._call(
                "_inplace_attr_", node, operator, self.visit(target.value), ast.Constant(target.attr), value
            )
        else:
            call = self._call(
                "_inplace_item_", node, operator, self.visit(target.value), self.visit(target.slice), value
            )
        return self._placed(ast.Expr(call), node)

    # -- texts -----------------------------------------------------------------------------------------------------

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        parts: list[ast.expr] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                spec = self.visit(part.format_spec) if part.format_spec else ast.Constant("")
                parts.append(
                    ast.Tuple([self.visit(part.value), ast.Constant(part.conversion), spec], ast.Load())  # type: ignore[list-item]
                )
            else:
                parts.append(part)
        return self._call("_text_", node, *parts)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> Any:
        raise AssertionError("met inside JoinedStr only")

    def visit_TemplateStr(self, node: ast.AST) -> Any:
        self.not_allowed(node)
        return node

    visit_Interpolation = visit_TemplateStr

    # -- assignment ------------------------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> Any:
        value = self.visit(node.value)
        for target in node.targets:
            value = self._unpacked(target, value)
        node.value = value
        node.targets = [self.visit(t) for t in node.targets]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return self._placed(ast.Pass(), node)
        return self.visit(self._placed(ast.Assign([node.target], node.value), node))

    def _unpacked(self, target: ast.expr, value: ast.expr) -> ast.expr:
        """Guard the value that ``target`` takes apart."""
        if not isinstance(target, (ast.Tuple, ast.List)):
            return value
        star = any(isinstance(e, ast.Starred) for e in target.elts)
        self._refuse_nested_stars(target)
        return self._call("_star_" if star else "_unpack_", value, value)

    def _refuse_nested_stars(self, target: ast.Tuple | ast.List) -> None:
        for element in target.elts:
            inner = element.value if isinstance(element, ast.Starred) else element
            deep = isinstance(element, ast.Starred) or any(isinstance(n, ast.Starred) for n in ast.walk(inner))
            if isinstance(inner, (ast.Tuple, ast.List)) and deep:
                self.error(inner, "A star inside nested unpacking is not available in scripts.")

    def visit_NamedExpr(self, node: ast.NamedExpr) -> Any:
        node.target = self.visit(node.target)
        node.value = self.visit(node.value)
        return node

    def visit_Delete(self, node: ast.Delete) -> Any:
        if any(isinstance(t, ast.Attribute) for t in node.targets):
            self.error(node, "Attributes cannot be deleted. Assign None to clear a field.")
        return self.node_contents_visit(node)

    # -- loops -----------------------------------------------------------------------------------------------------

    def guard_iter(self, node: ast.For | ast.comprehension) -> Any:
        star = isinstance(node.target, (ast.Tuple, ast.List)) and any(
            isinstance(e, ast.Starred) for e in node.target.elts
        )
        if isinstance(node.target, (ast.Tuple, ast.List)):
            self._refuse_nested_stars(node.target)
        node.target = self.visit(node.target)
        node.iter = self._call("_stars_" if star else "_getiter_", node.iter, self.visit(node.iter))
        return node

    def visit_For(self, node: ast.For) -> Any:
        self.guard_iter(node)
        node.body = [self._tick(node), *self._block(node.body)]
        node.orelse = self._block(node.orelse)
        return node

    def visit_While(self, node: ast.While) -> Any:
        node.test = self.visit(node.test)
        node.body = [self._tick(node), *self._block(node.body)]
        node.orelse = self._block(node.orelse)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        if node.is_async:
            self.error(node.iter, _REFUSED["AsyncFor"])
        self.guard_iter(node)
        tick = self._call("_tick_", node.iter)
        node.ifs = [tick, *(self.visit(i) for i in node.ifs)]
        return node

    def visit_YieldFrom(self, node: ast.YieldFrom) -> Any:
        node.value = self._call("_getiter_", node.value, self.visit(node.value))
        return node

    # -- functions -------------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        if node.decorator_list:
            self.error(node, "Decorators are not available in scripts.")
        if getattr(node, "type_params", None):
            self.error(node, "Type parameters are not available in scripts.")
        self._arguments(node.args)
        node.returns, node.type_comment = None, None
        node.body = [self._tick(node), *self._block(node.body)]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        self._arguments(node.args)
        tick = self._call("_tick_", node.body)
        node.body = self._placed(ast.BoolOp(ast.And(), [tick, self.visit(node.body)]), node.body)
        return node

    def _arguments(self, arguments: ast.arguments) -> None:
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        for argument in given:
            if argument is not None:
                argument.annotation = None
        arguments.defaults = [self.visit(d) for d in arguments.defaults]
        arguments.kw_defaults = [d and self.visit(d) for d in arguments.kw_defaults]

    # -- exceptions ------------------------------------------------------------------------------------------------

    def visit_Try(self, node: ast.Try) -> Any:
        node.body = self._block(node.body)
        handlers = [self.visit(h) for h in node.handlers]
        if handlers:
            # Running out of memory or of stack ends the run, whatever the script catches.
            again = self._placed(
                ast.ExceptHandler(ast.Name("_stops_", ast.Load()), None, [ast.Raise(None, None)]), node
            )
            handlers.insert(0, again)
        node.handlers = handlers
        node.orelse, node.finalbody = self._block(node.orelse), self._block(node.finalbody)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        node.type = self._call("_caught_", node, *([self.visit(node.type)] if node.type else []))
        node.body = self._block(node.body)
        return node

    def visit_Raise(self, node: ast.Raise) -> Any:
        if node.exc is not None:
            node.exc = self._call("_raised_", node.exc, self.visit(node.exc))
        if node.cause is not None:
            node.cause = self._call("_raised_", node.cause, self.visit(node.cause))
        return node

    # -- imports ---------------------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> Any:
        made = []
        for alias in node.names:
            self._check_module(node, alias.name)
            call = self._call("_module_", node, ast.Constant(alias.name))
            made.append(self._placed(ast.Assign([ast.Name(alias.asname or alias.name, ast.Store())], call), node))
        return made

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        self._check_module(node, node.module or ".")
        if node.level:
            self.error(node, "Scripts cannot import relatively.")
        made = []
        for alias in node.names:
            call = self._call("_module_", node, ast.Constant(node.module), ast.Constant(alias.name))
            made.append(self._placed(ast.Assign([ast.Name(alias.asname or alias.name, ast.Store())], call), node))
        return made

    def _check_module(self, node: ast.AST, name: str) -> None:
        if name not in MODULES:
            self.error(node, f"Module '{name[:40]}' is not available in scripts. There are: {', '.join(MODULES)}.")

    # -- refused ---------------------------------------------------------------------------------------------------

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        self.not_allowed(node)
        return node

    visit_With = visit_ClassDef
    visit_withitem = visit_ClassDef
    visit_MatMult = visit_ClassDef

    # -- small parts -----------------------------------------------------------------------------------------------

    def visit_Module(self, node: ast.Module) -> Any:
        if len(node.body) > 1 and ast.get_docstring(node, clean=False) is not None:
            # The compiler would store it under a reserved name.
            del node.body[0]
        if node.body and isinstance(node.body[-1], ast.Expr):
            # The value of a last expression is the result of the script.
            last = node.body[-1]
            node.body = [*self._block(node.body[:-1])]
            call = self._call("_last_", last, self.visit(last.value))
            node.body.append(self._placed(ast.Expr(call), last))
        else:
            node.body = self._block(node.body)
        return node

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in body:
            found = self.visit(statement)
            made.extend(found if isinstance(found, list) else [found])
        return made

    def _tick(self, node: ast.AST) -> ast.stmt:
        return self._placed(ast.Expr(self._call("_tick_", node)), node)

    def _call(self, guard: str, at: ast.AST, *arguments: ast.expr) -> ast.Call:
        assert guard in INJECTED
        return self._placed(ast.Call(ast.Name(guard, ast.Load()), list(arguments), []), at)

    @staticmethod
    def _placed(node: Any, at: ast.AST) -> Any:
        copy_locations(node, at)
        return node


_ABSENT = frozenset(
    {"exec", "eval", "compile", "open", "globals", "locals", "vars", "type", "breakpoint", "input", "super", "object"}
    | {"dir", "id", "hash", "delattr", "memoryview", "bytearray", "classmethod", "staticmethod", "property", "help"}
)
_REFUSED = {
    "ClassDef": "Classes are not available in scripts. Use functions and dictionaries.",
    "With": "'with' is not available in scripts.",
    "withitem": "'with' is not available in scripts.",
    "AsyncWith": "'async with' is not available in scripts.",
    "AsyncFor": "'async for' is not available in scripts.",
    "AsyncFunctionDef": "'async def' is not available in scripts.",
    "Await": "'await' is not available in scripts.",
    "Match": "'match' is not available in scripts. Use if and elif.",
    "Nonlocal": "'nonlocal' is not available in scripts. Return the value, or keep it in a dictionary.",
    "TryStar": "'except*' is not available in scripts.",
    "TemplateStr": "Template strings are not available in scripts.",
}
