"""The claim: five seeds on the official test; and the rule of the threshold that they share."""

from __future__ import annotations

from blocks.words import number, percent, read

ROWS = {
    "auroc": "AUROC",
    "accuracy_at_balanced": "accuracy at `balanced`",
    "sensitivity_at_balanced": "sensitivity at `balanced`",
    "specificity_at_balanced": "specificity at `balanced`",
    "sensitivity_at_screening": "sensitivity at `screening`",
    "specificity_at_screening": "specificity at `screening`",
    "sensitivity_at_rule-in": "sensitivity at `rule-in`",
    "specificity_at_rule-in": "specificity at `rule-in`",
    "calibration_error": "calibration error",
    "called_unlikely_with_finding": "pneumonias called unlikely",
    "called_likely_without_finding": "NORMAL films called likely",
    "uncertain": "films called uncertain",
}
PLAIN = {"auroc", "calibration_error"}
ORDINALS = ["highest", "second highest", "third highest", "fourth highest", "lowest"]


def five_seeds() -> str:
    """Mean with its interval by patient, standard deviation between the seeds, and each seed."""
    found = read("results/five-seeds.json")
    seeds = found["seeds"]
    names = [name.rpartition("seed")[2] for name in seeds]
    rows = [
        f"{len(seeds)} seeds of the default recipe on the official test ({found['radiographs']} radiographs of {found['patients']}",
        "patients), all with the thresholds of one twin (`python benchmarks/five_seeds.py`); 95 % intervals by patient:",
        "",
        f"| | mean | between seeds | {' | '.join(f'seed {name}' for name in names)} |",
        "|---" * (len(names) + 3) + "|",
    ]
    for key, name in ROWS.items():
        plain = key in PLAIN
        mean = number(found["mean"][key]) if plain else percent(found["mean"][key])
        spread = found["standard_deviation"][key]
        each = [f"{seed[key]:.3f}" if plain else f"{100 * seed[key]:.1f}" for seed in seeds.values()]
        rows.append(
            f"| {name} | {mean} | ± {f'{spread:.3f}' if plain else f'{100 * spread:.1f}'} | {' | '.join(each)} |"
        )
    rows += ["", f"The mean logit of all of them: AUROC {number(found['mean_logit_of_all']['auroc'])}."]
    return "\n".join(rows) + "\n"


def balanced_threshold() -> str:
    """What each rule promises where it chose, and keeps on patients that it did not see."""
    found = read("results/balanced-threshold.json")
    rows = [
        "| rule | threshold (logit) | its standard deviation | balanced accuracy where chosen | on patients left out |",
        "|---|---|---|---|---|",
    ]
    for table in found["tables"].values():
        for rule, values in table.items():
            rows.append(
                f"| {rule} | {values['threshold_logit']:.2f} | {values['threshold_logit_standard_deviation']:.2f} |"
                f" {100 * values['balanced_accuracy_where_chosen']:.1f} % |"
                f" {100 * values['balanced_accuracy_on_patients_left']:.1f} % |"
            )
    return "\n".join(rows) + "\n"


def twins() -> str:
    """A run against two that have learnt half of what it had held out."""
    found = read("results/twins.json")["metrics"]
    names = {"held_out": "held out", "learnt": "the other half learnt", "difference": "difference"}
    rows = ["| | AUROC | sensitivity | specificity |", "|---|---|---|---|"]
    for key, name in names.items():
        cells = [
            number(found[f"{key}/{metric}"]) if metric == "auroc" else percent(found[f"{key}/{metric}"])
            for metric in ("auroc", "sensitivity", "specificity")
        ]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def five_seeds_mean() -> str:
    """The claim in a sentence."""
    found = read("results/five-seeds.json")
    mean, seeds = found["mean"], found["seeds"]
    aurocs = sorted(seed["auroc"] for seed in seeds.values())
    accuracies = [seed["accuracy_at_balanced"] for seed in seeds.values()]
    better = sum(one > accuracies[0] for one in accuracies)
    rows = [
        f"The claim is the mean of {len(aurocs)} seeds, of which the first was settled beforehand to ship, and came out with the",
        f"{ORDINALS[better]} accuracy: AUROC {number(mean['auroc'])} (seeds {aurocs[0]:.3f} to {aurocs[-1]:.3f}), at `balanced` accuracy",
        f"{percent(mean['accuracy_at_balanced'])}, sensitivity {percent(mean['sensitivity_at_balanced'])}, specificity",
        f"{percent(mean['specificity_at_balanced'])}, calibration error {number(mean['calibration_error'])}.",
    ]
    return "\n".join(rows) + "\n"
