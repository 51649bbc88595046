#!/usr/bin/env python3
"""Writes scenes/microcircuit.ron: the cortical microcircuit of Potjans & Diesmann (2014) at any scale.

    python3 scenes/microcircuit.py                          # a tenth, as shipped
    python3 scenes/microcircuit.py --scale 1 full.ron       # 77,169 neurons, 299 million synapses

Below full scale there are fewer neurons and, in the same ratio s, fewer synapses for each. Weights
grow by 1 / sqrt(s), which keeps the variance of the input; its mean falls to sqrt(s) of what it was.
A constant current replaces the rest (van Albada, Helias & Diesmann 2015):

    i_e[i] = tau_syn (1 - sqrt(s)) (sum_j K[i][j] J[i][j] rate[j] + K_ext[i] J_ext rate_ext)

with in-degrees K, weights J and the mean rates of the full network.
"""

import argparse
import math
import os

NAMES = ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"]
SIZE = [20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948]
K_EXT = [1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100]
V_INIT = [(-68.28, 5.36), (-63.16, 4.57), (-63.33, 4.74), (-63.45, 4.94),
          (-63.11, 4.94), (-61.66, 4.55), (-66.72, 5.46), (-61.43, 4.48)]  # mV: mean, deviation
RATE = [0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829]  # Hz, of the full network
RATE_EXT = 8.0  # Hz
# Probability that a pair has a synapse at least: rows are targets, columns sources.
PROBABILITY = [
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
    [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
]
C_M, TAU_M, TAU_SYN = 250.0, 10.0, 0.5  # pF, ms, ms
PSP, G, SPREAD = 0.15, -4.0, 0.1  # mV, inhibition to excitation, deviation to mean

HEADER = """\
// The cortical microcircuit of Potjans & Diesmann (2014): an excitatory and an inhibitory population in
// each of four layers under 1 mm^2 of cortex, with the connectivity of anatomy and physiology.
//
// Here at {percent} of the neurons and {percent} of the synapses of each; weights and a constant current make
// up for what is missing. Written by scenes/microcircuit.py, which writes any other scale: for all
// 77,169 neurons and 299 million synapses
//   python3 scenes/microcircuit.py --scale 1 full.ron
//
// Expect irregular spikes (CV of the intervals 0.7 to 0.9), and once the first 0.5 s are past
// these rates in Hz. What makes up for missing synapses keeps mean and variance of the input, but not
// its higher moments: below full scale rates are lower, the lowest most of all.
//                 L23E  L23I  L4E   L4I   L5E   L5I   L6E   L6I
//   published     0.90  2.97  4.41  5.88  7.57  8.63  1.11  7.83
//   full scale    0.92  3.00  4.40  5.88  7.67  8.65  1.09  7.84    over 2 s
//   a tenth       0.47  2.12  3.98  5.00  6.6   7.8   0.84  7.01    over 10 s
//
// At a tenth it takes half a second to build, and as long for each simulated one on two cores; at full
// scale a minute and 9 GB of memory to build, and ten seconds for each.
"""


def current_of_psp():
    """pA of an exponential current whose potential peaks at 1 mV."""
    peak = TAU_M * TAU_SYN / (TAU_M - TAU_SYN) * math.log(TAU_M / TAU_SYN)
    height = math.exp(-peak / TAU_M) - math.exp(-peak / TAU_SYN)
    return C_M * (TAU_M - TAU_SYN) / (TAU_M * TAU_SYN) / height


def scene(scale):
    """The text of the scene."""

    def synapses(i, j):
        # Pairs are drawn with replacement, so that some get several synapses.
        return math.log(1.0 - PROBABILITY[i][j]) / math.log(1.0 - 1.0 / (SIZE[i] * SIZE[j]))

    excitatory = [name.endswith("E") for name in NAMES]
    weight = PSP * current_of_psp()
    mean = [[weight * (1.0 if excitatory[j] else G) for j in range(8)] for _ in range(8)]
    mean[0][2] *= 2.0  # L4E to L23E
    lost = 1.0 - math.sqrt(scale)
    growth = 1.0 / math.sqrt(scale)

    populations, projections, stimuli = [], [], []
    for i, name in enumerate(NAMES):
        recurrent = sum(synapses(i, j) / SIZE[i] * mean[i][j] * RATE[j] for j in range(8))
        current = 1e-3 * TAU_SYN * lost * (recurrent + K_EXT[i] * weight * RATE_EXT)
        v_mean, v_deviation = V_INIT[i]
        populations.append(
            f'        "{name}": (size: {round(scale * SIZE[i])}, model: Like(model: "cell", with: (\n'
            f"            i_e: {current:.4f}, v_init: Normal(mean: {v_mean}, std: {v_deviation}),\n"
            f"        ))),\n"
        )
        stimuli.append(
            f'        (to: "{name}", input: Poisson('
            f"rate: {scale * K_EXT[i] * RATE_EXT:g}, weight: {growth * weight:.4f})),\n"
        )
        for j, source in enumerate(NAMES):
            number = round(scale * scale * synapses(i, j))
            if number == 0:
                continue
            w = growth * mean[i][j]
            bound = "min: 0" if w > 0 else "max: 0"
            delay = "mean: 1.5, std: 0.75" if excitatory[j] else "mean: 0.75, std: 0.375"
            projections.append(
                f'        (from: "{source}", to: "{name}", connect: FixedTotalNumber(n: {number}),\n'
                f"         weight: Normal(mean: {w:.4f}, std: {SPREAD * abs(w):.4f}, {bound}), "
                f"delay: Normal({delay})),\n"
            )
    names = ", ".join(f'"{name}"' for name in NAMES)
    return (
        HEADER.format(percent=f"{100 * scale:g} %")
        + "(\n    version: 1,\n"
        + '    simulation: (dt: 0.1, duration: "2 s", seed: 1),\n'
        + "    models: {\n"
        + '        "cell": Lif(c_m: 250, tau_m: 10, tau_syn: 0.5, e_l: -65, v_th: -50, v_reset: -65, t_ref: 2),\n'
        + "    },\n"
        + "    populations: {\n" + "".join(populations) + "    },\n"
        + "    projections: [\n" + "".join(projections) + "    ],\n"
        + "    stimuli: [\n" + "".join(stimuli) + "    ],\n"
        + "    record: (\n"
        + f"        spikes: [{names}],\n"
        + '        traces: [(population: "L4E", ids: [0, 1, 2], every: 0.5)],\n'
        + "    ),\n)\n"
    )


def main():
    """Reads the command line and writes the file."""
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="Writes the microcircuit of Potjans & Diesmann.")
    parser.add_argument("--scale", type=float, default=0.1, help="of neurons and in-degrees, up to 1")
    parser.add_argument("file", nargs="?", default=os.path.join(here, "microcircuit.ron"))
    args = parser.parse_args()
    if not 0.0 < args.scale <= 1.0:
        parser.error(f"the scale is above 0 and at most 1, not {args.scale}")
    with open(args.file, "w", encoding="utf-8") as file:
        file.write(scene(args.scale))


if __name__ == "__main__":
    main()
