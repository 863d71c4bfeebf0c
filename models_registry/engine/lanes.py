"""Eight numbers side by side in one register, for loops that numba compiles.

Conventions: float64; the first lane is the lowest in memory. `+`, `-` and `*` work lane by lane, and no product is
fused with a sum, so that every processor finds the same numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

WIDTH = 8
_VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)
_PLACE = ir.IntType(32)


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__("Lanes")


_LANES = _Lanes()


@register_model(_Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


def _intrinsic(define: Callable[..., Any]) -> Any:
    # called within compiled loops with other arguments than it is defined with
    return intrinsic(define)


def _at(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    whole = context.make_array(kind)(context, builder, array)
    return builder.bitcast(builder.gep(whole.data, [index]), _VECTOR.as_pointer())


@_intrinsic
def load(typing: Any, array: Any, index: Any) -> Any:
    """The eight numbers from `index` of a contiguous array on, counted as if it were flat."""

    def make(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(_at(context, builder, signature.args[0], *given), align=8)

    return _LANES(array, types.intp), make


@_intrinsic
def store(typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    """Write `lanes` where `load` reads."""

    def make(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        builder.store(given[2], _at(context, builder, signature.args[0], *given[:2]), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, _LANES), make


def _arithmetic(name: str) -> Callable[..., Any]:
    @_intrinsic
    def apply(typing: Any, one: Any, other: Any) -> Any:
        def make(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return getattr(builder, name)(*given)

        return _LANES(_LANES, _LANES), make

    def chosen(one: Any, other: Any) -> Any:
        if one is _LANES and other is _LANES:
            return lambda one, other: apply(one, other)
        return None

    return chosen


overload(operator.add, strict=False)(_arithmetic("fadd"))
overload(operator.sub, strict=False)(_arithmetic("fsub"))
overload(operator.mul, strict=False)(_arithmetic("fmul"))


def _moved(order: list[int]) -> Any:
    @_intrinsic
    def move(typing: Any, lanes: Any, new: Any) -> Any:
        """All lanes one place further, `new` in the place left free."""

        def make(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            free = ir.Constant(_VECTOR, ir.Undefined)
            single = builder.insert_element(free, given[1], ir.Constant(_PLACE, 0))
            mask = ir.Constant(ir.VectorType(_PLACE, WIDTH), order)
            return builder.shuffle_vector(given[0], single, mask)

        return _LANES(_LANES, types.float64), make

    return move


# lane `WIDTH` of both together is the new number
up, down = _moved([WIDTH, *range(WIDTH - 1)]), _moved([*range(1, WIDTH), WIDTH])


def _end(place: int) -> Any:
    @_intrinsic
    def end(typing: Any, lanes: Any) -> Any:
        def make(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return builder.extract_element(given[0], ir.Constant(_PLACE, place))

        return types.float64(_LANES), make

    return end


first, last = _end(0), _end(WIDTH - 1)
