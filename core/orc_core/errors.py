"""Errors of the core. Each message is one line that names the thing and the remedy."""

from __future__ import annotations


class OrcError(Exception):
    """Any failure that a person should read; the text is fit for the screen."""


class UsageError(OrcError):
    """A request that cannot be understood or is not allowed as it stands."""


class UnknownName(OrcError):
    """No agent, task, conflict or revision goes by that name."""


class TmuxError(OrcError):
    """A tmux server refused a command."""


class TmuxGone(TmuxError):
    """No tmux server answers at that socket."""


class TmuxTimeout(TmuxError):
    """A tmux server did not answer within its deadline."""


class TmuxBusy(TmuxError):
    """Another of us is just coming to a tmux server, or leaving it."""


class IllegalMove(OrcError):
    """A status change that the task machine does not allow."""


class Overlap(OrcError):
    """Something newer stands in the way of going back; a person has to look first."""


class ReadOnly(OrcError):
    """The core was opened to look only."""


class LayerOffline(OrcError):
    """A layer cannot be read or written now; what it holds is unknown, not gone."""


class LayerSpun(LayerOffline):
    """A layer computed for so long that everything else was slowed down or held up by it."""


class GitError(OrcError):
    """Git refused, is missing, too old, or printed more than it may."""


class GitTimeout(GitError):
    """Git did not end within its deadline."""


class NoWorkTree(GitError):
    """A folder is not in the work tree of any git repository that may be read."""
