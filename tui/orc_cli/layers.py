"""`orc layers` and `orc layers set`.

Invariant: a choice is a document of the workspace: whoever leads goes by it at once, it is there
after a restart, and it can be taken back.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orc_cli.options import Commands, command, opened
from orc_cli.output import iso, layer_json, print_json, print_table

if TYPE_CHECKING:
    from orc_core.model.health import Layer
    from orc_core.sync.paces import Choice, Pace

STRATEGIES = ("realtime", "batch", "lazy", "event")
HEADING = ("", "layer", "state", "strategy", "behind", "queued", "failed", "took", "last trouble")


def register(commands: Commands) -> None:
    listing = command(commands, "layers", list_layers, "the layers, and how each is", json=True)
    verbs = listing.add_subparsers(dest="verb", metavar="VERB")
    told = "switch a layer on or off, or choose when it is brought in step"
    change = command(verbs, "set", set_layer, told, json=True)
    change.add_argument("layer", metavar="LAYER", help="file, tmux, or what a plug-in brought")
    change.add_argument(
        "--strategy",
        choices=STRATEGIES,
        help="at once; gathered, every interval; when it is read; on listed events",
    )
    change.add_argument("--interval-s", type=float, metavar="N", help="for batch (default: 30)")
    change.add_argument(
        "--event",
        dest="events",
        action="append",
        metavar="KIND.WHAT",
        help="for event, such as task.done or '*.add'; may be repeated",
    )
    change.add_argument("--kind", default="", metavar="KIND", help="for task or agent alone")
    change.add_argument(
        "--server",
        dest="servers",
        action="append",
        metavar="NAME",
        help="tmux: publish to this server too, though it is not ours; may be repeated",
    )
    switch = change.add_mutually_exclusive_group()
    switch.add_argument("--on", action="store_true", default=None, help="switch it on")
    switch.add_argument("--off", dest="on", action="store_false", help="switch it off")
    change.add_argument("--reset", action="store_true", help="as config.toml says again")


async def list_layers(args: argparse.Namespace) -> int:
    from orc_core.model.health import overall

    async with opened(args) as core:
        await core.agents.scan(must_answer=False)
        choices = await core.layer_choices.listing() if core.has_store else {}
        led = core.led_elsewhere
        layers = core.layers() if led else _as_chosen(core.layers(), choices)
    if args.json:
        rows = [layer_json(one) | _choice_json(choices.get(one.name)) for one in layers]
        print_json({"health": overall(layers).value, "leader": led, "layers": rows})
        return 0
    print_table([HEADING, *map(_row, layers)], empty="no layers yet")
    return 0


def _as_chosen(layers: Sequence[Layer], choices: Mapping[str, Choice]) -> list[Layer]:
    """The layers as they will be: nobody leads, so what was told last may be old."""
    from dataclasses import replace

    from orc_core.model.health import Layer, LayerState

    told = {layer.name: layer for layer in layers}
    for name, choice in choices.items():
        line = told.get(name, Layer(name, LayerState.UNKNOWN, "", 0.0, 0, 0))
        state = line.state if choice.on else LayerState.OFF
        if choice.on and state is LayerState.OFF:
            state = LayerState.UNKNOWN
        told[name] = replace(line, state=state, strategy=str(choice))
    return list(told.values())


def _row(layer: Layer) -> tuple[str, ...]:
    trouble = layer.trouble
    if trouble and layer.trouble_at:
        trouble = f"{iso(layer.trouble_at)} {trouble}"
    return (
        "!" if layer.failed or layer.faults else "",
        layer.name,
        layer.state.value,
        layer.strategy or "-",
        f"{layer.behind_s:.0f} s",
        str(layer.queued),
        str(layer.failed),
        f"{layer.latency_s * 1000:.0f} ms",
        trouble,
    )


def _choice_json(choice: Choice | None) -> dict[str, object]:
    if choice is None:
        return {}
    kinds = {kind: _pace_json(pace) for kind, pace in choice.kinds.items()}
    pace = _pace_json(choice.pace)
    return {"on": choice.on, "pace": pace, "kinds": kinds, "servers": list(choice.servers)}


def _pace_json(pace: Pace) -> dict[str, object]:
    told: dict[str, object] = {"strategy": pace.strategy.value}
    if pace.strategy == "batch":
        told["interval_s"] = pace.interval_s
    if pace.strategy == "event":
        told["events"] = list(pace.events)
    return told


async def set_layer(args: argparse.Namespace) -> int:
    from orc_core.errors import ReadOnly, UsageError

    fields = _fields(args)
    if not fields:
        raise UsageError("say what to set: --strategy, --interval-s, --event, --on, --off, --reset")
    for name, option, strategy in (
        ("interval_s", "--interval-s", "batch"),
        ("events", "--event", "event"),
    ):
        if fields.get(name) and fields.get("strategy") not in (None, strategy):
            raise UsageError(f"{option} counts for --strategy {strategy} alone")
    async with opened(args, create=True, cause="orc layers set") as core:
        if args.read_only:
            raise ReadOnly("cannot set a layer: opened with --read-only")
        choice = await core.layer_choices.change(args.layer, fields, kind=args.kind)
        led = core.led_elsewhere
    if args.json:
        print_json({"name": args.layer, "leader": led} | _choice_json(choice))
        return 0
    told = f"{args.layer} is {'on' if choice.on else 'off'}, {choice}"
    if args.kind:
        told = f"{args.layer} {args.kind}: {choice.of(args.kind)}"
    when = "" if led else "; it counts from the next sync on"
    print(f"{told}{when}; `orc undo` takes it back")
    return 0


def _fields(args: argparse.Namespace) -> dict[str, Any]:
    """What to set; with --reset, whatever is not given is as in the files."""
    names = ["strategy", "interval_s", "events"]
    names += [] if args.kind else ["on", "servers"]
    given = {name: getattr(args, name) for name in names}
    if args.reset:
        return given | ({} if args.kind else {"kinds": None})
    return {name: value for name, value in given.items() if value is not None}
