"""The scene that screen tests and pictures are drawn from: one busy afternoon, frozen.

Invariant: it is data alone and the same at every call; `AT` is the time it shows.
"""

from __future__ import annotations

import calendar
from dataclasses import replace
from typing import Final

from orc_core.model.activity import Activity, Deed, Deeds, Sight
from orc_core.model.agent import Agent, Evidence, PaneRef, Source, State, Usage, Waiting
from orc_core.model.code import Code, TreeState
from orc_core.model.health import Fault, Layer, LayerState, Link, LinkState
from orc_core.model.history import Digest
from orc_core.model.life import Figures
from orc_core.model.snapshot import Delta, Part, Screen, Snapshot, Span, Style
from orc_core.model.task import Status, Task
from orc_storage.records import (
    OPERATOR,
    Clash,
    Conflict,
    ConflictState,
    Json,
    Side,
    StateChange,
)

AT: Final = float(calendar.timegm((2026, 11, 20, 14, 32, 0)))
LAST_KEY_AT: Final = float(calendar.timegm((2026, 11, 20, 12, 10, 0)))
HOME: Final = "/home/ada"
SOCKET: Final = "/tmp/tmux-1000/default"
MINUTE: Final = 60.0


def agent(
    name: str,
    state: State,
    minutes: float,
    *,
    task: str = "",
    does: str = "",
    source: Source = Source.LEVEL,
    seen: float = 0.0,
    still: float = 0.0,
    waiting: Waiting = Waiting.NONE,
    child: str = "",
    prompt: str = "",
    kind: str = "",
    where: str = "",
    number: int = 0,
    context: float | None = None,
) -> Agent:
    """One agent; `minutes` in its state, evidence `seen` and screen `still` minutes ago."""
    pane = PaneRef(SOCKET, 1, f"%{number}", 4000 + number)
    return Agent(
        key=pane.key,
        name=name,
        kind=kind or name.rpartition("-")[0],
        pane=pane,
        where=where or f"shop:{number}.0",
        session="shop",
        cwd=f"{HOME}/src/shop-{task.lower().replace('-', '')}" if task else f"{HOME}/src/shop",
        command=name.rpartition("-")[0] or "node",
        title="",
        state=state,
        waiting=waiting,
        since=AT - minutes * MINUTE,
        changed_at=AT - still * MINUTE,
        evidence=Evidence(source, f"{state.value} by {source.value}", AT - seen * MINUTE),
        does=does,
        last_prompt=prompt,
        task=task,
        busy_child=child,
        usage=Usage(context=context),
    )


RESETS = "resets 16:00 in 1h28"


def digest() -> Digest:
    """What happened since 12:10: codex-4 is idle again, which was seen to be done."""
    states = {
        "done": {"gemini-1", "codex-4"},
        "crashed": {"aider-1"},
        "limited": {"claude-3", "claude-4"},
        "working": {"claude-1"},
    }
    return Digest(LAST_KEY_AT, {state: frozenset(of) for state, of in states.items()}, 3)


