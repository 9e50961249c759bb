"""What agents run: two scripts for `sh` and a plug-in for opencode, as texts.

Invariant: a hook prints nothing, ends well whatever happens, drains what it is given, and leaves
one whole file or none. What it leaves is bounded in size and in number.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Final

FORMAT: Final = "orc-hook 1"
PAYLOAD_MAX_BYTES: Final = 64 * 1024
FILES_MAX: Final = 1024
FILES_KEPT: Final = 512
PLUGIN_MARK: Final = "// orc-tui hooks: written by `orc hooks install opencode`"

_HOOK: Final = """\
#!/bin/sh
# Spools one event of a coding agent for orc-tui: orc-hook AGENT [EVENT]. It prints nothing and
# always ends well. With EVENT nothing is read. `orc hooks uninstall` takes it out of use.
{ set +x; } 2>/dev/null # an exported SHELLOPTS traces even the next line
exec >/dev/null 2>&1
agent=$1 event=$2
umask 077
PATH=/usr/bin:/bin${PATH:+:$PATH}
LC_ALL=C
input=
if [ -z "$event" ]; then
  true 3<&0 || exit 0
  [ ! -t 0 ] || exit 0
  input=$(cat)
  [ -n "$input" ] || exit 0
fi
cd @SPOOL@ || exit 0

