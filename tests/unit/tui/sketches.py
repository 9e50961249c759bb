"""The main view as it is meant to be, to the cell."""

MAIN_80 = """\
 orc  shop · devbox   ◆ 3 waiting  ✗ 1 crashed  ‖ 2 limited  ● 7 working   live
─ 1 Agents  9 of 17 ─── since 12:10: 2 done, 1 crashed, 2 limited, 3 conflicts ─
›◆ waiting  claude-2     4m T-14 Bash  npm run migrate --env sta…    hook    4m
 ◆ waiting  codex-1      2m T-09 Edit  src/cart/price.ts  +18 -4     screen  2m
 ◆ waiting  claude-5    now T-22 asks  keep the v1 routes? 3 ways    level
 ✗ crashed  aider-1      9m T-17 exit 137, killed after 2h04         proc    9m
 ‖ limited  claude-3    31m T-11 resets 16:00 in 1h28, goes on       hook   31m
 ‖ limited  claude-4    31m T-12 resets 16:00 in 1h28                hook   31m
 ✓ done     gemini-1     6m T-08 cart totals round; 14 tests new     title   6m
 ● working  claude-6    48m T-19 silent 41m: pytest tests/e2e        level
 ● working  claude-1    12m T-13 Bash  npm test -- cart              level
─ 0 Live  claude-2 · waiting: permission ───────── hook 4m · the screen agrees ─
   npm run migrate -- --env staging
   Apply pending migrations to the staging database

 Do you want to proceed?
 ❯ 1. Yes
   2. Yes, and don't ask again for: npm run migrate
   3. No, and tell Claude what to do differently (esc)
────────────────────────────────────────────────────────────────────────────────
 2 Tasks      ✗ 1 failed  ● 11 running  ○ 4 ready     next T-23 Invoices as PDF
 3 Conflicts  ◆ 3 open   C-7 T-14 text   C-8 T-09 status   C-9 T-20 priority
 4 Sync       ✓ tmux  ✓ file  ✓ store                        0 queued  0 failed
 y answer  . next  a attach  i type  I interrupt  w why  x end  z undo   ? keys
"""

LISTS_160 = """\
╭─ 1 Agents ───────────────────────────────── 17 · those that need you first ─╮
│   state    agent       for task asks or does                     why        │
│›◆ waiting  claude-2     4m T-14 Bash  npm run migrate --env sta… hook    4m │
│ ◆ waiting  codex-1      2m T-09 Edit  src/cart/price.ts  +18 -4  screen  2m │
│ ◆ waiting  claude-5    now T-22 asks  keep the v1 routes? 3 ways level      │
│ ✗ crashed  aider-1      9m T-17 exit 137, killed after 2h04      proc    9m │
│ ‖ limited  claude-3    31m T-11 resets 16:00 in 1h28, goes on    hook   31m │
│ ‖ limited  claude-4    31m T-12 resets 16:00 in 1h28             hook   31m │
│ ✓ done     gemini-1     6m T-08 cart totals round; 14 tests new  title   6m │
│ ● working  claude-6    48m T-19 silent 41m: pytest tests/e2e     level      │
│ ● working  claude-1    12m T-13 Bash  npm test -- cart           level      │
│ ● working  claude-7     3m T-20 Edit  src/cart/price.ts          level      │
│ ● working  codex-2      8m T-21 Working: search index            title      │
│ ● working  codex-3     now T-26 Working: mail templates          title      │
│ ● working  opencode-1  22m T-16 Bash  docker compose build       screen     │
│ ● working  opencode-2   5m      “bump eslint, fix what breaks”   screen     │
│ ? unknown  ops:4        2m      node repl.js: no rule knows it   screen  2m │
│ ○ idle     codex-4     14m      ready for a task                 title  14m │
│ ○ idle     aider-2    1h32      ready for a task                 screen  1h │
╰─────────────────────────────────────────────────────────────────────────────╯
╭─ 2 Tasks ────────── 10 of 18 · 1 failed · 4 ready · 2 blocked · 11 running ─╮
│   status   task pr title                                agent           for │
│ ✗ failed   T-17 12 Import the 2023 price list           aider-1          9m │
│ ○ ready    T-23  9 Invoices as PDF                                          │
│ ○ ready    T-28  7 Search: forgive typos                                    │
│ ○ ready    T-27  5 Sitemap for the shop                                     │
│ ○ ready    T-30  3 Remove the old logo                                      │
│ ◌ blocked  T-24  9 Refund report                        after T-14          │
│ ◌ blocked  T-25  6 Drop orders.total                    after T-14 +1       │
│ ● running  T-14 11 Staging migration for orders         claude-2       1h07 │
│ ● running  T-09 10 Price rules: stacked discounts       codex-1         52m │
│ ● running  T-22  8 Retire the v1 routes                 claude-5        34m │
╰─────────────────────────────────────────────────────────────────────────────╯
╭─ 3 Conflicts ───────── 3 open · 1 deferred · 41 merged by themselves today ─╮
│ ◆ C-7  T-14 text                   claude-2 (file) / codex-1 (store)    11m │
│ ◆ C-8  T-09 status                 codex-1: done / you: running          9m │
│ ◆ C-9  T-20 priority               file: 5 / claude-7: 7                 2m │
│ ◇ C-5  T-22 title, deferred        claude-5 / you, until tomorrow        2h │
│ ✓ C-6  T-11 due                    took you over claude-3; z undoes     14m │
╰─────────────────────────────────────────────────────────────────────────────╯
╭─ 4 Sync ──────────────────────────────────────────────────── all layers up ─╮
│   layer  state    strategy  behind   queued  failed  last trouble           │
│ ✓ tmux   ok       realtime   < 1 s        0       0                         │
│ ✓ file   ok       realtime   < 1 s        0       0  13:58 T-11.json line 4 │
│ ✓ store  ok                               0       0                         │
╰─────────────────────────────────────────────────────────────────────────────╯
"""

HEADER_160 = (
    " orc  shop · devbox     ◆ 3 waiting   ✗ 1 crashed   ‖ 2 limited   ✓ 1 done   ● 7 working"
    "   ? 1 unknown   ○ 2 idle                 ◆ 3 conflicts   ✓ sync   live"
)

LIVE_160_TOP = """\
╭─ 0 Live  claude-2 ────────────────────────── [Screen] Why  History  Figures ─╮
│ T-14  Staging migration for orders                        waiting 4m of 1h07 │
│ shop:3.0   ~/src/shop-t14   feat/orders +214 -38           context 62 % used │
├──────────────────────────────────────────────────────────────────────────────┤
│                                                                              │
│ ❯ Take T-14. Plan first, then migrate in small steps.                        │
"""

LIVE_160_END = """\
│    3. No, and tell Claude what to do differently (esc)                       │
│                                                                              │
│  Esc to cancel · Tab to amend · ctrl+e to explain                            │
╰─ waiting: permission · hook 4m · the screen agrees ────────────── following ─╯
"""