def agents() -> tuple[Agent, ...]:
    """The seventeen agents of the sketch, in no particular order."""
    title, hook, screen = Source.TITLE, Source.HOOK, Source.SCREEN
    waiting, working, limited = State.WAITING, State.WORKING, State.LIMITED
    found = (
        agent("aider-2", State.IDLE, 92, source=screen, seen=92),
        agent("claude-1", working, 12, task="T-13", does="Bash  npm test -- cart"),
        agent(
            "codex-1",
            waiting,
            2,
            task="T-09",
            does="Edit  src/cart/price.ts  +18 -4",
            source=screen,
            seen=2,
            waiting=Waiting.PERMISSION,
        ),
        agent(
            "claude-2",
            waiting,
            4,
            task="T-14",
            does="Bash  npm run migrate --env staging",
            source=hook,
            seen=4,
            waiting=Waiting.PERMISSION,
            context=0.62,
        ),
        agent("claude-7", working, 3, task="T-20", does="Edit  src/cart/price.ts"),
        agent(
            "claude-5",
            waiting,
            0,
            task="T-22",
            does="asks  keep the v1 routes? 3 ways",
            waiting=Waiting.QUESTION,
        ),
        agent(
            "aider-1",
            State.CRASHED,
            9,
            task="T-17",
            does="exit 137, killed after 2h04",
            source=Source.PROC,
            seen=9,
        ),
        *(
            replace(
                agent(name, limited, 31, task=task, does=RESETS, source=hook, seen=31),
                resets_at=AT + 88 * MINUTE,
                line_at=AT + 89 * MINUTE,
            )
            for name, task in (("claude-3", "T-11"), ("claude-4", "T-12"))
        ),
        agent(
            "gemini-1",
            State.DONE,
            6,
            task="T-08",
            does="cart totals round; 14 tests new",
            source=title,
            seen=6,
        ),
        agent(
            "claude-6",
            working,
            48,
            task="T-19",
            does="Bash  npm run e2e",
            still=41,
            child="pytest tests/e2e",
        ),
        agent("codex-2", working, 8, task="T-21", does="Working: search index", source=title),
        agent("codex-3", working, 0, task="T-26", does="Working: mail templates", source=title),
        agent(
            "opencode-1", working, 22, task="T-16", does="Bash  docker compose build", source=screen
        ),
        agent("opencode-2", working, 5, prompt="bump eslint, fix what breaks", source=screen),
        agent(
            "ops:4",
            State.UNKNOWN,
            2,
            does="node repl.js: no rule knows it",
            source=screen,
            seen=2,
            kind="node",
        ),
        agent("codex-4", State.IDLE, 14, source=title, seen=14),
    )
    return tuple(
        replace(
            one,
            key=f"{SOCKET}:%{number}",
            pane=replace(one.pane, pane_id=f"%{number}", pid=4000 + number),
            where=one.name if ":" in one.name else f"shop:{number}.0",
        )
        for number, one in enumerate(found)
    )


def key_of(name: str) -> str:
    """The key of an agent of the scene."""
    return next(one.key for one in agents() if one.name == name)


def others() -> tuple[Agent, ...]:
    """Panes that no rule knows."""
    return tuple(
        replace(
            agent(f"ops:{number}", State.UNKNOWN, 60 + number, kind="other", number=90 + number),
            command=command,
            evidence=Evidence(Source.PROC, "no rule", AT),
        )
        for number, command in ((1, "vim README.md"), (2, "htop"))
    )


def task(
    ident: str,
    title: str,
    status: Status,
    priority: int,
    *,
    minutes: float = 0.0,
    assignee: str = "",
    after: tuple[str, ...] = (),
    text: str = "",
    needs: tuple[str, ...] = (),
    fault: str = "",
) -> Task:
    """One task; `minutes` in its status."""
    return Task(
        id=ident,
        rev=3,
        title=title,
        text=text,
        status=status,
        priority=priority,
        needs=needs,
        labels=(),
        depends_on=after,
        blocked_by=after,
        assignee=assignee,
        due="",
        since=AT - minutes * MINUTE,
        updated_at=AT - 20 * MINUTE,
        updated_by=OPERATOR,
        fault=fault,
    )


_TEXT: Final = """\
Orders keep their total as a number of cents in total_cents; orders.total goes away later.

1. Add orders.total_cents (bigint, null), and build its index concurrently.
2. Backfill total_cents in batches of 5,000 rows, 100 ms apart, from a script that can be stopped.
3. Switch reads to the new column.
4. Watch the error rate for a day."""