# Never more than a bounded number of files, the newest.
set -- [0-9]*-*
if [ $# -gt @FILES_MAX@ ]; then
  rm -f $(ls -t | sed -n '/^[0-9]*-[0-9]*-[0-9]*$/p' | sed -n '@FILES_KEPT@,@FILES_AT_ONCE@p')
fi

# Who runs us, who runs that, and the time, as the kernel tells it: no process is started for it.
parent= grand= time=
IFS= read -r parent <"/proc/$PPID/stat"
set -- ${parent##*) }
case $2 in '' | *[!0-9]*) ;; *) IFS= read -r grand <"/proc/$2/stat" ;; esac
read -r time rest </proc/uptime && time=000000000000${time%.*}${time#*.}
time=${time#"${time%????????????}"}
case $time in '' | *[!0-9]*) time=$(date +%s) ;; esac

pane=${TMUX_PANE#%}
case $pane in '' | *[!0-9]*) pane=0 ;; esac
name=$time-$$-$pane
full=
{
  printf '%s\\n' '@FORMAT@' "$agent" "$event" "$TMUX" "$TMUX_PANE" "$CLAUDE_PID" \\
    "$parent" "$grand" || full=1
  if [ ${#input} -le @PAYLOAD_MAX@ ]; then
    printf '%s' "$input" || full=1
  else
    printf '%s' "$input" | head -c @PAYLOAD_MAX@ || full=1
  fi
} >".$name" || full=1
if [ -n "$full" ] || ! mv -f ".$name" "$name"; then
  rm -f ".$name"
fi
exit 0
"""

_STATUSLINE: Final = """\
#!/bin/sh
# Runs your own status line with the input it was made for, and keeps a copy of that input for
# orc-tui: orc-statusline [COMMAND]. `orc hooks uninstall claude` puts COMMAND back in its place.
{ set +x; } 2>/dev/null
input=$(
  PATH=/usr/bin:/bin${PATH:+:$PATH}
  cat
  printf x
)
input=${input%x}
(
  exec >/dev/null 2>&1
  umask 077
  PATH=/usr/bin:/bin${PATH:+:$PATH}
  cd @SPOOL@ || exit 0
  [ ${#input} -le @PAYLOAD_MAX@ ] || exit 0
  pane=${TMUX_PANE#%} server=${TMUX%,*}
  server=${server##*,}
  case $pane in '' | *[!0-9]*) exit 0 ;; esac
  case $server in '' | *[!0-9]*) exit 0 ;; esac
  parent= grand=
  IFS= read -r parent <"/proc/$PPID/stat"
  set -- ${parent##*) }
  case $2 in '' | *[!0-9]*) ;; *) IFS= read -r grand <"/proc/$2/stat" ;; esac
  printf '%s\\n' '@FORMAT@' claude StatusLine "$TMUX" "$TMUX_PANE" "$CLAUDE_PID" \\
    "$parent" "$grand" >".status-$$" && printf '%s' "$input" >>".status-$$" &&
    mv -f ".status-$$" "status-$server-$pane" || rm -f ".status-$$"
)
[ $# -gt 0 ] || exit 0
printf '%s' "$input" 2>/dev/null | /bin/sh -c "$1"
"""

_PLUGIN: Final = """\
@MARK@
// It tells orc-tui what this agent does. `orc hooks uninstall opencode` removes it.
import { spawn } from "node:child_process"

const HOOK = @HOOK@
const QUEUE_MAX = 64

export const OrcTui = async () => {
  const children = new Set()
  let queued = 0
  let last = Promise.resolve()

  const run = (payload) =>
    new Promise((done) => {
      try {
        const hook = spawn(HOOK, ["opencode"], { stdio: ["pipe", "ignore", "ignore"] })
        hook.on("error", done)
        hook.on("close", done)
        hook.stdin.on("error", () => {})
        hook.stdin.end(JSON.stringify(payload))
      } catch {
        done()
      }
    })

  // One at a time, so that they are written in the order in which they came.
  const tell = (payload) => {
    if (queued >= QUEUE_MAX) return
    queued += 1
    last = last.then(() => run(payload)).then(() => {
      queued -= 1
    })
  }

  const said = (event) => {
    const it = event.properties ?? {}
    const session = it.sessionID ?? it.info?.id ?? ""
    const base = { hook_event_name: event.type, session_id: session }
    switch (event.type) {
      case "session.created":
      case "session.updated":
        if (it.info?.parentID && children.size < 1000) children.add(it.info.id)
        return undefined
      case "session.status":
        return { ...base, status: it.status?.type, message: it.status?.message }
      case "session.idle":
        return base
      case "session.error":
        return { ...base, error: it.error?.name, message: it.error?.data?.message }
      case "permission.asked":
      case "permission.updated":
        return {
          ...base,
          tool_name: it.permission ?? it.type,
          tool_input: { ...it.metadata, description: it.title ?? it.patterns?.join(" ") },
        }
      case "permission.replied":
      case "question.replied":
      case "question.rejected":
        return base
      case "question.asked":
        return { ...base, tool_input: { question: it.questions?.[0]?.question } }
      default:
        return undefined
    }
  }

  const asks = (type) => type.startsWith("permission.") || type.startsWith("question.")

  return {
    event: async ({ event }) => {
      try {
        const payload = said(event)
        if (payload && (asks(event.type) || !children.has(payload.session_id))) tell(payload)
      } catch {}
    },
    "chat.message": async (input, output) => {
      try {
        if (children.has(input.sessionID)) return
        const prompt = (output.parts ?? []).find((part) => part.type === "text")?.text
        tell({ hook_event_name: "chat.message", session_id: input.sessionID, prompt })
      } catch {}
    },
    "tool.execute.before": async (input, output) => {
      try {
        if (children.has(input.sessionID)) return
        const { tool: tool_name, sessionID: session_id, callID: tool_use_id } = input
        const base = { hook_event_name: "tool.execute.before", session_id, tool_name }
        tell({ ...base, tool_use_id, tool_input: output.args })
      } catch {}
    },
  }
}
"""


def hook_script(spool: Path) -> str:
    """The hook that every agent runs."""
    return _filled(_HOOK, spool)


def statusline_script(spool: Path) -> str:
    """What stands before a person's own status line of Claude Code."""
    return _filled(_STATUSLINE, spool)


def opencode_plugin(hook: Path) -> str:
    """The plug-in through which opencode runs the hook."""
    return _PLUGIN.replace("@MARK@", PLUGIN_MARK).replace("@HOOK@", json.dumps(str(hook)))


def _filled(script: str, spool: Path) -> str:
    values = {
        "FORMAT": FORMAT,
        "PAYLOAD_MAX": str(PAYLOAD_MAX_BYTES),
        "FILES_MAX": str(FILES_MAX),
        "FILES_KEPT": str(FILES_KEPT),
        "FILES_AT_ONCE": str(FILES_KEPT + FILES_MAX),
        "SPOOL": shlex.quote(str(spool)),
    }
    for name, value in values.items():
        script = script.replace(f"@{name}@", value)
    return script
