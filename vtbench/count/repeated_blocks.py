"""Which modules are the repeated blocks of a network: found by its structure, never by names.

Blocks are modules with parts of their own that a container (``Sequential``, ``ModuleList``,
``ModuleDict``) holds and whose class comes again in a container; or children of one class that
are attributes of a module, each of several layers and with no such blocks inside. Blocks nest:
the blocks of a hierarchical network stand in stages, which are blocks too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace
from torch import nn

from vtbench.data.record import Block

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)

Figures = Mapping[str, int]
"""Module path -> a figure of the module alone, without its children."""
Children = Sequence[tuple[str, nn.Module]]
"""(path, module) of the children of one module."""


def repeated_blocks(model: nn.Module, macs: Figures, parameters: Figures) -> tuple[Block, ...]:
    """The blocks of a model in order, each before those that it holds."""
    search = _Search(model, macs, parameters)
    first = tuple(search.below("", model, 1))
    if not search.chosen:
        return first
    # one that stands alone where others of its class have siblings is found the second time
    return tuple(_Search(model, macs, parameters, search.chosen).below("", model, 1))


def _with_inside(own: Figures) -> dict[str, int]:
    """Module path -> the figure of the module with everything inside it."""
    sums: dict[str, int] = {}
    for path, figure in own.items():
        sums[""] = sums.get("", 0) + figure
        names = path.split(".") if path else []
        for end in range(1, len(names) + 1):
            holder = ".".join(names[:end])
            sums[holder] = sums.get(holder, 0) + figure
    return sums


class _Search:
    """One walk of a model, from its outermost blocks to those inside them."""

    def __init__(
        self,
        model: nn.Module,
        macs: Figures,
        parameters: Figures,
        known: frozenset[type] | set[type] = frozenset(),
    ) -> None:
        self.chosen: set[type] = set()
        """Classes of the attributes that are blocks."""
        self._known = known
        self._macs = _with_inside(macs)
        self._parameters = _with_inside(parameters)
        self._multiplying = _with_inside({path: 1 for path, figure in macs.items() if figure})
        self._seen: set[int] = set()
        held = (
            child
            for module in model.modules()
            if isinstance(module, _CONTAINERS)
            for child in module._modules.values()
            if child is not None
        )
        self._times = Counter(type(child) for child in held)

    def below(self, path: str, module: nn.Module, depth: int) -> Iterator[Block]:
        """The blocks inside a module; one that has several paths is found under its first."""
        if id(module) in self._seen:
            return
        self._seen.add(id(module))
        prefix = f"{path}." if path else ""
        children = [(prefix + n, c) for n, c in module._modules.items() if c is not None]
        if isinstance(module, _CONTAINERS):
            yield from self._in_container(children, depth)
        else:
            yield from self._as_attributes(children, depth)

    def _in_container(self, children: Children, depth: int) -> Iterator[Block]:
        blocks = [(p, c) for p, c in children if _has_parts(c) and self._times[type(c)] > 1]
        sizes: dict[type, set[int]] = {}
        for path, block in blocks:
            sizes.setdefault(type(block), set()).add(self._parameters.get(path, 0))
        chosen = {path for path, _ in blocks}
        for path, child in children:
            if path not in chosen:
                yield from self.below(path, child, depth)
            elif id(child) not in self._seen:
                inside = tuple(self.below(path, child, depth + 1))
                alike = len(sizes[type(child)]) == 1
                stage = not alike and self._is_stage(path, inside, depth + 1)
                yield _block(path, child, depth, is_stage=stage)
                yield from inside

    def _as_attributes(self, children: Children, depth: int) -> Iterator[Block]:
        """Children of one class are blocks unless it is what they hold that is repeated."""
        found = [(path, child, tuple(self.below(path, child, depth))) for path, child in children]
        single = {path for path, child, inside in found if self._is_single(path, child, inside)}
        times = Counter(type(child) for path, child, _ in found if path in single)
        for path, child, inside in found:
            kind = type(child)
            if path in single and (times[kind] > 1 or kind in self._known):
                self.chosen.add(kind)
                yield _block(path, child, depth)
                yield from (replace(block, depth=block.depth + 1) for block in inside)
            else:
                yield from inside

    def _is_single(self, path: str, module: nn.Module, inside: Sequence[Block]) -> bool:
        """Whether a child is one block at most, and more than one layer."""
        if type(module) in _CONTAINERS or not self._is_more_than_a_layer(path):
            return False
        return not any(self._is_more_than_a_layer(block.path) for block in inside)

    def _is_more_than_a_layer(self, path: str) -> bool:
        return self._multiplying.get(path, 0) > 1

    def _is_stage(self, path: str, inside: Sequence[Block], depth: int) -> bool:
        """Whether most of what a block multiplies lies in blocks of one class, in one container.

        Blocks that multiply next to other work in their container are parts of the block, and so
        are single layers.
        """
        next_ = [block for block in inside if block.depth == depth]
        holders = {block.path.rpartition(".")[0] for block in next_}
        if len(holders) != 1 or len({block.class_name for block in next_}) != 1:
            return False
        within = sum(self._macs.get(block.path, 0) for block in next_)
        alone = within == self._macs.get(holders.pop(), 0)
        layers = not any(self._is_more_than_a_layer(block.path) for block in next_)
        return alone and not layers and 2 * within > self._macs.get(path, 0)


def _block(path: str, module: nn.Module, depth: int, *, is_stage: bool = False) -> Block:
    return Block(path=path, class_name=type(module).__name__, depth=depth, is_stage=is_stage)


def _has_parts(module: nn.Module) -> bool:
    return any(child is not None for child in module._modules.values())