def tasks() -> tuple[Task, ...]:
    """The eighteen tasks of the sketch, in no particular order."""
    running, ready = Status.RUNNING, Status.READY
    return (
        task(
            "T-14",
            "Staging migration for orders",
            running,
            11,
            minutes=67,
            assignee="claude-2",
            text=_TEXT,
            needs=("database", "staging"),
        ),
        task("T-27", "Sitemap for the shop", ready, 5),
        task("T-25", "Drop orders.total", Status.BLOCKED, 6, after=("T-14", "T-24")),
        task("T-23", "Invoices as PDF", ready, 9),
        task(
            "T-17", "Import the 2023 price list", Status.FAILED, 12, minutes=9, assignee="aider-1"
        ),
        task("T-28", "Search: forgive typos", ready, 7),
        task("T-30", "Remove the old logo", ready, 3),
        task("T-24", "Refund report", Status.BLOCKED, 9, after=("T-14",)),
        task(
            "T-09",
            "Price rules: stacked discounts",
            running,
            10,
            minutes=52,
            assignee="codex-1",
        ),
        task("T-22", "Retire the v1 routes", running, 8, minutes=34, assignee="claude-5"),
        task("T-11", "Due dates in the calendar", running, 7, minutes=80, assignee="claude-3"),
        task("T-12", "Webhooks: sign the body", running, 6, minutes=77, assignee="claude-4"),
        task("T-19", "End-to-end tests of checkout", running, 6, minutes=48, assignee="claude-6"),
        task("T-13", "Cart: merge after login", running, 5, minutes=30, assignee="claude-1"),
        task("T-20", "Price badges", running, 5, minutes=21, assignee="claude-7"),
        task("T-21", "Search index in one pass", running, 5, minutes=19, assignee="codex-2"),
        task("T-26", "Mail templates", running, 4, minutes=11, assignee="codex-3"),
        task("T-16", "Smaller images", running, 4, minutes=22, assignee="opencode-1"),
    )


def side(layer: str, value: Json, writer: str, minutes: float, cause: str = "") -> Side:
    """One side of a conflict, written some minutes ago."""
    return Side(layer, value, True, writer, AT - minutes * MINUTE, 12, cause)


def conflict(
    ident: str,
    doc: str,
    path: str,
    left: Side,
    right: Side,
    minutes: float,
    *,
    state: ConflictState = ConflictState.OPEN,
    base: Json = "ready",
) -> Conflict:
    """One conflict, open for some minutes."""
    return Conflict(
        id=ident,
        kind=Clash.EDIT_EDIT,
        doc_kind="task",
        doc=doc,
        path=path,
        base=base,
        base_present=True,
        base_rev=11,
        left=left,
        right=right,
        state=state,
        opened_at=AT - minutes * MINUTE,
    )


def conflicts() -> tuple[Conflict, ...]:
    """Three open conflicts, a deferred one and one that was resolved, in no particular order."""
    batches = "Backfill total_cents in batches of 5,000 rows, from a script that can be stopped."
    nightly = "Backfill total_cents in the nightly job, 20,000 rows a run, until none is left."
    resolved = conflict(
        "C-6",
        "T-11",
        "due",
        side("file", "2026-11-24", OPERATOR, 30),
        side("store", "2026-11-27", "claude-3", 29),
        28,
        state=ConflictState.RESOLVED,
        base="2026-11-20",
    )
    deferred = conflict(
        "C-5",
        "T-22",
        "title",
        side("file", "Retire the v1 routes", "claude-5", 150),
        side("store", "Retire v1", OPERATOR, 140),
        139,
        state=ConflictState.DEFERRED,
        base="Remove the v1 routes",
    )
    return (
        replace(resolved, decided_at=AT - 14 * MINUTE, decided_by=OPERATOR, decision="left"),
        conflict(
            "C-7",
            "T-14",
            "text",
            side("file", batches, "claude-2", 11),
            side("store", nightly, "codex-1", 12, "orc task edit"),
            11,
            base="Backfill total_cents in one statement, at night.",
        ),
        replace(deferred, deferred_until=AT + 20 * 3600),
        conflict(
            "C-8",
            "T-09",
            "status",
            side("file", "done", "codex-1", 9),
            side("store", "running", OPERATOR, 10, "orc task edit"),
            9,
        ),
        conflict(
            "C-9",
            "T-20",
            "priority",
            side("file", 5, "", 2),
            side("store", 7, "claude-7", 3, "orc task edit"),
            2,
            base=4,
        ),
    )


