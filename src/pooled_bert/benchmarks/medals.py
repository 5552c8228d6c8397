"""The medals of a competition on Kaggle, by the scores of its final (private) leaderboard."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Medals:
    """The least score of each medal, and that of the winner; higher scores are better."""

    bronze: float
    silver: float
    gold: float
    first: float

    def named(self, score: float) -> str:
        """Return in words the medal that a score on the private leaderboard would have won, and what the next needs."""
        steps = {name: getattr(self, name) for name in ("first", "gold", "silver", "bronze")}
        won = next((name for name, least in steps.items() if score >= least), None)
        medal = {None: "no medal", "first": "gold medal, first place"}.get(won, f"{won} medal")
        missed = [f"{name} from {least}" for name, least in steps.items() if score < least]
        return f"{medal} ({missed[-1]})" if missed else medal
