"""Run in a process of its own: pushes in forks that are killed at every step of the journal, then pushes again.

    python killed.py FOLDER STEP-CALL-MOMENT-known|unknown ...

Prints, by point, whether the fork was killed there, whether the next push ended as an undisturbed one, and how many
rows were sent twice.
"""

import json
import os
import shutil
import signal
import sys
import warnings
from pathlib import Path

from shop import Crm, Shop, hasty, load

from patron.delivery import push, registry
from patron.delivery.state import State

warnings.simplefilter("ignore")
registry._load, State.__init__, os.fsync = load, hasty, lambda _: None
HOLDERS = {"send": Crm, "_write_dead_letters": push}
"""Where a step is; the others are of the state."""


def deadly(function, when, moment):
    """Kill this process before or after the call of that number."""
    calls = iter(range(1, sys.maxsize))

    def wrapped(*args, **options):
        call = next(calls)
        if call == when and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = function(*args, **options)
        if call == when and moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return wrapped


def killed(shop, name, when, moment):
    """Push in a fork that is killed at a point; True if it was."""
    holder, child = HOLDERS.get(name, State), os.fork()
    if child == 0:
        setattr(holder, name, deadly(getattr(holder, name), when, moment))
        shop.push(confirm=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def seen(shop):
    rows, told, failed, waiting, letters = shop.ended
    said = {
        customer: [values["said"].hex(), values["numbers"].hex(), values["band"]] for customer, values in told.items()
    }
    return [rows, said, failed, len(waiting), letters]


def undo(shop, kept):
    """Bring back a shop whose second scoring waits to be pushed."""
    shutil.rmtree(shop.out)
    shutil.copytree(kept / "out", shop.out)
    shutil.copy(kept / "crm.json", shop.crm.file)


folder = Path(sys.argv[1])
shop, kept = Shop(folder / "shop"), folder / "kept"
shop.keep(n=5)
shop.push()
shop.keep(n=6, day="2024-07-01", shift=0.1)
shutil.copytree(shop.out, kept / "out")
shutil.copy(shop.crm.file, kept / "crm.json")
shop.push(confirm=True)
aim, sent, told = seen(shop), shop.sent, {}
for point in sys.argv[2:]:
    name, when, moment, known = point.split("-")
    Crm.settles = known == "known"
    undo(shop, kept)
    dead = killed(shop, name, int(when), moment)
    shop.push(confirm=(name, moment) == ("begin", "before"))
    told[point] = {
        "killed": dead,
        "same": seen(shop) == aim,
        "more": shop.sent - sent,
        "litter": [path.name for path in shop.out.rglob(".*") if path.name != ".lock"],
    }
sys.stdout.write(json.dumps(told))
