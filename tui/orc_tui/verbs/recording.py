"""Recording an agent's pane, and playing what was recorded.

Invariant: a recording begins and ends because a person asked for it, and the line says where it is.
"""

from __future__ import annotations

from typing import Final

from orc_core.model.recording import Going, Recording
from orc_core.text import age
from orc_tui.messages import Act
from orc_tui.screens.dialog import Option
from orc_tui.screens.menu import Menu
from orc_tui.screens.player import Player
from orc_tui.verbs.verb import Verb
from orc_tui.view_models.reel import Reel, watch
from orc_tui.view_models.spans import clock

SHOWN_MAX: Final = 200


def note(one: Recording, now: float) -> str:
    """What the menu says of a recording: when, how long, how large, and if it goes on."""
    ago = age(now - one.began_at)
    when = "now" if ago == "now" else f"{ago} ago"
    told = [f"{clock(one.began_at)}, {when}", watch(one.lasted_s), f"{one.size / 1000:,.0f} kB"]
    told += [] if one.going is Going.ENDED else [one.going.value]
    return " · ".join(told)


class RecordingVerbs(Verb):
    """The verbs of recordings."""

    async def record(self, act: Act) -> None:
        """Begin to record the agent, or choose what becomes of the recording that goes on."""
        agent = self.agent(act)
        going = dict(self.snapshot.recordings)
        wing = self.core.recordings
        if agent.key not in going:
            one = await wing.start(agent)
            self.tell(f"{agent.name} is recorded into {one.path.name}; `:` record again ends it")
            return
        paused = going[agent.key]
        word = "resume" if paused else "pause"
        options = (Option("stop", "stop", "s"), Option(word, word, "p"))
        notes = ("the file is whole then", "go on" if paused else "see nothing for now")
        chosen = await self.ask(Menu(f"The recording of {agent.name}", options, notes))
        if chosen == "stop":
            one = await wing.stop(agent.name)
            self.tell(
                f"{agent.name} was recorded for {watch(one.lasted_s)}; `:` recordings plays it"
            )
        elif chosen == "pause":
            await wing.pause(agent.name)
            self.tell(f"the recording of {agent.name} is paused")
        elif chosen == "resume":
            await wing.resume(agent.name)
            self.tell(f"the recording of {agent.name} goes on")

    async def recordings(self, act: Act) -> None:
        """Choose a recording, and play it on the whole screen."""
        found = (await self.core.recordings.listing())[:SHOWN_MAX]
        if not found:
            self.tell("there are no recordings: `:` record makes one of an agent")
            return
        now = self.app.now()
        options = [Option(one.id, one.name) for one in found]
        chosen = await self.ask(Menu("Recordings", options, [note(one, now) for one in found]))
        one = next((one for one in found if one.id == chosen), None)
        if one is None:
            return
        if not one.key:
            self.tell(f"{one.path.name} was made elsewhere: `asciinema play` plays it")
            return
        header, events = await self.core.recordings.read(one)
        await self.ask(Player(Reel(header, events)))