def layers() -> tuple[Layer, ...]:
    """tmux, file and store, all up; the file layer had some trouble."""
    trouble_at = float(calendar.timegm((2026, 11, 20, 13, 58, 0)))
    return (
        Layer("tmux", LayerState.OK, "realtime", 0.2, 0, 0),
        Layer("file", LayerState.OK, "realtime", 0.0, 0, 0, "T-11.json line 4", trouble_at),
        Layer("store", LayerState.OK, "", 0.0, 0, 0),
    )


def broken_layers() -> tuple[Layer, ...]:
    """The same, with a file that cannot be read."""
    fault = Fault("file", "task", "T-11", "T-11.json line 4 column 3: expected `,`: mend it", AT)
    tmux, file, store = layers()
    return (
        tmux,
        replace(file, state=LayerState.DEGRADED, failed=1, queued=2, faults=(fault,)),
        store,
    )


PLAIN: Final = Style()
_DIM: Final = Style(fg=8)
_BOLD: Final = Style(bold=True)
_GREEN: Final = Style(fg=2)
_BLUE: Final = Style(fg="#b1b9f9")
_TOOL: Final = Style(bold=True)
_ADD: Final = Style(fg=15, bg="#225c2b")


def _tool(name: str, args: str) -> tuple[Span, ...]:
    return (Span("● ", _GREEN), Span(name, _TOOL), Span(f"({args})", PLAIN))


def _result(text: str) -> tuple[Span, ...]:
    return (Span("  ⎿  ", _DIM), Span(text, _DIM))


def _say(text: str) -> tuple[Span, ...]:
    return (Span("● ", PLAIN), Span(text, PLAIN))


def _plain(text: str) -> tuple[Span, ...]:
    return (Span(text, PLAIN),) if text else ()


PROMPT_LINES: Final = (
    _plain(" Do you want to proceed?"),
    (Span(" ❯ ", _BLUE), Span("1. Yes", _BLUE)),
    _plain("   2. Yes, and don't ask again for: npm run migrate"),
    _plain("   3. No, and tell Claude what to do differently (esc)"),
)


def screen() -> Screen:
    """The screen of claude-2, a Claude Code that asks for permission, in its colours."""
    blank: tuple[Span, ...] = ()
    lines = (
        blank,
        (Span("❯ ", _DIM), Span("Take T-14. Plan first, then migrate in small steps.", _DIM)),
        blank,
        _say("I'll look at how orders are stored before I plan."),
        blank,
        _tool("Read", "db/migrations/0041_orders.sql"),
        _result("Read 58 lines"),
        blank,
        _tool("Search", 'pattern: "order.total", path: "src"'),
        _result("Found 23 lines in 9 files"),
        blank,
        _tool("Write", "db/migrations/0042_orders_total_cents.sql"),
        _result("Wrote 31 lines"),
        (Span("       1  ", _DIM), Span("alter table orders add column total_cents bigint;", _ADD)),
        (Span("       2  ", _DIM), Span("create index concurrently orders_unfilled", _ADD)),
        (Span("       3  ", _DIM), Span("  on orders (id) where total_cents is null;", _ADD)),
        (Span("       …  28 more lines", _DIM),),
        blank,
        _tool("Bash", "npm run migrate -- --env local"),
        _result("0042_orders_total_cents applied in 212 ms"),
        (Span("     rows without total_cents: 48,210", _DIM),),
        blank,
        _tool("Bash", "npm test -- orders"),
        _result("36 passed, 0 failed (4.1 s)"),
        blank,
        _say("It works here. Next is staging, the backfill in batches of 5,000."),
        blank,
        (Span("● ", PLAIN), Span("Bash", _TOOL), Span("(npm run migrate -- --env staging)", PLAIN)),
        _result("Waiting…"),
        blank,
        (Span("─" * 76, _BLUE),),
        (Span(" Bash command", Style(fg="#b1b9f9", bold=True)),),
        _plain("   npm run migrate -- --env staging"),
        (Span("   Apply pending migrations to the staging database", _DIM),),
        blank,
        *PROMPT_LINES,
        blank,
        (Span(" Esc to cancel · Tab to amend · ctrl+e to explain", _DIM),),
    )
    return Screen(key_of("claude-2"), 100, 48, lines, None, AT)


