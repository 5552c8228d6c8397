"""Go from a competition's folder to a submission within one time limit: train, blend what is finished, write.

The members of the blend are trained one after the other: those of --member, then the model that the settings of
train_folds.py describe. Folds, seed, limit and --extra are those of all members. Started again, the command trains what
is not finished yet.
"""

import argparse
import signal
import subprocess
import sys

from pooled_bert.base.command_line import Parser
from pooled_bert.base.deadline import Deadline
from pooled_bert.base.errors import TIME_LIMIT_STATUS, InputError, TimeLimitReached, run_command
from pooled_bert.base.places import command
from pooled_bert.base.rules import MINUTES, PLACE
from pooled_bert.runs.options import (
    add_data,
    add_workspace,
    given_options,
    named_options,
    parse_options,
    parsed_with_options,
    place_words,
    settings_from,
)

LINEAR = "linear: --model linear"
MOST_TO_BLEND = 2.0  # minutes that are kept for blend and submission; of a short limit, a fifth


def main() -> None:
    """Parse, train the members, blend them, write the submission."""
    args, options = parse_arguments()
    limit = args.time_limit
    training = Deadline(None if limit is None else limit - min(MOST_TO_BLEND, limit / 5))

    from pooled_bert.data.rows import find_data, read_extra, read_rows
    from pooled_bert.results.submission import check_place
    from pooled_bert.runs.fold_files import finished_folds
    from pooled_bert.runs.members import train_members

    check_place(args.output)
    data = find_data(args.benchmark, args.data)
    where = [*place_words(args), "--data", str(data)]
    members = members_of(args, [*options, *where], where)
    rows = read_rows(args.benchmark, data)  # raises InputError before anything is trained
    if rows.test is None:
        raise InputError(f"{data}: has no test rows, so nothing can be submitted; train with train_folds.py")
    if args.extra:
        read_extra(args.extra, rows.benchmark)
    folder = args.workspace.runs(args.benchmark.name)
    statuses = train_members(members, training)
    finished = {member.name: finished_folds(folder / member.name) for member in members}
    for name, folds in finished.items():
        print(
            f"{name}: {end_of(statuses.get(name), limit)}; finished folds: {' '.join(map(str, folds)) or 'none'}",
            flush=True,
        )
    if not any(finished.values()):
        if limit is not None and (TIME_LIMIT_STATUS in statuses.values() or not training.leaves(0)):
            raise TimeLimitReached(f"no fold was finished within {limit:g} minutes")
        raise InputError("no member was trained; the messages above say why")
    words = [*where, "--run", *finished, "--finished", "--weights", "greedy", "--output", str(args.output)]
    status = subprocess.run([sys.executable, str(command("make_submission.py")), *words]).returncode
    if status:
        sys.exit(status)


def end_of(status: int | None, limit: float | None) -> str:
    """Return in words how a training ended; None: it was never begun. A negative status is that of a signal."""
    if status is None:
        return "not begun"
    if status == TIME_LIMIT_STATUS or (limit is not None and status == -signal.SIGTERM):
        return "stopped by the time limit"
    if status == -signal.SIGKILL:
        return "killed, perhaps because the memory was full"
    return "done" if status == 0 else f"failed with exit status {status}"


def members_of(args: argparse.Namespace, options: list[str], where: list[str]) -> list:
    """Return the members in the order of their training; raises InputError for options that cannot be used."""
    from pooled_bert.runs.members import Member
    from pooled_bert.training.settings import RunSettings

    run, _ = settings_from(vars(args))
    own = ("benchmark", "model")  # the first is in ``where``; the second differs between members
    of_all = given_options(
        {name: value for name, value in vars(args).items() if name not in own}, RunSettings
    )
    if args.extra:
        of_all += ["--extra", str(args.extra)]
    members = []
    for text in args.member or ([] if run.model == "linear" else [LINEAR]):
        name, words = named_options("--member", text)
        parse_options([*of_all, *words], args.benchmark)
        members.append(Member(name, (*of_all, *words, *where)))
    members.append(Member(run.model, tuple(options)))
    names = [member.name for member in members]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--member {name}: is the name of two members; give one another name")
    return members


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Parse the command line; return also the words that describe the last member."""
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--output", type=PLACE, required=True, metavar="FILE", help="where the submission is written, a .csv"
    )
    parser.add_argument(
        "--time-limit",
        type=MINUTES,
        metavar="MINUTES",
        help="for everything together: trainings, blend and submission; whatever is finished by then is blended"
        " (default: no limit)",
    )
    parser.add_argument(
        "--member",
        action="append",
        metavar="'NAME: OPTIONS'",
        help=f"a member that is trained first, with these options of train_folds.py (default: '{LINEAR}',"
        " unless the last member is linear)",
    )
    add_data(parser)
    add_workspace(parser)
    return parsed_with_options(parser)


if __name__ == "__main__":
    run_command(main)
