"""Writes eprop.bin, of which tests/eprop.rs takes the reference of e-prop, and prints the losses that it expects.

The network, its data and its update are those of the evidence accumulation task as published by Bellec et al. (2020), 40
inputs, 50 neurons with a fixed threshold and 50 whose threshold adapts, two outputs, in the order of draws of the NEST
simulator's test of its e-prop synapses, whose losses these are. Run with numpy, which keeps this order of draws for ever:

    python3 tests/data/eprop.py

The file has, in little endian: weights as f32, inputs, recurrent and outputs, by source and then target, and those of the
feedback, by neuron and then output; then for 5 updates by 1 sample and 5 by 2 the spikes of each sample, a bit for each
of the 40 inputs in each of the 2,250 steps, the first input in the lowest bit; then the label of each sample, a byte.
"""

import os

import numpy as np

STEPS, ASKED, INPUTS, CELLS, OUTPUTS, UPDATES = 2250, 150, 40, 100, 2, 5


def draw(batch):
    """Weights, and for each update the samples: spikes and label."""
    random = np.random
    random.seed(1)

    def single(x):
        return np.array(x, np.float32).astype(float)

    w_in = single(random.randn(INPUTS, CELLS).T / INPUTS**0.5)
    w_rec = single(random.randn(CELLS, CELLS).T / CELLS**0.5)
    np.fill_diagonal(w_rec, 0)
    bound = np.sqrt(3 / ((CELLS + OUTPUTS) / 2))
    w_out = single(random.uniform(-bound, bound, (CELLS, OUTPUTS)).T)
    feedback = single(random.randn(CELLS, OUTPUTS))
    updates = []
    for _ in range(UPDATES):
        likely = np.array([0.3, 0.7], np.float32)
        side = random.choice([0, 1], batch)
        chances = np.stack([likely[side], likely[1 - side]], 1)
        cues = np.array([random.choice([0, 1], 7, p=chance) for chance in chances])
        chance = np.zeros((batch, STEPS, INPUTS))
        for b in range(batch):
            for cue in range(7):
                first = 10 * cues[b, cue]
                chance[b, 150 * cue + 50 : 150 * cue + 150, first : first + 10] = 0.04
        chance[:, -ASKED:, 20:30] = 0.04
        chance[:, :, 30:] = 0.01
        spikes = chance > random.rand(chance.size).reshape(chance.shape)
        spikes[:, 0] = 0
        updates.append([(spikes[b], int(cues[b].sum() > 3)) for b in range(batch)])
    return [w_in, w_rec, w_out, feedback], updates


def losses(weights, updates):
    """Losses of updates by Adam with random feedback, in the equations as they are published."""
    w_in, w_rec, w_out, feedback = weights
    decay, rise = np.exp(-1 / 20), np.exp(-1 / 2000)
    beta = np.zeros(CELLS)
    beta[50:] = 1.7 * (1 - rise) / (1 - decay)
    v_th, refractory, c_reg, f_target = 0.6, 5, 300.0, 0.01
    learned = [w_in, w_rec, w_out]
    mean, square, told = [0] * 3, [0] * 3, []
    for update, samples in enumerate(updates):
        gradient, loss = [0] * 3, 0
        for x, label in samples:
            v = z = a = left = np.zeros(CELLS)
            y = np.zeros(OUTPUTS)
            spikes, slope, error = (np.zeros((STEPS, n)) for n in (CELLS, CELLS, OUTPUTS))
            for t in range(STEPS):
                left = np.maximum(left - 1, 0)
                v = decay * v + learned[0] @ x[t] + learned[1] @ z - v_th * z
                a = rise * a + z
                u = v - v_th - beta * a
                free = left == 0
                slope[t] = free * 0.3 / v_th * np.maximum(0, 1 - abs(u) / v_th)
                z = ((u >= 0) & free) * 1.0
                left = np.where(z > 0, refractory, left)
                spikes[t] = z
                y = decay * y + (1 - decay) * (learned[2] @ z)
                if t >= STEPS - ASKED:
                    softmax = np.exp(y) / np.exp(y).sum()
                    error[t] = softmax - np.eye(OUTPUTS)[label]
                    loss -= np.log(softmax[label]) / ASKED / len(samples)
            signal = error @ feedback.T
            excess = c_reg / STEPS * (spikes.mean(0) - f_target)
            before = np.vstack([np.zeros((1, CELLS)), spikes[:-1]])
            for k, sent in ((0, x), (1, before)):
                z_bar = np.zeros(sent.shape[1])
                e_bar = epsilon = total = np.zeros((CELLS, sent.shape[1]))
                for t in range(STEPS):
                    z_bar = decay * z_bar + sent[t]
                    e = slope[t][:, None] * (z_bar - beta[:, None] * epsilon)
                    epsilon = rise * epsilon + e
                    e_bar = decay * e_bar + (1 - decay) * e
                    total = total + signal[t][:, None] * e_bar + excess[:, None] * e
                gradient[k] = gradient[k] + total * (1 - np.eye(CELLS) if k else 1)
            z_bar, total = np.zeros(CELLS), 0
            for t in range(STEPS):
                z_bar = decay * z_bar + (1 - decay) * spikes[t]
                total = total + np.outer(error[t], z_bar)
            gradient[2] = gradient[2] + total
        told.append(loss)
        for k in range(3):
            g = gradient[k] / len(samples) / ASKED
            mean[k] = 0.9 * mean[k] + 0.1 * g
            square[k] = 0.999 * square[k] + 0.001 * g * g
            rate = 5e-3 * np.sqrt(1 - 0.999 ** (update + 1)) / (1 - 0.9 ** (update + 1))
            learned[k] = learned[k] - rate * mean[k] / (np.sqrt(square[k]) + 1e-8)
    return told


def main():
    content, labels = b"", b""
    for batch in (1, 2):
        weights, updates = draw(batch)
        if not content:
            natural = [weights[0].T, weights[1].T, weights[2].T, weights[3]]
            content = b"".join(w.astype("<f4").tobytes() for w in natural)
        for samples in updates:
            for spikes, label in samples:
                content += np.packbits(spikes, axis=1, bitorder="little").tobytes()
                labels += bytes([label])
        print(batch, *(f"{loss:.12f}" for loss in losses(weights, updates)))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "eprop.bin")
    with open(path, "wb") as file:
        file.write(content + labels)


main()