def short_screen() -> Screen:
    """The same without its last two lines, as the sketch at 80 columns has it."""
    whole = screen()
    return replace(whole, lines=whole.lines[:-2])


def _state(minutes: float, state: State, evidence: str) -> StateChange:
    return StateChange("claude-2", AT - minutes * MINUTE, state.value, evidence)


def activity() -> Activity:
    """What claude-2 did since yesterday evening."""
    states = (
        _state(4, State.WAITING, "hook claude/PermissionRequest: asks"),
        _state(9, State.WORKING, "level claude/registry: took up work"),
        _state(12, State.ERROR, "hook claude/StopFailure: failed"),
        _state(61, State.WORKING, "level claude/registry: took up work"),
        _state(67, State.IDLE, "title claude/idle-title: is ready"),
        _state(318, State.WORKING, "hook claude/UserPromptSubmit: took up work"),
        _state(1100, State.IDLE, "screen claude/idle-prompt: is ready"),
    )
    by_state = {"working": 15_360.0, "idle": 360.0, "error": 180.0, "waiting": 240.0}
    deeds = Deeds(
        since=AT - 320 * MINUTE,
        prompts=(
            Deed(AT - 318 * MINUTE, "Find out why the totals of old orders are off by a cent."),
            Deed(AT - 61 * MINUTE, "Take T-14. Plan first, then migrate in small steps. " * 4),
        ),
        files=(
            Deed(AT - 55 * MINUTE, f"{HOME}/src/shop-t14/db/migrations/0041_orders.sql"),
            Deed(AT - 30 * MINUTE, f"{HOME}/.claude/plans/orders.md"),
            Deed(
                AT - 20 * MINUTE, f"{HOME}/src/shop-t14/db/migrations/0042_orders_total_cents.sql"
            ),
        ),
        prompted=2,
        calls=84,
        failures=1,
    )
    today = Figures(18_960.0, sum(by_state.values()), by_state, changes=6, restarts=1)
    sight = Sight(LAST_KEY_AT, screens=1_412, lines=20_918, began_at=AT - 18_960.0)
    return Activity(key_of("claude-2"), states, today, sight, deeds)


def code() -> Code:
    """The work trees of two agents, and what their branches would come to."""
    top, other = f"{HOME}/src/shop-t14", f"{HOME}/src/shop-t09"
    repository = f"{HOME}/src/shop/.git"
    trees = (
        TreeState(top, "shop-t14", repository, "feat/orders", "a1", added=214, removed=38),
        TreeState(other, "shop-t09", repository, "feat/price", "b2", under_way="rebase"),
    )
    return Code(trees, places=((top, top), (other, other)))


def snapshot() -> Snapshot:
    """The whole scene."""
    return Snapshot(
        at=AT,
        workspace="shop",
        host="devbox",
        server=SOCKET,
        agents=agents(),
        tasks=tasks(),
        conflicts=conflicts(),
        layers=layers(),
        link=Link(LinkState.LIVE, leader=True),
        screen=screen(),
        merged_today=41,
        code=code(),
    )


def empty(state: LinkState = LinkState.GONE) -> Snapshot:
    """A fleet without anybody in it."""
    return Snapshot(
        at=AT,
        workspace="shop",
        host="devbox",
        server=SOCKET,
        layers=layers(),
        link=Link(state),
    )


def delta(value: Snapshot, *parts: Part) -> Delta:
    """A delta that says what changed; everything where nothing is named."""
    return Delta(value, frozenset(parts or Part))
